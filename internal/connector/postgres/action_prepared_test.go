package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

// prepare leaves a prepared transaction of the role app behind.
func prepare(t testing.TB, gid string) {
	t.Helper()
	conn, _ := session(t, "app", t.Name(), "BEGIN", "CREATE TABLE "+gid+" (id int)", "PREPARE TRANSACTION '"+gid+"'")
	require.NoError(t, conn.Close(context.Background()))
	t.Cleanup(func() {
		if value(t, "app", "SELECT gid FROM pg_prepared_xacts WHERE gid = '"+gid+"'") != "" {
			changed.Exec(t, "app", "ROLLBACK PREPARED '"+gid+"'")
		}
	})
}

func TestRollbackPreparedKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	prepare(t, "left_over")
	prepare(t, "another")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.rollback_prepared"), Open: changer, Gone: nobodyThere,
		Args: map[string]any{"transactions": []any{"left_over"}},
		World: func(t *testing.T) string {
			return value(t, "app", "SELECT string_agg(gid, ' ' ORDER BY gid) FROM pg_prepared_xacts WHERE gid IN ('left_over', 'another')")
		},
		Effects: func(t *testing.T) int { return logged(t, changed, `statement: .*ROLLBACK PREPARED 'left_over'`) },
		Settles: 5 * time.Second,
	})
}

func TestAPreparedTransactionThatWasCommittedIsNotCalledRolledBack(t *testing.T) {
	t.Parallel()
	needServer(t)
	prepare(t, "meant_to_commit")
	order := planned(t, changer(t), "postgres.rollback_prepared", map[string]any{"transactions": []any{"meant_to_commit"}})
	changed.Exec(t, "app", "COMMIT PREPARED 'meant_to_commit'")
	standing := standingOf(t, changer(t), order)
	require.Equal(t, action.CannotTell, standing.State)
	require.Contains(t, standing.Text, "committed")
	_, err := apply(t, changer(t), order)
	actiontest.NotMade(t, err, "committed")
}

func TestTheRestOfThePreparedTransactionsIsRolledBack(t *testing.T) {
	t.Parallel()
	needServer(t)
	prepare(t, "first_of_two")
	prepare(t, "second_of_two")
	order := planned(t, changer(t), "postgres.rollback_prepared", map[string]any{"transactions": []any{"first_of_two", "second_of_two"}})
	changed.Exec(t, "app", "ROLLBACK PREPARED 'first_of_two'")
	require.Equal(t, action.PartlyMade, standingOf(t, changer(t), order).State)
	done, err := apply(t, changer(t), order)
	require.NoError(t, err)
	require.Equal(t, "2 prepared transactions rolled back", done.Summary)
}

func TestPreparedTransactionsThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	needServer(t)
	prepare(t, "of_app")
	args := map[string]any{"transactions": []any{"of_app"}}
	_, err := preview(t, changerAt(t, changed.URL("changer", "postgres")), "postgres.rollback_prepared", args)
	actiontest.Refuses(t, err, "was prepared in database app")
	_, err = preview(t, changerAt(t, changed.URL("monitor", "app")), "postgres.rollback_prepared", args)
	actiontest.Refuses(t, err, "belongs to app", "GRANT app TO")
	_, err = preview(t, changer(t), "postgres.rollback_prepared", map[string]any{"transactions": []any{}})
	actiontest.Refuses(t, err, "is empty")
}

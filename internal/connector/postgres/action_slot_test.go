package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

func TestDropSlotKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app",
		"SELECT pg_create_physical_replication_slot('left_behind', true)",
		"SELECT pg_create_logical_replication_slot('kept_behind', 'pgoutput')")
	t.Cleanup(func() { changed.Exec(t, "app", "SELECT pg_drop_replication_slot('kept_behind')") })
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.drop_slot"), Open: changer, Gone: nobodyThere,
		Args: map[string]any{"slots": []any{"left_behind"}},
		World: func(t *testing.T) string {
			return value(t, "app", "SELECT string_agg(slot_name, ' ' ORDER BY slot_name) FROM pg_replication_slots WHERE slot_name ~ '_behind$'")
		},
		Effects: func(t *testing.T) int {
			return logged(t, changed, `statement: .*pg_drop_replication_slot\(s.slot_name\)(.*\n).*slot_name = 'left_behind'`)
		},
		Settles: 5 * time.Second,
	})
	p, err := preview(t, changer(t), "postgres.drop_slot", map[string]any{"slots": []any{"kept_behind", "never_was"}})
	require.NoError(t, err)
	require.Contains(t, p.Items[0].Now, "pgoutput on database app")
	require.Equal(t, []string{"there is no slot never_was"}, p.Warnings)
}

func TestASlotThatIsReadIsNotDropped(t *testing.T) {
	t.Parallel()
	needServer(t)
	primary := realserver.StartPostgres(t, realserver.PostgresConfig{})
	standby := realserver.StartPostgres(t, realserver.PostgresConfig{Standby: primary, Slot: "follower"})
	target := changerAt(t, primary.URL("postgres", "app"))
	args := map[string]any{"slots": []any{"follower"}}
	eventually(t, func() bool { return valueAt(t, primary, "app", "SELECT active FROM pg_replication_slots") == "true" })
	_, err := preview(t, target, "postgres.drop_slot", args)
	actiontest.Refuses(t, err, "is being read")

	standby.Stop()
	eventually(t, func() bool { return valueAt(t, primary, "app", "SELECT active FROM pg_replication_slots") == "false" })
	order := planned(t, target, "postgres.drop_slot", args)
	standby.Start(t)
	eventually(t, func() bool { return valueAt(t, primary, "app", "SELECT active FROM pg_replication_slots") == "true" })
	require.Equal(t, action.NotMade, standingOf(t, target, order).State)
	_, err = apply(t, target, order)
	actiontest.Refuses(t, err, "is being read")
	require.Equal(t, "follower", valueAt(t, primary, "app", "SELECT slot_name FROM pg_replication_slots"))
}

package postgres_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

func table(t testing.TB, name string) {
	t.Helper()
	database("app").table(t, name)
}

// counted is how often a table was vacuumed or analyzed by hand.
func counted(t testing.TB, name, what string) int {
	t.Helper()
	n, err := strconv.Atoi(value(t, "app", fmt.Sprintf("SELECT %s_count FROM pg_stat_all_tables WHERE relid = '%s'::regclass", what, name)))
	require.NoError(t, err)
	return n
}

func TestVacuumKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "vacuumed")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.vacuum"), Open: changer, Gone: nobodyThere,
		Args: map[string]any{"table": "public.vacuumed", "freeze": true, "analyze": true},
		World: func(t *testing.T) string {
			return value(t, "app", "SELECT relfrozenxid || ' ' || reltuples FROM pg_class WHERE relname = 'vacuumed'")
		},
		Effects: func(t *testing.T) int { return counted(t, "vacuumed", "vacuum") },
		Settles: 5 * time.Second,
	})
	require.Equal(t, 1, counted(t, "vacuumed", "analyze"))
}

func TestAnalyzeKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "analyzed")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.analyze"), Open: changer, Gone: nobodyThere,
		Args: map[string]any{"table": "public.analyzed"},
		World: func(t *testing.T) string {
			return value(t, "app", "SELECT count(*) FROM pg_stats WHERE tablename = 'analyzed'")
		},
		Effects: func(t *testing.T) int { return counted(t, "analyzed", "analyze") },
		Settles: 5 * time.Second,
	})
	require.Equal(t, 0, counted(t, "analyzed", "vacuum"))
}

func TestAVacuumLetsReadersInAndLeavesTheFileAsLong(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "emptied")
	changed.Exec(t, "app", "DELETE FROM emptied")
	before := value(t, "app", "SELECT pg_relation_size('emptied')")
	_, err := apply(t, changer(t), planned(t, changer(t), "postgres.vacuum", map[string]any{"table": "public.emptied"}))
	require.NoError(t, err)
	require.Equal(t, before, value(t, "app", "SELECT pg_relation_size('emptied')"), "cutting the file takes the lock that stops every reader")
}

func TestVacuumsThatNobodyCouldTellOf(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "reset_later")
	order := planned(t, changer(t), "postgres.vacuum", map[string]any{"table": "public.reset_later"})
	changed.Exec(t, "app", "VACUUM reset_later")
	require.Equal(t, action.Made, standingOf(t, changer(t), order).State, "somebody else has done what was wanted")

	order = planned(t, changer(t), "postgres.vacuum", map[string]any{"table": "public.reset_later"})
	changed.Exec(t, "app", "SELECT pg_stat_reset_single_table_counters('reset_later'::regclass)")
	require.Equal(t, action.CannotTell, standingOf(t, changer(t), order).State)
	_, err := apply(t, changer(t), order)
	actiontest.NotMade(t, err, "statistics were reset")

	order = planned(t, changer(t), "postgres.analyze", map[string]any{"table": "public.reset_later"})
	changed.Exec(t, "app", "DROP TABLE reset_later")
	require.Equal(t, action.CannotTell, standingOf(t, changer(t), order).State)
}

func TestAVacuumWaitsForALockOnlyForItsTime(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "held")
	order := planned(t, changer(t), "postgres.analyze", map[string]any{"table": "public.held"})
	_, _ = session(t, "app", t.Name(), "BEGIN", "LOCK TABLE held IN SHARE UPDATE EXCLUSIVE MODE")
	_, err := applyWithin(t, changer(t), order, 2*time.Second)
	actiontest.NotMade(t, err)
	require.Contains(t, err.Error(), "in time")
	require.Equal(t, action.NotMade, standingOf(t, changer(t), order).State)
}

func TestTablesThatAreNotVacuumed(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "CREATE TABLE of_postgres (id int)", "CREATE TABLE parts (id int) PARTITION BY RANGE (id)", "ALTER TABLE parts OWNER TO app", "CREATE VIEW seen AS SELECT 1 AS one")
	for name, says := range map[string]string{
		"public.of_postgres": "our role may not", "public.parts": "is partitioned", "public.seen": "is no table", "nowhere.nothing": "there is no table",
		"orders": "with its schema", "public.a; DROP TABLE b": "with its schema", `public."`: "never closed",
	} {
		_, err := preview(t, changer(t), "postgres.vacuum", map[string]any{"table": name})
		actiontest.Refuses(t, err, says)
	}
	_, err := preview(t, changer(t), "postgres.analyze", map[string]any{"table": "public.parts"})
	require.NoError(t, err)
}

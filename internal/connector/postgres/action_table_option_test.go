package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

func optionsOf(t testing.TB, table string) string {
	t.Helper()
	return value(t, "app", "SELECT array_to_string(reloptions, ' ') FROM pg_class WHERE oid = '"+table+"'::regclass")
}

func TestTableOptionKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	for how, c := range map[string]struct{ before, table string }{
		"where it was set, the former value comes back": {"ALTER TABLE option_set SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.2)", "option_set"},
		"where it was not set, it is reset":             {"ALTER TABLE option_unset SET (fillfactor = 70)", "option_unset"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			table(t, c.table)
			changed.Exec(t, "app", c.before)
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "postgres.table_option"), Open: changer, Gone: nobodyThere,
				Args:  map[string]any{"table": "public." + c.table, "option": "autovacuum_vacuum_scale_factor", "value": "0.05", "for": "2h"},
				World: func(t *testing.T) string { return optionsOf(t, c.table) },
				Effects: func(t *testing.T) int {
					return logged(t, changed, `statement: .*ALTER TABLE "public"."`+c.table+`" SET \(autovacuum_vacuum_scale_factor = '0.05'\)`)
				},
				Settles: 5 * time.Second,
			})
		})
	}
}

func TestTableOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "opted")
	for _, c := range []struct{ option, value, says string }{
		{"user_catalog_table", "true", "no storage parameter"},
		{"fillfactor) ; DROP TABLE opted --", "1", "no storage parameter"},
		{"fillfactor", "9", "from 10 to 100"},
		{"fillfactor", "70.5", "from 10 to 100"},
		{"autovacuum_enabled", "maybe", "true or false"},
	} {
		_, err := preview(t, changer(t), "postgres.table_option", map[string]any{"table": "public.opted", "option": c.option, "value": c.value})
		actiontest.Refuses(t, err, c.says)
	}
	p, err := preview(t, changer(t), "postgres.table_option", map[string]any{"table": "public.opted", "option": "autovacuum_enabled", "value": "off"})
	require.NoError(t, err)
	require.Contains(t, p.Warnings[0], "pile up")
	changed.Exec(t, "app", "ALTER TABLE opted SET (autovacuum_enabled = false)")
	p, err = preview(t, changer(t), "postgres.table_option", map[string]any{"table": "public.opted", "option": "autovacuum_enabled", "value": "off"})
	require.NoError(t, err)
	require.True(t, p.Already)
}

func TestATableThatIsHeldIsGivenUpSoon(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "busy_table")
	order := planned(t, changer(t), "postgres.table_option", map[string]any{"table": "public.busy_table", "option": "fillfactor", "value": "80"})
	_, _ = session(t, "app", t.Name(), "BEGIN", "LOCK TABLE busy_table IN ACCESS EXCLUSIVE MODE")
	start := time.Now()
	_, err := apply(t, changer(t), order)
	actiontest.NotMade(t, err, "a lock was not granted in time")
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.True(t, failure.Temporary)
	require.Less(t, time.Since(start), 4*time.Second, "others queue behind who waits")
}

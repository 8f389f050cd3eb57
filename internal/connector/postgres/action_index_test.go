package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

// indexesOf lists the indexes of a table: definition, and whether it is valid.
func (d database) indexesOf(t testing.TB, table string) string {
	t.Helper()
	return d.value(t, "SELECT string_agg(pg_get_indexdef(indexrelid) || ' ' || indisvalid, '; ' ORDER BY 1::text, indexrelid::regclass::text) FROM pg_index WHERE indrelid = '"+table+"'::regclass")
}

func TestCreateIndexKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	for how, c := range map[string]struct{ table, ddl string }{
		"as postgres.missing_indexes proposes it": {"built_plain", "CREATE INDEX CONCURRENTLY ON public.built_plain (kind)"},
		"with everything that an index may have":  {"built_rich", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"Rich one\" ON public.built_rich USING btree ((id * 2) DESC, lower('x' || kind)) INCLUDE (kind) WITH (fillfactor = 80) WHERE kind > 3;"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d.table(t, c.table)
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "postgres.create_index"), Open: d.changer, Gone: nobodyThere,
				Args:  map[string]any{"ddl": c.ddl},
				World: func(t *testing.T) string { return d.indexesOf(t, c.table) },
				Effects: func(t *testing.T) int {
					return logged(t, changed, `statement: .*CREATE (UNIQUE )?INDEX CONCURRENTLY .* ON "public"."`+c.table+`"`)
				},
				Settles: 5 * time.Second,
			})
		})
	}
}

func TestDropIndexKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "indexed")
	changed.Exec(t, string(d), `CREATE UNIQUE INDEX "Odd one" ON indexed (lower(kind::text), id DESC NULLS LAST) INCLUDE (kind) WITH (fillfactor = 70) WHERE id > 5 AND kind = ANY ('{1,2}')`,
		"CREATE INDEX other_one ON indexed (kind)")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.drop_index"), Open: d.changer, Gone: nobodyThere,
		Args:  map[string]any{"index": `public."Odd one"`},
		World: func(t *testing.T) string { return d.indexesOf(t, "indexed") },
		Effects: func(t *testing.T) int {
			return logged(t, changed, `statement: .*DROP INDEX CONCURRENTLY "public"."Odd one"`)
		},
		Settles: 5 * time.Second,
	})
}

func TestReindexKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "rebuilt")
	changed.Exec(t, string(d), "ALTER TABLE rebuilt ADD PRIMARY KEY (id)")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.reindex"), Open: d.changer, Gone: nobodyThere,
		Args: map[string]any{"index": "public.rebuilt_pkey"},
		World: func(t *testing.T) string {
			return d.indexesOf(t, "rebuilt") + d.value(t, "SELECT 'rebuilt_pkey'::regclass::oid")
		},
		Effects: func(t *testing.T) int {
			return logged(t, changed, `statement: .*REINDEX INDEX CONCURRENTLY "public"."rebuilt_pkey"`)
		},
		Settles: 5 * time.Second,
	})
}

func TestAnIndexThatCannotBeBuiltLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "doubled")
	before := d.indexesOf(t, "doubled")
	order := planned(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE UNIQUE INDEX CONCURRENTLY ON public.doubled (kind)"})
	_, err := apply(t, d.changer(t), order)
	actiontest.NotMade(t, err, "could not create unique index")
	require.Equal(t, before, d.indexesOf(t, "doubled"))
	require.Equal(t, action.NotMade, standingOf(t, d.changer(t), order).State)

	order = planned(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE INDEX CONCURRENTLY ON public.doubled (no_such_column)"})
	_, err = apply(t, d.changer(t), order)
	actiontest.NotMade(t, err, "no_such_column")
}

// whileHeld runs an order while an old transaction keeps it from its end.
func (d database) whileHeld(t *testing.T, order action.Order, within time.Duration, table string) (release func(), result chan error) {
	t.Helper()
	held, _ := d.session(t, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM "+table)
	result = make(chan error, 1)
	go func() {
		_, err := applyWithin(t, d.changer(t), order, within)
		result <- err
	}()
	eventually(t, func() bool {
		return d.value(t, fmt.Sprintf("SELECT count(*) FROM pg_stat_progress_create_index WHERE relid = '%s'::regclass AND phase LIKE 'waiting for old snapshots%%'", table)) == "1"
	})
	return func() {
		_, err := held.Exec(context.Background(), "COMMIT")
		require.NoError(t, err)
	}, result
}

func TestAnIndexUnderWayIsToldFromOneThatIsLeftInvalid(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "slow_build")
	args := map[string]any{"ddl": "CREATE INDEX CONCURRENTLY slow_one ON public.slow_build (kind)", "lock_timeout": "4s"}
	order := planned(t, d.changer(t), "postgres.create_index", args)
	release, result := d.whileHeld(t, order, 20*time.Second, "slow_build")
	defer release()

	require.Equal(t, action.CannotTell, standingOf(t, d.changer(t), order).State, "our own session still builds")
	other := order
	other.Key = "INC-9.9.9"
	standing := standingOf(t, d.changer(t), other)
	require.Equal(t, action.CannotTell, standing.State)
	require.Contains(t, standing.Text, "waiting for old snapshots")
	_, err := preview(t, d.changer(t), "postgres.create_index", args)
	actiontest.Refuses(t, err, "is being built")

	// The wait runs into its timeout; what it left cannot be dropped as long as the old transaction lives.
	err = <-result
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.PartlyMade, failure.State)
	require.Equal(t, "postgres.drop_index", failure.Done.Inverse.Type)
	require.Contains(t, d.indexesOf(t, "slow_build"), "false")
	standing = standingOf(t, d.changer(t), order)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Contains(t, standing.Text, "left invalid")
}

func TestAnInvalidIndexThatAStoppedRunLeftIsBuiltAnew(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "stopped_build")
	args := map[string]any{"ddl": "CREATE INDEX CONCURRENTLY stopped_one ON public.stopped_build (kind)"}
	order := planned(t, d.changer(t), "postgres.create_index", args)
	d.leaveInvalid(t, "stopped_build", "CREATE INDEX CONCURRENTLY stopped_one ON public.stopped_build (kind)")
	require.Equal(t, action.PartlyMade, standingOf(t, d.changer(t), order).State)

	// Whoever plans anew sees it, and it is part of what is approved.
	p, err := preview(t, d.changer(t), "postgres.create_index", args)
	require.NoError(t, err)
	require.Contains(t, p.Items[0].Now, "invalid")
	require.Contains(t, p.Items[0].Then, "dropped, then CREATE INDEX")
	fresh := planned(t, d.changer(t), "postgres.create_index", args)
	require.Equal(t, action.NotMade, standingOf(t, d.changer(t), fresh).State)

	// The order of the stopped run finishes what it began.
	_, err = apply(t, d.changer(t), order)
	require.NoError(t, err)
	require.Contains(t, d.indexesOf(t, "stopped_build"), "true")
	require.Equal(t, action.Made, standingOf(t, d.changer(t), order).State)
	require.Equal(t, action.Made, standingOf(t, d.changer(t), fresh).State)

	d.leaveInvalid(t, "stopped_build", "CREATE INDEX CONCURRENTLY second_one ON public.stopped_build (id)")
	fresh = planned(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE INDEX CONCURRENTLY second_one ON public.stopped_build (id)"})
	_, err = apply(t, d.changer(t), fresh)
	require.NoError(t, err)
	require.NotContains(t, d.indexesOf(t, "stopped_build"), "false")
}

// leaveInvalid runs a build that is cancelled, and so leaves an invalid index.
func (d database) leaveInvalid(t *testing.T, table, build string) {
	t.Helper()
	held, _ := d.session(t, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM "+table)
	pid := d.busy(t, build)
	eventually(t, func() bool {
		return d.value(t, fmt.Sprintf("SELECT phase FROM pg_stat_progress_create_index WHERE pid = %d", pid)) == "waiting for old snapshots"
	})
	changed.Exec(t, string(d), fmt.Sprintf("SELECT pg_cancel_backend(%d)", pid))
	eventually(t, func() bool {
		return d.value(t, fmt.Sprintf("SELECT state FROM pg_stat_activity WHERE pid = %d", pid)) == "idle"
	})
	require.NoError(t, held.Close(context.Background()))
}

func TestABuildThatRunsOutOfTimeIsStoppedOnTheServerAndClearedAway(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "timed_out")
	before := d.indexesOf(t, "timed_out")
	order := planned(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE INDEX CONCURRENTLY ON public.timed_out (kind)"})
	held, _ := d.session(t, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1") // no lock on the table: the drop need not wait for it
	_, err := applyWithin(t, d.changer(t), order, 2*time.Second)
	actiontest.NotMade(t, err)
	require.Equal(t, before, d.indexesOf(t, "timed_out"))
	require.NoError(t, held.Close(context.Background()))
}

func TestASessionThatIsKilledInTheMiddleOfABuildLeavesNothing(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "shot")
	before := d.indexesOf(t, "shot")
	order := planned(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE INDEX CONCURRENTLY shot_one ON public.shot (kind)"})
	release, result := d.whileHeld(t, order, 20*time.Second, "shot")
	changed.Exec(t, string(d), "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE relid = 'shot'::regclass")
	release()
	actiontest.NotMade(t, <-result, "nothing of it is left")
	require.Equal(t, before, d.indexesOf(t, "shot"))
	require.Equal(t, action.NotMade, standingOf(t, d.changer(t), order).State)
}

func TestARebuildThatWasStoppedIsFinished(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "half_rebuilt")
	changed.Exec(t, string(d), "CREATE INDEX half_one ON half_rebuilt (kind)")
	order := planned(t, d.changer(t), "postgres.reindex", map[string]any{"index": "public.half_one"})
	d.leaveInvalid(t, "half_rebuilt", "REINDEX INDEX CONCURRENTLY half_one")
	standing := standingOf(t, d.changer(t), order)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Contains(t, standing.Text, "half_one_ccnew")

	p, err := preview(t, d.changer(t), "postgres.reindex", map[string]any{"index": "public.half_one"})
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(p.Warnings), "half_one_ccnew")

	_, err = apply(t, d.changer(t), order)
	require.NoError(t, err)
	require.NotContains(t, d.indexesOf(t, "half_rebuilt"), "ccnew")
	require.Equal(t, action.Made, standingOf(t, d.changer(t), order).State)
}

func TestAnInvalidIndexIsMendedByReindex(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "mended")
	d.leaveInvalid(t, "mended", "CREATE INDEX CONCURRENTLY mended_one ON public.mended (kind)")
	_, err := apply(t, d.changer(t), planned(t, d.changer(t), "postgres.reindex", map[string]any{"index": "public.mended_one"}))
	require.NoError(t, err)
	require.NotContains(t, d.indexesOf(t, "mended"), "false")
}

func TestADropThatWasStoppedIsFinished(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "half_dropped")
	changed.Exec(t, string(d), "CREATE INDEX going_one ON half_dropped (kind)")
	order := planned(t, d.changer(t), "postgres.drop_index", map[string]any{"index": "public.going_one", "lock_timeout": "1s"})
	held, _ := d.session(t, "BEGIN", "SELECT count(*) FROM half_dropped")
	_, err := apply(t, d.changer(t), order)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.PartlyMade, failure.State, err)
	require.Equal(t, action.PartlyMade, standingOf(t, d.changer(t), order).State)
	require.NoError(t, held.Close(context.Background()))
	done, err := apply(t, d.changer(t), order)
	require.NoError(t, err)
	require.Contains(t, done.Inverse.Args["ddl"], "CREATE INDEX CONCURRENTLY going_one ON public.half_dropped")
}

func TestIndexesThatAreRefused(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "kept_index")
	changed.Exec(t, string(d), "ALTER TABLE kept_index ADD PRIMARY KEY (id)", "CREATE INDEX kept_one ON kept_index (kind)", "CREATE TABLE not_ours (id int PRIMARY KEY, kind int)", "CREATE INDEX not_ours_kind ON not_ours (kind)",
		"CREATE TABLE parted (id int) PARTITION BY RANGE (id)", "ALTER TABLE parted OWNER TO app", "CREATE INDEX parted_one ON parted (id)")
	for _, c := range []struct{ name, arg, value, says string }{
		{"postgres.create_index", "ddl", "CREATE INDEX CONCURRENTLY ON public.not_ours (kind)", "may not build an index on"},
		{"postgres.create_index", "ddl", "CREATE INDEX CONCURRENTLY ON public.parted (id)", "is partitioned"},
		{"postgres.create_index", "ddl", "CREATE INDEX CONCURRENTLY ON public.nowhere (id)", "there is no table"},
		{"postgres.create_index", "ddl", "CREATE INDEX CONCURRENTLY kept_one ON public.kept_index (id)", "there is another index"},
		{"postgres.create_index", "ddl", "CREATE UNIQUE INDEX CONCURRENTLY kept_one ON public.kept_index (kind)", "there is another index"},
		{"postgres.create_index", "ddl", "CREATE INDEX CONCURRENTLY kept_one ON public.kept_index (kind) WHERE id > 5", "there is another index"},
		{"postgres.create_index", "ddl", "CREATE INDEX CONCURRENTLY parted ON public.kept_index (kind)", "is taken"},
		{"postgres.drop_index", "index", "public.kept_index_pkey", "the constraint kept_index_pkey rests on"},
		{"postgres.drop_index", "index", "public.kept_index", "is no index"},
		{"postgres.drop_index", "index", "public.parted_one", "partitioned"},
		{"postgres.drop_index", "index", "public.not_ours_kind", "may not drop"},
		{"postgres.reindex", "index", "public.not_ours_kind", "may not rebuild"},
		{"postgres.reindex", "index", "pg_catalog.pg_class_oid_index", "own tables"},
		{"postgres.reindex", "index", "public.none_at_all", "there is no index"},
		{"postgres.reindex", "index", "kept_one", "with its schema"},
	} {
		_, err := preview(t, d.changer(t), c.name, map[string]any{c.arg: c.value})
		actiontest.Refuses(t, err, c.says)
	}
	p, err := preview(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE INDEX CONCURRENTLY kept_one ON public.kept_index USING btree (kind)"})
	require.NoError(t, err)
	require.True(t, p.Already)
	p, err = preview(t, d.changer(t), "postgres.drop_index", map[string]any{"index": "public.long_gone"})
	require.NoError(t, err)
	require.True(t, p.Already)
}

func TestABuildThatIsInterruptedIsStoppedOnTheServerAndClearedAway(t *testing.T) {
	t.Parallel()
	needServer(t)
	d := ownDatabase(t)
	d.table(t, "interrupted")
	before := d.indexesOf(t, "interrupted")
	order := planned(t, d.changer(t), "postgres.create_index", map[string]any{"ddl": "CREATE INDEX CONCURRENTLY ON public.interrupted (kind)"})
	_, _ = d.session(t, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
	ctx, interrupt := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		_, err := actiontest.Doer(t, d.changer(t), order.Type).Apply(ctx, order)
		result <- err
	}()
	eventually(t, func() bool {
		return d.value(t, "SELECT phase FROM pg_stat_progress_create_index WHERE relid = 'interrupted'::regclass") == "waiting for old snapshots"
	})
	interrupt()
	actiontest.NotMade(t, <-result, "nothing of it is left")
	require.Equal(t, before, d.indexesOf(t, "interrupted"))
}

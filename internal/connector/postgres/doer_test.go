package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/realserver"
)

func TestEveryActionHasADoerAndAsksBeforeItDestroys(t *testing.T) {
	t.Parallel()
	probes := map[string]bool{}
	for _, s := range postgres.Specs() {
		optional := true
		for _, p := range s.Params {
			optional = optional && p.Default != ""
		}
		probes[s.Name] = optional
	}
	target := openAt(t, "postgres://nobody@127.0.0.1:1/app", nil, connector.Limits{}).(action.Changer)
	for _, s := range postgres.Actions() {
		_, ok := target.Doer(s.Name)
		require.True(t, ok, s.Name)
		require.NotEmpty(t, s.Tells, s.Name)
		for _, c := range s.Captures {
			require.Truef(t, probes[c], "%s captures %s, which is no question without parameters", s.Name, c)
		}
		require.Equal(t, s.Destroys == "", len(s.Captures) == 0, s.Name)
		require.Equal(t, s.Undo != "", len(s.Params) > 0 && s.Params[len(s.Params)-1] == action.ForParam(), "%s: what can be undone can be temporary", s.Name)
	}
	_, ok := target.Doer("postgres.drop_database")
	require.False(t, ok)
}

func TestTwoAppliesOfOneOrderDoItOnce(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "once")
	order := planned(t, changer(t), "postgres.vacuum", map[string]any{"table": "public.once"})
	held, _ := session(t, "app", t.Name(), "BEGIN", "LOCK TABLE once IN SHARE UPDATE EXCLUSIVE MODE")
	first := make(chan error, 1)
	go func() {
		_, err := apply(t, changer(t), order)
		first <- err
	}()
	eventually(t, func() bool { return pidWhere(t, "query ~ 'VACUUM.*once' AND wait_event_type = 'Lock'") != 0 })

	_, err := apply(t, changer(t), order)
	actiontest.NotMade(t, err, "another session works on this order")
	require.Equal(t, action.CannotTell, standingOf(t, changer(t), order).State, "it is under way")

	_, err = held.Exec(context.Background(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-first)
	require.Equal(t, action.Made, standingOf(t, changer(t), order).State)
	require.Equal(t, 1, counted(t, "once", "vacuum"))
}

func TestAnOrderIsNotCarriedOutOnAnotherServer(t *testing.T) {
	t.Parallel()
	needServer(t)
	other := realserver.StartPostgres(t, realserver.PostgresConfig{})
	for _, s := range []*realserver.Postgres{changed, other} {
		s.Exec(t, "app", "CREATE TABLE moved_away (id int)")
	}
	order := planned(t, changerAt(t, changed.URL("postgres", "app")), "postgres.analyze", map[string]any{"table": "public.moved_away"})
	elsewhere := changerAt(t, other.URL("postgres", "app"))
	require.Equal(t, action.CannotTell, standingOf(t, elsewhere, order).State)
	_, err := apply(t, elsewhere, order)
	actiontest.NotMade(t, err, "no longer what it was")
	require.Equal(t, "0", valueAt(t, other, "app", "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'moved_away'"))
}

func TestAServerThatFreezesInTheActLeavesItUnknown(t *testing.T) {
	t.Parallel()
	needServer(t)
	s := realserver.StartPostgres(t, realserver.PostgresConfig{})
	s.Exec(t, "app", "CREATE TABLE frozen AS SELECT 1 AS id")
	target := changerAt(t, s.URL("postgres", "app"))
	order := planned(t, target, "postgres.analyze", map[string]any{"table": "public.frozen"})
	conn := s.Connect(t, "app")
	_, err := conn.Exec(context.Background(), "BEGIN; LOCK TABLE frozen IN SHARE UPDATE EXCLUSIVE MODE")
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := applyWithin(t, target, order, 3*time.Second)
		failed <- err
	}()
	eventually(t, func() bool {
		return valueAt(t, s, "app", "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'ANALYZE' AND wait_event_type = 'Lock'") == "1"
	})
	thaw := s.Freeze()
	err = <-failed
	thaw()
	var failure *action.Failure
	require.Error(t, err)
	require.NotErrorAs(t, err, &failure, "nobody knows what it did")
	require.Contains(t, err.Error(), "unknown whether it happened")
}

func TestAnActionDoesNotCountInTheBudgetOfTheQuestions(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "unbudgeted")
	target := openAt(t, changed.URL("changer", "app"), nil, connector.Limits{Requests: 1})
	for range 3 {
		ask(t, target, "postgres.uptime", nil)
	}
	require.Equal(t, evidence.NotAsked, ask(t, target, "postgres.uptime", nil).Status, "the questions have used it up")
	_, err := apply(t, target.(action.Changer), planned(t, target.(action.Changer), "postgres.analyze", map[string]any{"table": "public.unbudgeted"}))
	require.NoError(t, err)
}

func TestAPoolerInBetweenIsRefused(t *testing.T) {
	t.Parallel()
	needServer(t)
	table(t, "pooled")
	changed.Exec(t, "app", "CREATE ROLE pooled_role LOGIN")
	for how, more := range map[string]string{
		"one that refuses settings it does not know":    "",
		"one that takes them and does not pass them on": "ignore_startup_parameters = statement_timeout, lock_timeout, default_transaction_read_only, default_transaction_isolation, synchronous_commit, idle_in_transaction_session_timeout, IntervalStyle, extra_float_digits, bytea_output, search_path, quell.change",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			pooler := realserver.StartPgbouncer(t, changed, more)
			target := changerAt(t, pooler.URL("postgres", "app"))
			for name, args := range map[string]map[string]any{
				"postgres.analyze":       {"table": "public.pooled"},
				"postgres.role_limit":    {"role": "pooled_role", "limit": 7},
				"postgres.set_parameter": {"name": "temp_file_limit", "value": "10GB"},
			} {
				order := planned(t, target, name, args)
				_, err := apply(t, target, order)
				require.Error(t, err)
				require.Contains(t, err.Error(), "pooler", name)
				require.Equal(t, action.NotMade, standingOf(t, target, order).State)
			}
		})
	}
}

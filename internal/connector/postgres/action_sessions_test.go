package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/realserver"
)

// sessionsOf lists the sessions of an application, by what an end or a cancel
// would change of them.
func sessionsOf(t testing.TB, application string) string {
	t.Helper()
	return value(t, "app", "SELECT string_agg(pid || ' ' || backend_start || ' ' || state || ' ' || query_start, ', ' ORDER BY pid) FROM pg_stat_activity WHERE application_name = '"+application+"'")
}

func TestTerminateKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	_, pid := session(t, "app", t.Name(), "BEGIN", "SELECT 1")
	_, _ = session(t, "app", t.Name(), "BEGIN", "SELECT 2") // looks the same, and stays
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.terminate"), Open: changer, Gone: nobodyThere,
		Args:  map[string]any{"sessions": []any{map[string]any{"pid": pid, "user": "app", "state": "idle in transaction"}}},
		World: func(t *testing.T) string { return sessionsOf(t, "TestTerminateKeepsTheContract") },
		Effects: func(t *testing.T) int {
			return logged(t, changed, fmt.Sprintf(`\[%d\] FATAL:  terminating connection`, pid))
		},
		Settles: 5 * time.Second,
	})
	require.NotEmpty(t, sessionsOf(t, t.Name()))
}

func TestCancelKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	pid := busy(t, "app", t.Name(), "SELECT pg_sleep(600)")
	_ = busy(t, "app", t.Name(), "SELECT pg_sleep(601)")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.cancel"), Open: changer, Gone: nobodyThere,
		Args:  map[string]any{"sessions": []any{pid}},
		World: func(t *testing.T) string { return sessionsOf(t, "TestCancelKeepsTheContract") },
		Effects: func(t *testing.T) int {
			return logged(t, changed, fmt.Sprintf(`\[%d\] ERROR:  canceling statement due to user request`, pid))
		},
		Settles: 5 * time.Second,
	})
	require.Contains(t, sessionsOf(t, t.Name()), fmt.Sprintf("%d ", pid), "the session stays")
}

// moved are ways in which a session stops being the one that was approved.
var moved = map[string]func(g map[string]any){
	"its process id belongs to another session": func(g map[string]any) { g["started"] = "2001-01-01 00:00:00+00" },
	"it is in another transaction":              func(g map[string]any) { g["transaction"] = "2001-01-01 00:00:00+00" },
	"it is in no transaction":                   func(g map[string]any) { g["transaction"] = "" },
	"it has begun another statement":            func(g map[string]any) { g["statement"] = "2001-01-01 00:00:00+00" },
	"it has gone from active to idle":           func(g map[string]any) { g["state"] = "idle" },
	"it runs another text at the same moment":   func(g map[string]any) { g["digest"] = "0" },
}

func TestASessionThatMovedOnIsNotTouched(t *testing.T) {
	t.Parallel()
	needServer(t)
	for _, name := range []string{"postgres.terminate", "postgres.cancel"} {
		for how, move := range moved {
			t.Run(name+": "+how, func(t *testing.T) {
				t.Parallel()
				pid := busy(t, "app", t.Name(), "SELECT pg_sleep(600)")
				order := planned(t, changer(t), name, map[string]any{"sessions": []any{pid}})
				var g map[string]any
				require.NoError(t, json.Unmarshal([]byte(order.Preview.Items[0].Guard), &g))
				move(g)
				data, err := json.Marshal(g)
				require.NoError(t, err)
				order.Preview.Items[0].Guard = string(data)
				before := sessionsOf(t, t.Name())

				_, err = postgres.MakeUnseen(context.Background(), changer(t), order)
				actiontest.NotMade(t, err, "moved on")
				require.Equal(t, before, sessionsOf(t, t.Name()), "the statement that signals does not check it itself")
				if _, err = apply(t, changer(t), order); err != nil { // or it finds that what was approved is gone
					actiontest.NotMade(t, err)
				}
				require.Equal(t, before, sessionsOf(t, t.Name()))
			})
		}
	}
}

func TestSessionsThatAreNeverSignalled(t *testing.T) {
	t.Parallel()
	needServer(t)
	standby := realserver.StartPostgres(t, realserver.PostgresConfig{Standby: changed})
	eventually(t, func() bool { return pidWhere(t, "backend_type = 'walsender'") != 0 })
	_, super := session(t, "postgres", t.Name())
	_, quell := session(t, "app", "quell")
	_, idle := session(t, "app", t.Name(), "BEGIN", "SELECT 1")
	for who, c := range map[string]struct {
		pid  int64
		says string
	}{
		"a standby's sender":       {pidWhere(t, "backend_type = 'walsender'"), "stop the standby"},
		"the checkpointer":         {pidWhere(t, "backend_type = 'checkpointer'"), "of the server itself"},
		"the launcher of replicas": {pidWhere(t, "backend_type = 'logical replication launcher'"), "of the server itself"},
		"a superuser":              {super, "a superuser's session"},
		"another Quell":            {quell, "session of Quell"},
	} {
		for _, name := range []string{"postgres.terminate", "postgres.cancel"} {
			_, err := preview(t, changer(t), name, map[string]any{"sessions": []any{c.pid}})
			actiontest.Refuses(t, err, c.says)
			require.NotEmpty(t, who)
		}
		p, err := preview(t, changer(t), "postgres.terminate", map[string]any{"sessions": []any{c.pid, idle}})
		require.NoError(t, err)
		require.Len(t, p.Items, 1, "the others are ended all the same")
		require.Contains(t, fmt.Sprint(p.Warnings), "left alone")
	}
	_, err := preview(t, changer(t), "postgres.cancel", map[string]any{"sessions": []any{idle}})
	actiontest.Refuses(t, err, "idle in transaction", "postgres.terminate")
	_, err = preview(t, changerAt(t, changed.URL("monitor", "app")), "postgres.terminate", map[string]any{"sessions": []any{idle}})
	actiontest.Refuses(t, err, "GRANT pg_signal_backend")
	_, err = preview(t, changer(t), "postgres.terminate", map[string]any{"sessions": []any{map[string]any{"pid": idle, "user": "somebody"}}})
	actiontest.Refuses(t, err, "another session than the one that was seen")
	standby.Stop()
}

func TestAnAutovacuumIsNotSignalled(t *testing.T) {
	t.Parallel()
	needServer(t)
	s := realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{
		"autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1", "autovacuum_vacuum_threshold": "1",
	}})
	s.Exec(t, "app", "CREATE TABLE big AS SELECT g AS id, repeat('x', 200) AS pad FROM generate_series(1, 50000) g", "DELETE FROM big WHERE id % 2 = 0")
	pid := ""
	require.Eventually(t, func() bool {
		pid = valueAt(t, s, "app", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%public.big%' LIMIT 1")
		return pid != ""
	}, 30*time.Second, 20*time.Millisecond)
	_, err := preview(t, changerAt(t, s.URL("postgres", "app")), "postgres.terminate", map[string]any{"sessions": []any{pid}})
	actiontest.Refuses(t, err, "is an autovacuum")
}

func TestTerminateEndsTheOthersWhenOneHasGone(t *testing.T) {
	t.Parallel()
	needServer(t)
	gone, first := session(t, "app", t.Name(), "BEGIN", "SELECT 1")
	again, second := session(t, "app", t.Name(), "BEGIN", "SELECT 2")
	_, third := session(t, "app", t.Name(), "BEGIN", "SELECT 3")
	order := planned(t, changer(t), "postgres.terminate", map[string]any{"sessions": []any{first, second, third}})
	require.Equal(t, "ends 3 sessions of app on app", order.Preview.Summary)

	require.NoError(t, gone.Close(context.Background()))
	_, err := again.Exec(context.Background(), "SELECT 'busy again'")
	require.NoError(t, err)
	eventually(t, func() bool { return !strings.Contains(sessionsOf(t, t.Name()), fmt.Sprint(first)) })

	done, err := apply(t, changer(t), order)
	require.NoError(t, err)
	require.Equal(t, "2 sessions ended", done.Summary)
	require.Contains(t, done.Items[1].Text, "left alone")
	require.Contains(t, sessionsOf(t, t.Name()), fmt.Sprint(second), "it has moved on and lives")
	require.Equal(t, action.Made, standingOf(t, changer(t), order).State)
}

func TestAFullServerCanStillBeRelieved(t *testing.T) {
	t.Parallel()
	needServer(t)
	s := realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{"max_connections": "8", "superuser_reserved_connections": "2"}})
	s.Exec(t, "app", "CREATE ROLE app LOGIN", "CREATE ROLE changer LOGIN", "GRANT pg_monitor, pg_signal_backend TO changer")
	target := openAt(t, s.URL("changer", "app"), nil, connector.Limits{})
	object(t, ask(t, target, "postgres.connections", nil)) // the questions have their session
	var pids []any
	for {
		conn, err := s.Dial("app", "app", "hog")
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		pids = append(pids, int64(conn.PgConn().PID()))
	}
	require.NotEmpty(t, pids)
	changer := target.(action.Changer)
	order := planned(t, changer, "postgres.terminate", map[string]any{"sessions": pids})
	done, err := apply(t, changer, order)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%d sessions ended", len(pids)), done.Summary)
	object(t, ask(t, target, "postgres.connections", nil))
}

// pidWhere is the process id of a server process; 0 where there is none.
func pidWhere(t testing.TB, condition string) int64 {
	t.Helper()
	n, _ := strconv.ParseInt(value(t, "app", "SELECT min(pid) FROM pg_stat_activity WHERE "+condition), 10, 64)
	return n
}

package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
)

// What a role may not see is not health: without pg_monitor an empty list of
// other roles' sessions is no answer.
func TestARoleWithoutPgMonitorIsToldWhatItLacks(t *testing.T) {
	needServer(t)
	other := server.ConnectAs(t, "app", "app", "shop")
	_, err := other.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), "SELECT nextval('orders_id_seq')")
	require.NoError(t, err)
	const idle = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'idle in transaction' AND application_name = 'shop'"

	poor := as(t, "nobody")
	for _, name := range []string{"idle_in_transaction", "lock_roots", "long_statements", "locks", "load", "sequences"} {
		a := ask(t, poor, "postgres."+name, nil)
		require.Equal(t, evidence.Denied, a.Status, "%s: %+v", name, a)
		require.Contains(t, a.Hint, "GRANT", name)
	}
	require.Equal(t, evidence.Denied, sql(t, poor, idle, nil).Status, "a fence sees no more than a built-in question")

	monitor := as(t, "monitor")
	for _, name := range []string{"idle_in_transaction", "lock_roots", "locks", "load"} {
		a := ask(t, monitor, "postgres."+name, nil)
		require.Equal(t, evidence.Answered, a.Status, "%s: %+v", name, a)
	}
	require.Len(t, sql(t, monitor, idle, nil).Value, 1)
}

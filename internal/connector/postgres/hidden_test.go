package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/realserver"
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

// The words of a refusal depend on the server's language, its routines do not.
func TestRefusalsAreToldApartInAnyLanguage(t *testing.T) {
	needServer(t)
	pg := realserver.StartPostgres(t, realserver.PostgresConfig{})
	pg.Exec(t, "app", "CREATE ROLE narrow LOGIN CONNECTION LIMIT 1", "CREATE DATABASE small CONNECTION LIMIT 0", "CREATE ROLE other LOGIN")
	held := pg.ConnectAs(t, "narrow", "app", "x")
	require.NoError(t, held.Ping(t.Context()))
	for role, routine := range map[string]string{"narrow app": "InitializeSessionUserId", "other small": "CheckMyDatabase", "absent app": "InitializeSessionUserId"} {
		who, database, _ := strings.Cut(role, " ")
		_, err := pg.Dial(who, database, "x")
		var refused *pgconn.PgError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, routine, refused.Routine, role)
	}
}

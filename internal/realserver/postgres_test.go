package realserver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

func TestPostgresStartsStopsAndFollows(t *testing.T) {
	primary := realserver.StartPostgres(t, realserver.PostgresConfig{})
	primary.Exec(t, "app", "CREATE TABLE t (id int)")
	standby := realserver.StartPostgres(t, realserver.PostgresConfig{Standby: primary, Slot: "s1"})
	var recovering bool
	conn := standby.Connect(t, "app")
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT pg_is_in_recovery() FROM t RIGHT JOIN (VALUES (1)) v ON true").Scan(&recovering))
	require.True(t, recovering)

	primary.Stop()
	_, err := primary.Dial("postgres", "app", "")
	require.Error(t, err)
	primary.Start(t)
	_, err = primary.Dial("postgres", "app", "")
	require.NoError(t, err)
	primary.Kill()
	primary.Start(t)
}

package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
)

func TestAStoreOutlivesItsServer(t *testing.T) {
	t.Parallel()
	p := realserver.StartPostgres(t, realserver.PostgresConfig{})
	s := openConfig(t, store.Config{DSN: secret.New(p.URL("postgres", "app")), Patience: 3 * time.Second})
	const writers, kills = 4, 3
	ids, acked := make([]string, writers), make([]int64, writers)
	for i := range ids {
		ids[i], acked[i] = created(t, s), 1
	}
	for range kills {
		var wg sync.WaitGroup
		var begun sync.WaitGroup // each has had its first event of this round confirmed, or failed
		begun.Add(writers)
		failed := make([]error, writers)
		for i := range ids {
			wg.Go(func() {
				first := sync.OnceFunc(begun.Done)
				defer first()
				for failed[i] == nil {
					var last int64
					if last, failed[i] = s.Append(context.Background(), ids[i], acked[i], said("a"), said("b")); failed[i] == nil {
						acked[i] = last
						first()
					}
				}
			})
		}
		begun.Wait()
		time.Sleep(150 * time.Millisecond) // in the middle of what they do
		p.Kill()
		wg.Wait()
		for _, err := range failed {
			require.ErrorIs(t, err, incident.ErrUnavailable)
		}
		_, err := s.Headers(t.Context(), 0)
		require.ErrorIs(t, err, incident.ErrUnavailable)
		require.ErrorContains(t, err, fmt.Sprintf("postgres at 127.0.0.1:%d/app", p.Port))

		p.Start(t)
		for i, id := range ids {
			events, err := s.Events(t.Context(), id, 0)
			require.NoError(t, err, "the same store, as soon as the server is back")
			require.GreaterOrEqual(t, int64(len(events)), acked[i], "what was confirmed is there")
			require.EqualValues(t, 1, len(events)%2, "none is half written")
			acked[i] = int64(len(events))
		}
		_, err = incident.VerifyAudit(t.Context(), s)
		require.NoError(t, err)
	}
	require.Greater(t, acked[0], int64(kills))
}

// Connections that died while they lay in the pool are not the caller's trouble.
func TestConnectionsThatWentStaleAreReplaced(t *testing.T) {
	t.Parallel()
	p := realserver.StartPostgres(t, realserver.PostgresConfig{})
	s := openConfig(t, store.Config{DSN: secret.New(p.URL("postgres", "app"))})
	id := created(t, s)
	for i := range 6 {
		if i%2 == 0 {
			_, err := s.Headers(t.Context(), 1)
			require.NoError(t, err)
		}
		last, err := s.Append(t.Context(), id, int64(i)+1, said("x"))
		require.NoError(t, err)
		events, err := s.Events(t.Context(), id, last)
		require.NoError(t, err)
		require.Empty(t, events)
		p.Exec(t, "app", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'quell'")
	}
}

func TestAServerThatDoesNotAnswerIsNotWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	p := realserver.StartPostgres(t, realserver.PostgresConfig{})
	s := openConfig(t, store.Config{DSN: secret.New(p.URL("postgres", "app")), Timeout: 500 * time.Millisecond, Patience: 300 * time.Millisecond, ConnectTimeout: 300 * time.Millisecond})
	id := created(t, s)
	thaw := p.Freeze()
	defer thaw()
	began := time.Now()
	_, err := s.Append(t.Context(), id, 1, said("x"))
	require.ErrorIs(t, err, incident.ErrUnavailable)
	_, err = s.Events(t.Context(), id, 0)
	require.ErrorIs(t, err, incident.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Events(ctx, id, 0)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 20*time.Second)
	thaw()
	_, err = s.Append(t.Context(), id, 1, said("x"))
	require.NoError(t, err)
}

func TestAWriterThatNeverEndsIsNamedByPostgresToo(t *testing.T) {
	t.Parallel()
	cfg := config(postgresBackend(t).Fresh(t))
	cfg.Patience = 200 * time.Millisecond
	s := openConfig(t, cfg)
	id := created(t, s)
	other := server.Connect(t, "app")
	tx, err := other.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT * FROM "`+cfg.Schema+`".head FOR UPDATE`)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), id, 1, said("waits"))
	require.ErrorIs(t, err, incident.ErrUnavailable)
	require.ErrorContains(t, err, "another process has been writing all the time")
	require.NoError(t, tx.Rollback(t.Context()))
	_, err = s.Append(t.Context(), id, 1, said("now"))
	require.NoError(t, err)
}

// The defaults of a role must not weaken what the store promises.
func TestTheDefaultsOfARoleDoNotMatter(t *testing.T) {
	t.Parallel()
	role := newRole(t, "SUPERUSER")
	for _, setting := range []string{
		"default_transaction_read_only = on", "synchronous_commit = off", "default_transaction_isolation = 'serializable'",
		"search_path = 'nowhere'", "statement_timeout = '1ms'",
	} {
		server.Exec(t, "app", "ALTER ROLE "+role+" SET "+setting)
	}
	s := openConfig(t, store.Config{DSN: secret.New(server.URL(role, "app")), Schema: role})
	id := created(t, s)
	_, err := s.Append(t.Context(), id, 1, said("x"))
	require.NoError(t, err)
	for name, want := range map[string]string{
		"synchronous_commit": "on", "statement_timeout": "30s", "lock_timeout": "10s",
		"idle_in_transaction_session_timeout": "30s", "search_path": `"` + role + `"`,
	} {
		got, err := s.Setting(t.Context(), "SHOW "+name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	var application string
	conn := server.Connect(t, "app")
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT application_name FROM pg_stat_activity WHERE usename = $1 LIMIT 1", role).Scan(&application))
	require.Equal(t, "quell", application)
}

func TestARoleWithoutRightsIsToldWhichItNeeds(t *testing.T) {
	t.Parallel()
	guest, keeper := newRole(t, ""), newRole(t, "")
	server.Exec(t, "app", "CREATE SCHEMA "+keeper+" AUTHORIZATION "+keeper)
	_, err := store.Open(t.Context(), store.Config{DSN: secret.New(server.URL(guest, "app")), Schema: keeper})
	require.ErrorIs(t, err, incident.ErrUnavailable)
	require.ErrorContains(t, err, fmt.Sprintf("GRANT USAGE, CREATE ON SCHEMA %q TO %q", keeper, guest))
	openConfig(t, store.Config{DSN: secret.New(server.URL(keeper, "app")), Schema: keeper}) // a schema of one's own is enough
}

// newRole makes a role of the shared server that may log in.
func newRole(t testing.TB, options string) string {
	t.Helper()
	role := fmt.Sprint("role_", schemas.Add(1))
	server.Exec(t, "app", "CREATE ROLE "+role+" LOGIN "+options)
	return role
}

func TestNoErrorHoldsThePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://app:hunter2hunter2@127.0.0.1:1/app",
		fmt.Sprintf("postgres://nobody:hunter2hunter2@127.0.0.1:%d/app?sslmode=disable", server.Port),
		fmt.Sprintf("host=127.0.0.1 port=%d user=postgres password=hunter2hunter2 dbname=nowhere sslmode=disable", server.Port),
	} {
		_, err := store.Open(t.Context(), store.Config{DSN: secret.New(dsn)})
		require.ErrorIs(t, err, incident.ErrUnavailable)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "\n")
		require.Contains(t, err.Error(), "postgres at 127.0.0.1:")
	}
}

func TestAFullDiskOfTheServerLosesNothing(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 2<<20)
	p := realserver.StartPostgres(t, realserver.PostgresConfig{})
	p.Exec(t, "", "CREATE TABLESPACE small LOCATION '"+dir+"'", "ALTER DATABASE app SET default_tablespace = 'small'")
	s := openConfig(t, store.Config{DSN: secret.New(p.URL("postgres", "app"))})
	last := fillUp(t, s, created(t, s))
	require.Greater(t, last, int64(1))
}

func TestAServerThatIsNoPostgresSaysSo(t *testing.T) {
	t.Parallel()
	r := realserver.Redis(t)
	_, err := store.Open(t.Context(), store.Config{DSN: secret.New("postgres://app@" + r.Addr() + "/app?sslmode=disable"), ConnectTimeout: time.Second})
	require.ErrorIs(t, err, incident.ErrUnavailable)
	require.False(t, strings.Contains(err.Error(), "\n"))
}

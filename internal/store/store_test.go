package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
	"github.com/quellhq/quell/internal/store/storetest"
)

// server is the Postgres that the tests share; each has a schema of its own.
var server *realserver.Postgres

func TestMain(m *testing.M) {
	if path := os.Getenv(limitedEnv); path != "" {
		os.Exit(limited(path))
	}
	os.Exit(storetest.Main(m, open, func(m *testing.M) int {
		return realserver.Main(m, func(t testing.TB) {
			server = realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{"max_connections": "200"}})
		})
	}))
}

// open opens a store by an address of our tests: "sqlite PATH" or "postgres
// SCHEMA DSN".
func open(ctx context.Context, address string) (storetest.Store, error) {
	s, err := store.Open(ctx, config(address))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func config(address string) store.Config {
	kind, rest, _ := strings.Cut(address, " ")
	if kind == "sqlite" {
		return store.Config{Path: rest}
	}
	schema, dsn, _ := strings.Cut(rest, " ")
	return store.Config{DSN: secret.New(dsn), Schema: schema}
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, sqliteBackend())
}

func TestPostgresKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, postgresBackend(t))
}

func sqliteBackend() storetest.Backend {
	return storetest.Backend{
		Fresh: func(t testing.TB) string { return "sqlite " + filepath.Join(t.TempDir(), "state", "quell.db") },
		Open:  open,
		SQL: func(t testing.TB, address, statement string) {
			db, err := sql.Open("sqlite", "file:"+config(address).Path+"?_pragma=busy_timeout(10000)")
			require.NoError(t, err)
			defer db.Close()
			_, err = db.ExecContext(context.Background(), statement)
			require.NoError(t, err)
		},
	}
}

var schemas atomic.Int64

func postgresBackend(t testing.TB) storetest.Backend {
	t.Helper()
	if server == nil {
		realserver.Find(t, "postgres", "postgresql-15") // says that it is missing
	}
	return storetest.Backend{
		Fresh: func(testing.TB) string {
			return "postgres test_" + strconv.FormatInt(schemas.Add(1), 10) + " " + server.URL("postgres", "app")
		},
		Open: open,
		SQL: func(t testing.TB, address, statement string) {
			server.Exec(t, "app", `SET search_path = "`+config(address).Schema+`"`, statement)
		},
	}
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quellhq/quell/internal/secret"
)

// postgresEngine is a schema of a Postgres database.
type postgresEngine struct {
	address string
	schema  string
	user    string
	redact  *secret.Redactor
}

func openPostgres(_ context.Context, cfg Config) (*Store, error) {
	conn, err := pgx.ParseConfig(cfg.DSN.Reveal())
	if err != nil {
		// What the parser says quotes the address.
		return nil, errors.New("open the incident store: its dsn cannot be read: write postgres://user@host:5432/database")
	}
	if conn.ConnectTimeout == 0 || conn.ConnectTimeout > cfg.ConnectTimeout {
		conn.ConnectTimeout = cfg.ConnectTimeout
	}
	for name, value := range map[string]string{
		"application_name":  "quell",
		"search_path":       quoted(cfg.Schema),
		"statement_timeout": milliseconds(cfg.Timeout),
		"lock_timeout":      milliseconds(cfg.Patience),
		// A writer whose machine has vanished must not hold up all others.
		"idle_in_transaction_session_timeout": milliseconds(cfg.Timeout),
	} {
		conn.RuntimeParams[name] = value
	}
	e := &postgresEngine{
		address: net.JoinHostPort(conn.Host, strconv.Itoa(int(conn.Port))) + "/" + conn.Database,
		schema:  cfg.Schema, user: conn.User, redact: secret.NewRedactor(cfg.DSN, secret.New(conn.Password)),
	}
	pool := stdlib.OpenDB(*conn, stdlib.OptionAfterConnect(waitForDisk))
	pool.SetMaxOpenConns(poolSize)
	pool.SetMaxIdleConns(poolSize)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour)
	return &Store{cfg: cfg, engine: e, write: pool, read: pool}, nil
}

// waitForDisk undoes a default of the role or the database by which commits are
// confirmed before they are on disk.
func waitForDisk(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
	return err
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func (e *postgresEngine) where() string { return "postgres at " + e.address }

// begin says what a role's defaults might say otherwise. What a writer reads
// after it has waited for a lock has to be what was committed meanwhile.
func (e *postgresEngine) begin(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	return err
}

// again: writers wait in the server, with lock_timeout.
func (e *postgresEngine) again(error) bool { return false }

func (e *postgresEngine) broken(conn *sql.Conn) bool {
	broken := true // where database/sql knows it already
	_ = conn.Raw(func(driverConn any) error {
		c, ok := driverConn.(*stdlib.Conn)
		broken = ok && c.Conn().IsClosed()
		return nil
	})
	return broken
}

// aborted: an ERROR ends the transaction without effect. A FATAL one may come
// after the commit.
func (e *postgresEngine) aborted(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Severity == "ERROR"
}

func (e *postgresEngine) prepare(ctx context.Context, conn *sql.Conn) error {
	name := fnv.New64a()
	_, _ = name.Write([]byte("quell store " + e.schema))
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(name.Sum64())); err != nil {
		return err
	}
	// CREATE SCHEMA IF NOT EXISTS would ask for the right to make one even
	// where the operator has made it.
	there := 0
	found, err := one(ctx, conn, []any{&there}, "SELECT 1 FROM pg_namespace WHERE nspname = $1", e.schema)
	if err != nil || found {
		return err
	}
	_, err = conn.ExecContext(ctx, "CREATE SCHEMA "+quoted(e.schema))
	return err
}

func (e *postgresEngine) clock(ctx context.Context, conn *sql.Conn) (instant, error) {
	var us int64
	_, err := one(ctx, conn, []any{&us}, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
	return instant{us: us, era: "server", wall: time.UnixMicro(us)}, err
}

func (e *postgresEngine) plain(err error) string {
	text := e.where() + ": " + err.Error()
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		text = e.said(pg)
	}
	text = strings.Join(strings.Fields(text), " ")
	return e.redact.Text(text)
}

// said is what the server's own error means.
func (e *postgresEngine) said(pg *pgconn.PgError) string {
	text := fmt.Sprintf("%s: %s (SQLSTATE %s)", e.where(), pg.Message, pg.Code)
	switch pg.Code {
	case "53100":
		return "the disk of " + text + " is full"
	case "55P03":
		return "another process has been writing all the time: " + text
	case "42501", "3F000":
		return fmt.Sprintf("%s: as its owner: GRANT USAGE, CREATE ON SCHEMA %s TO %s, and ALL ON ALL TABLES IN it", text, quoted(e.schema), quoted(e.user))
	case "25006":
		return text + ": this server takes no writes; it may be a standby"
	}
	return text
}

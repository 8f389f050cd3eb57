// Package store keeps incidents in a SQLite file or in a Postgres database, and
// says of both the same things in the same SQL. What it has reported as done is
// on disk; whatever it could not do it did not do by half. DESIGN.md tells how.
package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quellhq/quell/internal/incident"
)

// Store is an incident.Store, and what an audit reads.
type Store struct {
	cfg    Config
	engine engine
	// write and read are pools of connections; the same one for Postgres.
	write, read *sql.DB
}

// engine is what the two databases do differently.
type engine interface {
	// where names the database for people, without a secret: a path, host and port.
	where() string
	// begin starts a transaction that will write.
	begin(ctx context.Context, conn *sql.Conn) error
	// again reports that begin failed only because somebody else writes.
	again(err error) bool
	// broken reports that a connection is of no use any longer.
	broken(conn *sql.Conn) bool
	// aborted reports that a failed commit has certainly written nothing.
	aborted(err error) bool
	// plain says what a database's error means, in one line, without a secret.
	plain(err error) string
	// clock reads the clock of leases.
	clock(ctx context.Context, conn *sql.Conn) (instant, error)
	// prepare takes a lock that only one process has while it changes the
	// schema, until the transaction ends, and makes room for the tables.
	prepare(ctx context.Context, conn *sql.Conn) error
}

// Open opens the store, makes it where it is missing, and brings its tables up
// to date. Two processes may do so at once. The errors wrap
// incident.ErrUnavailable, except those of the settings themselves.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	open := openPostgres
	if cfg.Path != "" {
		open = openSQLite
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	if e, ok := s.engine.(interface{ opened() error }); ok {
		if err := e.opened(); err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("open the incident store %s: %w: %w", s.engine.where(), incident.ErrUnavailable, err)
		}
	}
	return s, nil
}

// Close ends all connections. It may be called twice; every other method then
// says that the store cannot be used.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = firstError(s.read.Close(), err)
	}
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var _ incident.Store = (*Store)(nil)
var _ incident.Auditable = (*Store)(nil)

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"time"
)

// tx is one transaction that writes.
type tx struct {
	store *Store
	conn  *sql.Conn
	head  head
	mark  mark // where the audit log shows that it was committed
}

// change runs work in one transaction, all of it or nothing. what says in an
// error what was attempted.
func (s *Store) change(ctx context.Context, what string, work func(context.Context, *tx) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	t, err := s.begin(bounded)
	if err != nil {
		return s.failed(ctx, what, err)
	}
	if err := work(bounded, t); err != nil {
		t.rollback()
		return s.failed(ctx, what, err)
	}
	if err := bounded.Err(); err != nil {
		t.rollback()
		return s.failed(ctx, what, err)
	}
	err = t.commit(ctx)
	if err == nil || s.engine.aborted(err) {
		return s.failed(ctx, what, err)
	}
	return s.settle(ctx, what, t.mark, err)
}

// begin starts a transaction. It waits, as long as the store's patience lasts,
// while somebody else writes, and passes over connections that went stale in
// the pool: nothing was asked of them yet.
func (s *Store) begin(ctx context.Context) (*tx, error) {
	patience := time.NewTimer(s.cfg.Patience)
	defer patience.Stop()
	for stale := 0; ; {
		conn, err := s.write.Conn(ctx)
		if err == nil {
			if err = s.engine.begin(ctx, conn); err == nil {
				return &tx{store: s, conn: conn}, nil
			}
			if ctx.Err() != nil {
				// The caller gave up while it began, and nobody knows whether a
				// transaction is open on this connection: the next one must not get it.
				giveUp(conn)
			} else if s.drop(conn) && stale < poolSize {
				stale++
				continue
			}
		}
		if !s.engine.again(err) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			return nil, err
		case <-time.After(pause()):
		}
	}
}

// poolSize is how many connections a pool has at most.
const poolSize = 4

// pause is how long to wait before asking again for the right to write. It is
// short, since a transaction takes about a millisecond, and random, so that
// nobody is always the second.
func pause() time.Duration { return time.Millisecond/2 + rand.N(5*time.Millisecond) }

// drop gives a connection back, or up where it is broken, and says which.
func (s *Store) drop(conn *sql.Conn) (broken bool) {
	broken = s.engine.broken(conn)
	if broken {
		giveUp(conn)
		return true
	}
	_ = conn.Close()
	return false
}

// giveUp ends a connection in place of returning it to its pool.
func giveUp(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// rollback ends the transaction without effect. A connection that does not
// confirm that is not used again.
func (t *tx) rollback() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := t.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		giveUp(t.conn)
		return
	}
	_ = t.conn.Close()
}

// commit ends the transaction with effect. Once it has begun, the caller's
// change of mind does not stop it: half the commits so stopped would have been
// made.
func (t *tx) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.store.cfg.Patience)
	defer cancel()
	if _, err := t.conn.ExecContext(ctx, "COMMIT"); err != nil {
		t.rollback()
		return err
	}
	_ = t.conn.Close()
	return nil
}

// look runs work, which only reads, and once more where the connection it was
// given had gone stale in the pool.
func (s *Store) look(ctx context.Context, what string, work func(context.Context, *sql.Conn) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	for stale := 0; ; stale++ {
		conn, err := s.read.Conn(bounded)
		if err != nil {
			return s.failed(ctx, what, err)
		}
		err = work(bounded, conn)
		broken := s.drop(conn)
		if broken && err != nil && stale < poolSize && bounded.Err() == nil {
			continue
		}
		return s.failed(ctx, what, err)
	}
}

// one runs a query and scans its first row into dest, if there is one.
func one(ctx context.Context, conn *sql.Conn, dest []any, query string, args ...any) (found bool, err error) {
	err = each(ctx, conn, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(dest...)
	}, query, args...)
	return found, err
}

// each runs a query and scans its rows one by one.
func each(ctx context.Context, conn *sql.Conn, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

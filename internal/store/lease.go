package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// instant is a moment by the clock of leases, which every process that uses the
// store reads alike.
type instant struct {
	us   int64     // microseconds since something that the era names
	era  string    // moments of two eras cannot be compared
	wall time.Time // the same moment for people
}

// Acquire implements incident.Store. What it does is one statement, which takes
// the lease, prolongs it, or finds it held. An owner's lease only grows: where
// the clock has jumped back, now + ttl may lie before what was promised.
func (s *Store) Acquire(ctx context.Context, key, owner string, ttl time.Duration) (lease incident.Lease, err error) {
	what := "take the lease " + key
	if err := checkLease(key, owner, "", ttl); err != nil {
		return lease, fmt.Errorf("take a lease: %w", err)
	}
	err = s.change(ctx, what, func(ctx context.Context, t *tx) error {
		now, err := s.engine.clock(ctx, t.conn)
		if err != nil {
			return err
		}
		until, work := int64(0), ""
		taken, err := one(ctx, t.conn, []any{&until, &work}, `
			INSERT INTO leases (key, owner, era, until_us, work) VALUES ($1, $2, $3, $4, '')
			ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, era = excluded.era, until_us = CASE
				WHEN leases.owner = excluded.owner AND leases.era = excluded.era AND leases.until_us > excluded.until_us
				THEN leases.until_us ELSE excluded.until_us END
			WHERE leases.owner = excluded.owner OR leases.era <> excluded.era OR leases.until_us <= $5
			RETURNING until_us, work`, key, owner, now.era, now.us+ttl.Microseconds(), now.us)
		if err != nil {
			return err
		}
		if !taken {
			lease, err = leaseOf(ctx, t.conn, key, now)
			return firstError(err, incident.ErrHeld)
		}
		lease = now.lease(key, owner, now.era, until, work)
		return nil
	})
	return lease, err
}

// Mark implements incident.Store. A lease that has passed and that nobody else
// has taken since is still its owner's: that is known here, and prolongs it.
func (s *Store) Mark(ctx context.Context, key, owner, work string, ttl time.Duration) error {
	return s.MarkAll(ctx, []string{key}, owner, work, ttl)
}

// MarkAll implements incident.Store.
func (s *Store) MarkAll(ctx context.Context, keys []string, owner, work string, ttl time.Duration) error {
	for _, key := range keys {
		if err := checkLease(key, owner, work, ttl); err != nil {
			return fmt.Errorf("mark a lease: %w", err)
		}
	}
	return s.change(ctx, "mark the lease "+strings.Join(keys, ", "), func(ctx context.Context, t *tx) error {
		now, err := s.engine.clock(ctx, t.conn)
		if err != nil {
			return err
		}
		for _, key := range keys {
			result, err := t.conn.ExecContext(ctx, `
				UPDATE leases SET work = $1, era = $2, until_us = CASE WHEN era = $2 AND until_us > $3 THEN until_us ELSE $3 END
				WHERE key = $4 AND owner = $5`, work, now.era, now.us+ttl.Microseconds(), key, owner)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				return firstError(err, incident.ErrHeld)
			}
		}
		return nil
	})
}

// Release implements incident.Store.
func (s *Store) Release(ctx context.Context, key, owner string) error {
	if err := checkLease(key, owner, "", 1); err != nil {
		return fmt.Errorf("give back a lease: %w", err)
	}
	return s.change(ctx, "give back the lease "+key, func(ctx context.Context, t *tx) error {
		if _, err := t.conn.ExecContext(ctx, "DELETE FROM leases WHERE key = $1 AND owner = $2 AND work = ''", key, owner); err != nil {
			return err
		}
		_, err := t.conn.ExecContext(ctx, "UPDATE leases SET owner = '', until_us = 0 WHERE key = $1 AND owner = $2", key, owner)
		return err
	})
}

// Leases implements incident.Store.
func (s *Store) Leases(ctx context.Context) (leases []incident.Lease, err error) {
	err = s.look(ctx, "list the leases", func(ctx context.Context, conn *sql.Conn) error {
		now, err := s.engine.clock(ctx, conn)
		if err != nil {
			return err
		}
		leases = []incident.Lease{}
		return each(ctx, conn, func(rows *sql.Rows) error {
			l, err := now.scan(rows)
			leases = append(leases, l)
			return err
		}, "SELECT key, owner, era, until_us, work FROM leases")
	})
	// Sorted here: the two databases do not agree on the order of texts.
	slices.SortFunc(leases, func(a, b incident.Lease) int { return cmp.Compare(a.Key, b.Key) })
	return leases, err
}

// leaseOf reads the lease as it stands. It is gone where its owner has given it
// back this moment; then it is nobody's.
func leaseOf(ctx context.Context, conn *sql.Conn, key string, now instant) (l incident.Lease, err error) {
	l.Key = key
	err = each(ctx, conn, func(rows *sql.Rows) error {
		l, err = now.scan(rows)
		return err
	}, "SELECT key, owner, era, until_us, work FROM leases WHERE key = $1", key)
	return l, err
}

func (i instant) scan(rows *sql.Rows) (incident.Lease, error) {
	var key, owner, era, work string
	var until int64
	err := rows.Scan(&key, &owner, &era, &until, &work)
	return i.lease(key, owner, era, until, work), err
}

// lease is a row of the table as seen at i.
func (i instant) lease(key, owner, era string, until int64, work string) incident.Lease {
	l := incident.Lease{Key: key, Owner: owner, Work: work, Passed: era != i.era || until <= i.us}
	if era == i.era && until > 0 {
		l.Until = i.wall.Add(time.Duration(until-i.us) * time.Microsecond).UTC()
	}
	return l
}

// maxTTL is the longest that a lease may be held without a word of its owner.
const maxTTL = 24 * time.Hour

func checkLease(key, owner, work string, ttl time.Duration) error {
	if ttl <= 0 || ttl > maxTTL {
		return fmt.Errorf("for %s: more than nothing, and at most %s", ttl, maxTTL)
	}
	return firstError(
		checkText("its key", key, 1, maxName), checkText("its owner", owner, 1, maxName), checkText("its work", work, 0, maxName),
	)
}

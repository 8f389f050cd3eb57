package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Audit implements incident.Store. visit may call the store.
func (s *Store) Audit(ctx context.Context, from int64, visit func(incident.Entry) error) error {
	for after := max(from, 1) - 1; ; {
		entries, err := s.auditPage(ctx, after)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := visit(e); err != nil {
				return err
			}
			after = e.N
		}
	}
}

func (s *Store) auditPage(ctx context.Context, after int64) (entries []incident.Entry, err error) {
	err = s.look(ctx, "read the audit log", func(ctx context.Context, conn *sql.Conn) error {
		entries = nil
		return each(ctx, conn, func(rows *sql.Rows) error {
			var e incident.Entry
			var at, num int64
			err := rows.Scan(&e.N, &at, &num, &e.Seq, &e.Kind, &e.Name, &e.By, &e.Why, &e.Digest, &e.Prev, &e.Hash)
			if num > 0 {
				e.Incident = incident.Ref{Incident: num}.String()
			}
			e.At = time.UnixMicro(at).UTC()
			entries = append(entries, e)
			return err
		}, `SELECT n, at, incident, seq, kind, name, actor, why, digest, prev, hash FROM audit WHERE n > $1 ORDER BY n LIMIT $2`, after, pageRows)
	})
	return entries, err
}

// Head returns the last entry that the store remembers to have written. It is
// kept apart from the log, so that a log whose end was cut off is noticed.
func (s *Store) Head(ctx context.Context) (a incident.Anchor, err error) {
	err = s.look(ctx, "read the end of the audit log", func(ctx context.Context, conn *sql.Conn) error {
		_, err := one(ctx, conn, []any{&a.N, &a.Hash}, "SELECT n, hash FROM head WHERE one = 1")
		return err
	})
	return a, err
}

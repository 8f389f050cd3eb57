package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Find implements incident.Store.
func (s *Store) Find(ctx context.Context, kinds []string, from time.Time, limit int) ([]incident.Event, error) {
	if len(kinds) == 0 || limit <= 0 {
		return nil, nil
	}
	args := []any{micros(from), limit}
	var marks []string
	for _, k := range kinds {
		args = append(args, k)
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
	}
	var events []incident.Event
	err := s.look(ctx, "look for events", func(ctx context.Context, conn *sql.Conn) error {
		events = nil
		return each(ctx, conn, func(rows *sql.Rows) error {
			var e incident.Event
			var num, at int64
			var data []byte
			if err := rows.Scan(&num, &e.Seq, &at, &e.Kind, &e.By, &e.Step, &data); err != nil {
				return err
			}
			e.Incident, e.At, e.Data = incident.Ref{Incident: num}.String(), time.UnixMicro(at).UTC(), data
			events = append(events, e)
			return nil
		}, "SELECT incident, seq, at, kind, actor, step, data FROM events WHERE at >= $1 AND kind IN ("+strings.Join(marks, ", ")+
			") ORDER BY at DESC, incident DESC, seq DESC LIMIT $2", args...)
	})
	slices.Reverse(events)
	return events, err
}

// micros is a time as the tables have it; the zero time is before all others.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

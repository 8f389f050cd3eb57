package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Pages in which the record is read: at most so many rows, and so many bytes of
// data, or a single event that has more.
const (
	pageRows  = 500
	pageBytes = MaxData
)

// Events implements incident.Store. All of them are in memory at once; Walk
// needs room for a page only.
func (s *Store) Events(ctx context.Context, id string, after int64) ([]incident.Event, error) {
	events := []incident.Event{}
	err := s.Walk(ctx, id, after, func(e incident.Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// Walk visits the events of an incident behind number after, in order, until
// visit returns an error, which it returns. visit may call the store.
func (s *Store) Walk(ctx context.Context, id string, after int64, visit func(incident.Event) error) error {
	num, err := number(id)
	if err != nil {
		return fmt.Errorf("read %s: %w", id, err)
	}
	for {
		events, err := s.page(ctx, id, num, after)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if err := visit(e); err != nil {
				return err
			}
			after = e.Seq
		}
	}
}

// page reads the next events behind after; none at the end.
func (s *Store) page(ctx context.Context, id string, num, after int64) (events []incident.Event, err error) {
	err = s.look(ctx, "read "+id, func(ctx context.Context, conn *sql.Conn) error {
		events = nil
		until, err := pageEnd(ctx, conn, num, after)
		if err != nil {
			return err
		}
		if until == after {
			return exists(ctx, conn, num)
		}
		return each(ctx, conn, func(rows *sql.Rows) error {
			e := incident.Event{Incident: id}
			var at int64
			var data []byte
			if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.By, &e.Step, &data); err != nil {
				return err
			}
			e.At, e.Data = time.UnixMicro(at).UTC(), data
			events = append(events, e)
			return nil
		}, "SELECT seq, at, kind, actor, step, data FROM events WHERE incident = $1 AND seq > $2 AND seq <= $3 ORDER BY seq", num, after, until)
	})
	return events, err
}

// pageEnd is the number of the last event of the next page; after where there is none.
func pageEnd(ctx context.Context, conn *sql.Conn, num, after int64) (until int64, err error) {
	until = after
	total, full := int64(0), false
	err = each(ctx, conn, func(rows *sql.Rows) error {
		var seq, size int64
		if err := rows.Scan(&seq, &size); err != nil {
			return err
		}
		total += size
		full = full || until > after && total > pageBytes
		if !full {
			until = seq
		}
		return nil
	}, "SELECT seq, coalesce(length(data), 0) FROM events WHERE incident = $1 AND seq > $2 ORDER BY seq LIMIT $3", num, after, pageRows)
	return until, err
}

func exists(ctx context.Context, conn *sql.Conn, num int64) error {
	found, err := one(ctx, conn, []any{&num}, "SELECT num FROM incidents WHERE num = $1", num)
	if err == nil && !found {
		return incident.ErrNotFound
	}
	return err
}

// Headers implements incident.Store.
func (s *Store) Headers(ctx context.Context, limit int) ([]incident.Header, error) {
	most := int64(limit)
	if limit <= 0 {
		most = math.MaxInt64
	}
	headers := []incident.Header{}
	err := s.look(ctx, "list incidents", func(ctx context.Context, conn *sql.Conn) error {
		headers = headers[:0]
		return each(ctx, conn, func(rows *sql.Rows) error {
			h, err := scanHeader(rows)
			headers = append(headers, h)
			return err
		}, "SELECT num, opened_at, title, services FROM incidents ORDER BY num DESC LIMIT $1", most)
	})
	if err != nil {
		return nil, err
	}
	return headers, nil
}

func scanHeader(rows *sql.Rows) (h incident.Header, err error) {
	var num, at int64
	var services string
	if err := rows.Scan(&num, &at, &h.Title, &services); err != nil {
		return h, err
	}
	h.ID, h.OpenedAt = incident.Ref{Incident: num}.String(), time.UnixMicro(at).UTC()
	if err := json.Unmarshal([]byte(services), &h.Services); err != nil {
		return h, fmt.Errorf("the services of %s: %w", h.ID, err)
	}
	return h, nil
}

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Create implements incident.Store.
func (s *Store) Create(ctx context.Context, h incident.Header, first ...incident.Event) (string, error) {
	if err := firstError(checkHeader(h), checkEvents(first)); err != nil {
		return "", fmt.Errorf("open an incident: %w", err)
	}
	now := s.now()
	if h.OpenedAt.IsZero() {
		h.OpenedAt = now
	}
	services, err := json.Marshal(append([]string{}, h.Services...))
	if err != nil {
		return "", fmt.Errorf("open an incident: %w", err)
	}
	err = s.change(ctx, "open an incident", func(ctx context.Context, t *tx) error {
		if err := t.lock(ctx); err != nil {
			return err
		}
		t.head.incidents++
		num := t.head.incidents
		h.ID = incident.Ref{Incident: num}.String()
		_, err := t.conn.ExecContext(ctx, "INSERT INTO incidents (num, opened_at, title, services) VALUES ($1, $2, $3, $4)",
			num, h.OpenedAt.UnixMicro(), h.Title, string(services))
		if err != nil {
			return err
		}
		created := incident.Entry{At: now, Incident: h.ID, Kind: incident.EntryCreate, By: openedBy(first), Digest: h.Digest()}
		events := placed(first, h.ID, 0, now)
		return t.record(ctx, num, events, append([]incident.Entry{created}, entries(events)...))
	})
	if err != nil {
		return "", err
	}
	return h.ID, nil
}

func openedBy(first []incident.Event) string {
	if len(first) == 0 {
		return "quell"
	}
	return first[0].By
}

// Append implements incident.Store.
func (s *Store) Append(ctx context.Context, id string, after int64, events ...incident.Event) (int64, error) {
	what := "append to " + id
	if len(events) == 0 {
		return 0, fmt.Errorf("%s: there is no event", what)
	}
	if err := checkEvents(events); err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	num, err := number(id)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	// What takes time is done before anybody has to wait for it.
	events = placed(events, id, after, s.now())
	logged := entries(events)
	err = s.change(ctx, what, func(ctx context.Context, t *tx) error {
		if err := t.lock(ctx); err != nil {
			return err
		}
		last, err := t.last(ctx, num)
		if err != nil {
			return err
		}
		if last != after {
			return fmt.Errorf("its last event is number %d, not %d: %w", last, after, incident.ErrConflict)
		}
		return t.record(ctx, num, events, logged)
	})
	if err != nil {
		return 0, err
	}
	return after + int64(len(events)), nil
}

// last is the number of an incident's last event, 0 where it has none.
func (t *tx) last(ctx context.Context, num int64) (last int64, err error) {
	found, err := one(ctx, t.conn, []any{&last},
		"SELECT coalesce((SELECT max(seq) FROM events WHERE incident = num), 0) FROM incidents WHERE num = $1", num)
	if err == nil && !found {
		return 0, incident.ErrNotFound
	}
	return last, err
}

// record writes events and their entries of the audit log.
func (t *tx) record(ctx context.Context, num int64, events []incident.Event, logged []incident.Entry) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		var data []byte // NULL where there is none
		if len(e.Data) > 0 {
			data = e.Data
		}
		rows[i] = []any{num, e.Seq, e.At.UnixMicro(), e.Kind, e.By, e.Step, data}
	}
	if err := t.insert(ctx, "events (incident, seq, at, kind, actor, step, data)", rows); err != nil {
		return err
	}
	return t.seal(ctx, logged)
}

// placed fills in what the store gives an event: its incident, its number, and
// its time where it has none.
func placed(events []incident.Event, id string, after int64, now time.Time) []incident.Event {
	out := make([]incident.Event, len(events))
	for i, e := range events {
		e.Incident, e.Seq = id, after+int64(i)+1
		if e.At.IsZero() {
			e.At = now
		}
		e.At = e.At.UTC().Truncate(time.Microsecond)
		out[i] = e
	}
	return out
}

// entries are the lines of the audit log for events.
func entries(events []incident.Event) []incident.Entry {
	out := make([]incident.Entry, len(events))
	for i, e := range events {
		out[i] = incident.Entry{At: e.At, Incident: e.Incident, Seq: e.Seq, Kind: e.Kind, By: e.By, Digest: e.Digest()}
	}
	return out
}

// number is the 7 of INC-7, and 0 of no incident at all.
func number(id string) (int64, error) {
	if id == "" {
		return 0, nil
	}
	ref, err := incident.ParseRef(id)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", incident.ErrNotFound, err)
	case ref != ref.InIncident() || ref.String() != id:
		return 0, fmt.Errorf("%w: %s is written %s", incident.ErrNotFound, id, ref.InIncident())
	}
	return ref.Incident, nil
}

// now is the wall clock as the record keeps it.
func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

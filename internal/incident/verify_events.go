package incident

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// compare looks at what the entries of the batch speak of, and returns the
// fault of the first of them.
func (a *audit) compare(ctx context.Context) error {
	batch := a.batch
	a.batch = a.batch[:0]
	var first *Fault
	for _, entries := range byIncident(batch) {
		f, err := a.compareOne(ctx, entries)
		if err != nil {
			return err
		}
		if f != nil && (first == nil || f.N < first.N) {
			first = f
		}
	}
	if first != nil {
		return first
	}
	return nil
}

// byIncident parts entries, each part in the order of the log. Values have none.
func byIncident(entries []Entry) map[string][]Entry {
	parts := map[string][]Entry{}
	for _, e := range entries {
		if e.Incident != "" {
			parts[e.Incident] = append(parts[e.Incident], e)
		}
	}
	return parts
}

// compareOne looks at the entries of one incident: its header, if it was opened
// among them, then its events one by one.
func (a *audit) compareOne(ctx context.Context, entries []Entry) (*Fault, error) {
	if first := entries[0]; first.Seq == 0 {
		if f, err := a.compareHeader(ctx, first); f != nil || err != nil {
			return f, err
		}
		entries = entries[1:]
	}
	if len(entries) == 0 {
		return nil, nil
	}
	var found *Fault
	err := a.store.Walk(ctx, entries[0].Incident, entries[0].Seq-1, func(event Event) error {
		found = differs(entries[0], event)
		entries = entries[1:]
		if found != nil || len(entries) == 0 {
			return errEnough
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, errEnough) && !errors.Is(err, ErrNotFound):
		return nil, err
	case found == nil && len(entries) > 0:
		found = fault(entries[0].N, EventMissing, "event %d of %s is gone", entries[0].Seq, entries[0].Incident)
	}
	return found, nil
}

// differs compares an entry with the event that stands in its place.
func differs(e Entry, event Event) *Fault {
	switch {
	case event.Seq != e.Seq:
		return fault(e.N, EventMissing, "event %d of %s is gone: the next is %d", e.Seq, e.Incident, event.Seq)
	case event.Digest() != e.Digest:
		return fault(e.N, EventAltered, "event %d of %s is not as it was written", e.Seq, e.Incident)
	case event.Kind != e.Kind || event.By != e.By || !event.At.Equal(e.At):
		return fault(e.N, Rewritten, "it says another time, kind or person than event %d of %s", e.Seq, e.Incident)
	}
	return nil
}

// compareHeader compares an incident's header with the one it was opened with.
func (a *audit) compareHeader(ctx context.Context, e Entry) (*Fault, error) {
	digest, known := a.headers[e.Incident]
	if !known { // opened since they were read, or gone
		if err := a.readHeaders(ctx); err != nil {
			return nil, err
		}
		digest, known = a.headers[e.Incident]
	}
	a.opened[e.Incident] = e.Digest
	switch {
	case !known:
		return fault(e.N, HeaderAltered, "%s is gone", e.Incident), nil
	case digest != e.Digest:
		return fault(e.N, HeaderAltered, "%s is not as it was opened: its title, its services or its time", e.Incident), nil
	}
	return nil, nil
}

func (a *audit) readHeaders(ctx context.Context) error {
	headers, err := a.store.Headers(ctx, 0)
	if err != nil {
		return err
	}
	a.headers = make(map[string]string, len(headers))
	for _, h := range headers {
		a.headers[h.ID] = h.Digest()
	}
	return nil
}

// leftOver looks for incidents and events that the log does not have. What was
// written since the log was read is in what the log has more by now.
func (a *audit) leftOver(ctx context.Context) error {
	if err := a.readHeaders(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(a.headers)) {
		if _, logged := a.opened[id]; !logged {
			if err := a.readOn(ctx); err != nil {
				return err
			}
		}
		if _, logged := a.opened[id]; !logged {
			return fault(0, EventNotLogged, "%s was never opened", id)
		}
		if err := a.behind(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// behind looks for an event of an incident behind the last that was logged.
func (a *audit) behind(ctx context.Context, id string) error {
	var extra int64
	err := a.store.Walk(ctx, id, a.last[id], func(event Event) error {
		extra = event.Seq
		return errEnough
	})
	if err == nil || !errors.Is(err, errEnough) {
		return err
	}
	if err := a.readOn(ctx); err != nil {
		return err
	}
	if a.last[id] < extra {
		return fault(0, EventNotLogged, "event %d of %s is not in the log", extra, id)
	}
	return nil
}

package drivertest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Memory is a store that forgets everything when it ends: for tests.
type Memory struct {
	mu      sync.Mutex
	headers []incident.Header
	events  map[string][]incident.Event
	leases  map[string]incident.Lease
	values  map[string]string
	audit   []incident.Entry
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{events: map[string][]incident.Event{}, leases: map[string]incident.Lease{}, values: map[string]string{}}
}

// Create implements incident.Store.
func (m *Memory) Create(ctx context.Context, h incident.Header, first ...incident.Event) (string, error) {
	m.mu.Lock()
	h.ID = fmt.Sprintf("INC-%d", len(m.headers)+1)
	m.headers = append(m.headers, h)
	m.events[h.ID] = []incident.Event{}
	m.mu.Unlock()
	_, err := m.Append(ctx, h.ID, 0, first...)
	return h.ID, err
}

// Append implements incident.Store.
func (m *Memory) Append(_ context.Context, id string, after int64, events ...incident.Event) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list, ok := m.events[id]
	if !ok {
		return 0, incident.ErrNotFound
	}
	if int64(len(list)) != after {
		return 0, incident.ErrConflict
	}
	for _, e := range events {
		e.Incident, e.Seq = id, int64(len(list))+1
		e.Data = slices.Clone(e.Data)
		if e.At.IsZero() {
			e.At = time.Now().UTC()
		}
		list = append(list, e)
		m.seal(incident.Entry{At: e.At, Incident: id, Seq: e.Seq, Kind: e.Kind, By: e.By, Digest: e.Digest()})
	}
	m.events[id] = list
	return int64(len(list)), nil
}

func (m *Memory) seal(e incident.Entry) {
	e.N = int64(len(m.audit)) + 1
	if len(m.audit) > 0 {
		e.Prev = m.audit[len(m.audit)-1].Hash
	}
	m.audit = append(m.audit, e.Sealed())
}

// Events implements incident.Store.
func (m *Memory) Events(_ context.Context, id string, after int64) ([]incident.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list, ok := m.events[id]
	if !ok {
		return nil, incident.ErrNotFound
	}
	return slices.Clone(list[min(after, int64(len(list))):]), nil
}

// Find implements incident.Store.
func (m *Memory) Find(_ context.Context, kinds []string, from time.Time, limit int) ([]incident.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []incident.Event
	for _, list := range m.events {
		for _, e := range list {
			if slices.Contains(kinds, e.Kind) && !e.At.Before(from) {
				found = append(found, e)
			}
		}
	}
	slices.SortFunc(found, func(a, b incident.Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Seq, b.Seq))
	})
	return found[max(0, len(found)-limit):], nil
}

// Headers implements incident.Store.
func (m *Memory) Headers(_ context.Context, limit int) ([]incident.Header, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Clone(m.headers)
	slices.Reverse(list)
	if limit > 0 {
		list = list[:min(limit, len(list))]
	}
	return list, nil
}

// Acquire implements incident.Store.
func (m *Memory) Acquire(_ context.Context, key, owner string, ttl time.Duration) (incident.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.leases[key]
	if ok && l.Owner != owner && time.Now().Before(l.Until) {
		return l, incident.ErrHeld
	}
	m.leases[key] = incident.Lease{Key: key, Owner: owner, Until: time.Now().Add(ttl), Work: l.Work}
	return m.leases[key], nil
}

// Mark implements incident.Store.
func (m *Memory) Mark(_ context.Context, key, owner, work string, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.leases[key]; l.Owner != owner {
		return incident.ErrHeld
	}
	m.leases[key] = incident.Lease{Key: key, Owner: owner, Until: time.Now().Add(ttl), Work: work}
	return nil
}

// MarkAll implements incident.Store.
func (m *Memory) MarkAll(ctx context.Context, keys []string, owner, work string, ttl time.Duration) error {
	m.mu.Lock()
	for _, key := range keys {
		if m.leases[key].Owner != owner {
			m.mu.Unlock()
			return incident.ErrHeld
		}
	}
	m.mu.Unlock()
	for _, key := range keys {
		if err := m.Mark(ctx, key, owner, work, ttl); err != nil {
			return err
		}
	}
	return nil
}

// Release implements incident.Store.
func (m *Memory) Release(_ context.Context, key, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.leases[key]
	if l.Owner != owner {
		return nil
	}
	if l.Work == "" {
		delete(m.leases, key)
		return nil
	}
	l.Until = time.Now()
	m.leases[key] = l
	return nil
}

// Leases implements incident.Store.
func (m *Memory) Leases(context.Context) ([]incident.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []incident.Lease
	for _, l := range m.leases {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b incident.Lease) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}

// Set implements incident.Store.
func (m *Memory) Set(_ context.Context, name, value, by, why string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[name] = value
	data, err := json.Marshal([]string{name, value, why})
	m.seal(incident.Entry{At: time.Now().UTC(), Kind: "set", By: by, Digest: string(data)})
	return err
}

// Get implements incident.Store.
func (m *Memory) Get(_ context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[name], nil
}

// Audit implements incident.Store.
func (m *Memory) Audit(_ context.Context, from int64, visit func(incident.Entry) error) error {
	m.mu.Lock()
	entries := slices.Clone(m.audit)
	m.mu.Unlock()
	for _, e := range entries {
		if e.N < from {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// Close implements incident.Store.
func (m *Memory) Close() error { return nil }

var _ incident.Store = (*Memory)(nil)

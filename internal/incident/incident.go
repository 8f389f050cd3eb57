// Package incident is the record of what happened: an append-only list of
// events. Nothing is changed or taken away; every view, the plan's progress and
// the report are folded from it. Where it is kept is the store's business.
package incident

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Event is one thing that happened in an incident.
type Event struct {
	Incident string          `json:"incident"` // "INC-7"
	Seq      int64           `json:"seq"`      // 1, 2, 3… within the incident, without holes
	At       time.Time       `json:"at"`       // UTC, microseconds
	Kind     string          `json:"kind"`     // see the constants of this package
	By       string          `json:"by"`       // a person, or "quell"
	Step     string          `json:"step,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"` // of the kind's type, already redacted
}

// Header is what a list of incidents shows without reading their events.
type Header struct {
	ID       string    `json:"id"` // given by the store: INC-1, INC-2, …
	OpenedAt time.Time `json:"opened_at"`
	Services []string  `json:"services"`
	Title    string    `json:"title"`
}

// Store keeps incidents. Its methods may be called by several goroutines and
// several processes at once. What a method has reported as done is on disk and
// survives a kill and a power cut. A store that is gone gives an error that
// wraps ErrUnavailable; nothing is half written.
type Store interface {
	// Create opens an incident with its first events (Seq, Incident and a zero
	// At are filled in) and returns its id.
	Create(ctx context.Context, h Header, first ...Event) (id string, err error)
	// Append adds events behind the one numbered after, all or none, and
	// returns the number of the last. Where others have appended meanwhile it
	// does nothing and returns ErrConflict.
	Append(ctx context.Context, id string, after int64, events ...Event) (last int64, err error)
	// Events returns the events behind number after, in order. An incident
	// that does not exist is ErrNotFound.
	Events(ctx context.Context, id string, after int64) ([]Event, error)
	// Find returns the events of the given kinds, of all incidents, from a time
	// on, oldest first; the newest ones where there are more than limit.
	Find(ctx context.Context, kinds []string, from time.Time, limit int) ([]Event, error)
	// Headers lists incidents, newest first; at most limit, 0 for all.
	Headers(ctx context.Context, limit int) ([]Header, error)

	// Acquire takes the lease named key for owner until ttl has passed, unless
	// another owner holds it: then the lease as it stands, and ErrHeld. A lease
	// that has passed is given to whoever asks, with its former Work, so that
	// the new owner can settle what the former left open. Acquiring one's own
	// again prolongs it.
	Acquire(ctx context.Context, key, owner string, ttl time.Duration) (Lease, error)
	// Mark writes what the owner is about to do into the lease ("" for
	// nothing), and prolongs it to ttl from now. ErrHeld where it is no longer
	// the owner's.
	Mark(ctx context.Context, key, owner, work string, ttl time.Duration) error
	// MarkAll is Mark for several leases at once, all or none: ErrHeld where one
	// of them is no longer the owner's.
	MarkAll(ctx context.Context, keys []string, owner, work string, ttl time.Duration) error
	// Release gives a lease back. One with work in it stays, as passed and
	// without an owner, for whoever settles it. Releasing a lease of somebody
	// else does nothing.
	Release(ctx context.Context, key, owner string) error
	// Leases lists all leases, by key.
	Leases(ctx context.Context) ([]Lease, error)

	// Set keeps a small value of the whole store under a name ("" takes it
	// away), such as the kill switch; it is audited with by and why.
	Set(ctx context.Context, name, value, by, why string) error
	// Get returns a value, "" where there is none.
	Get(ctx context.Context, name string) (string, error)

	// Audit visits the audit log from entry number from (1 is the first), in
	// order, until visit returns an error, which it returns.
	Audit(ctx context.Context, from int64, visit func(Entry) error) error
	Close() error
}

// Lease says who may change something (a service), and until when.
type Lease struct {
	Key   string    `json:"key"`   // "service/orders-api"
	Owner string    `json:"owner"` // host, process id, start of the process, a random part
	Until time.Time `json:"until"` // by the store's clock
	// Work is what the owner has begun and not settled: "INC-7.1.2" after an
	// intent was written and before its result. It outlives the owner.
	Work string `json:"work,omitempty"`
	// Passed says that, by the store's clock when it was asked, Until was over.
	// Until itself is for people: another clock must not judge it.
	Passed bool `json:"passed,omitempty"`
}

// Entry is one line of the audit log: every incident opened (EntryCreate, no
// Seq), every event and every Set (EntrySet, no Incident) of a store, in the
// order written. Hash chains them: it is the SHA-256 of the entry before it and
// of this one's own fields, so that nothing can be altered, left out or put in
// between without breaking every hash behind it.
type Entry struct {
	N        int64     `json:"n"` // 1, 2, 3… without holes
	At       time.Time `json:"at"`
	Incident string    `json:"incident,omitempty"`
	Seq      int64     `json:"seq,omitempty"`
	Kind     string    `json:"kind"`
	Name     string    `json:"name,omitempty"` // of the value set
	By       string    `json:"by"`
	Why      string    `json:"why,omitempty"` // the value was set
	Digest   string    `json:"digest"`        // of the event as it was written, of the header, or of the value set
	Prev     string    `json:"prev"`          // hash of the entry before; empty for the first
	Hash     string    `json:"hash"`
}

// Kinds of the entries that stand for no event.
const (
	EntryCreate = "create" // an incident was opened: Digest is its header's
	EntrySet    = "set"    // a value was set: Digest is the value's
)

// What a store can answer besides doing what it was asked.
var (
	ErrNotFound    = errors.New("no such incident")
	ErrConflict    = errors.New("somebody else has written to this incident meanwhile")
	ErrHeld        = errors.New("somebody else is changing this")
	ErrUnavailable = errors.New("the incident store cannot be used")
	// ErrUncertain comes with ErrUnavailable where the store was lost while it
	// wrote, and did not come back in time to be asked: what was to be written
	// is there as a whole or not at all. Read again before writing again.
	ErrUncertain = errors.New("whether it was written is not known")
)

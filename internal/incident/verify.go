package incident

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// Anchor is an entry of the log that somebody keeps outside of the store: on
// paper, in a mail. Whoever can write to the store can write a whole log anew;
// against an anchor that shows.
type Anchor struct {
	N    int64  `json:"n"`
	Hash string `json:"hash"`
}

// Auditable is what an audit reads of a store. The methods may be called from
// within a visit.
type Auditable interface {
	// Head is the last entry that the store has written, kept apart from the log.
	Head(ctx context.Context) (Anchor, error)
	Headers(ctx context.Context, limit int) ([]Header, error)
	// Walk visits an incident's events behind number after, in order.
	Walk(ctx context.Context, id string, after int64, visit func(Event) error) error
	// Values are all that Set has left.
	Values(ctx context.Context) (map[string]string, error)
	Audit(ctx context.Context, from int64, visit func(Entry) error) error
}

// Verified is what a sound log holds.
type Verified struct {
	Entries int64  `json:"entries"`
	Events  int64  `json:"events"`
	Last    Anchor `json:"last"` // to be anchored
}

// VerifyAudit reads the whole audit log beside what it speaks of, and returns a
// *Fault for the first entry that is wrong, or the store's own error. Whoever
// writes meanwhile does not disturb it. It needs memory for a batch of entries,
// one page of events, and a line for each incident and each value.
//
// It tells what was altered behind the store's back. Who rewrites the record,
// every hash behind it and the store's own note of the last one, is found out
// by an anchor alone.
func VerifyAudit(ctx context.Context, s Auditable, anchors ...Anchor) (Verified, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return Verified{}, err
	}
	a := &audit{store: s, last: map[string]int64{}, opened: map[string]string{}, set: map[string]setting{}, anchors: append(slices.Clone(anchors), head)}
	slices.SortFunc(a.anchors, func(x, y Anchor) int { return cmp.Compare(x.N, y.N) })
	for _, step := range []func(context.Context) error{a.readOn, a.reaches, a.leftOver, a.values} {
		if err := step(ctx); err != nil {
			return Verified{}, err
		}
	}
	return Verified{Entries: a.at.N, Events: a.events, Last: a.at}, nil
}

// audit is how far an audit has come.
type audit struct {
	store   Auditable
	at      Anchor            // the last entry that was read
	events  int64             // how many there were up to it
	last    map[string]int64  // by incident: the last event that was logged
	opened  map[string]string // by incident: digest of its header as the log has it
	headers map[string]string // the same as the store has it
	set     map[string]setting
	sets    int // entries of Set
	anchors []Anchor
	batch   []Entry // sound in themselves; what they speak of is not yet looked at
}

// setting is a value as it was last set.
type setting struct {
	n      int64
	digest string
}

// batchSize is how many entries are compared with their events at once: one
// incident's events are then read in one go, not one by one.
const batchSize = 500

// readOn reads the log from where it was left to its end.
func (a *audit) readOn(ctx context.Context) error {
	err := a.store.Audit(ctx, a.at.N+1, func(e Entry) error {
		if f := a.follows(e); f != nil {
			// What comes before it may be wrong too, and is then the first.
			return firstOf(a.compare(ctx), f)
		}
		a.take(e)
		if len(a.batch) < batchSize {
			return nil
		}
		return a.compare(ctx)
	})
	if err != nil {
		return err
	}
	return a.compare(ctx)
}

func firstOf(err error, f *Fault) error {
	if err != nil {
		return err
	}
	return f
}

// follows checks an entry by itself and against the one before it.
func (a *audit) follows(e Entry) *Fault {
	whole, chained := e.Sealed().Hash == e.Hash, e.Prev == a.at.Hash
	switch {
	case e.N > a.at.N+1:
		return fault(a.at.N+1, Gap, "after entry %d comes %d", a.at.N, e.N)
	case e.N <= a.at.N:
		return fault(e.N, OutOfOrder, "it comes after entry %d", a.at.N)
	case !whole && !chained:
		return fault(e.N, OutOfOrder, "it was not written behind entry %d, nor as it is now", a.at.N)
	case !whole:
		return fault(e.N, HashBroken, "it is not as it was written: its hash is that of something else")
	case !chained && e.N == 1:
		return fault(e.N, Rewritten, "it is the first, and names one before it")
	case !chained:
		return fault(a.at.N, Rewritten, "entry %d was chained to another one in its place", e.N)
	}
	return firstFault(a.anchored(e), a.inOrder(e))
}

func firstFault(faults ...*Fault) *Fault {
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}

// anchored compares an entry with those that were kept elsewhere.
func (a *audit) anchored(e Entry) *Fault {
	for _, anchor := range a.anchors {
		if anchor.N == e.N && anchor.Hash != e.Hash {
			return fault(e.N, NotAnchored, "its hash is %s, and %s was anchored: the log was written anew, from some entry up to this one on", e.Hash, anchor.Hash)
		}
	}
	return nil
}

// inOrder checks that an incident's events are logged one after the other.
func (a *audit) inOrder(e Entry) *Fault {
	last, open := a.last[e.Incident]
	switch {
	case e.Incident == "":
		return nil
	case e.Seq == 0 && open:
		return fault(e.N, OutOfOrder, "%s is opened a second time", e.Incident)
	case e.Seq == 0:
		return nil
	case !open:
		return fault(e.N, OutOfOrder, "an event of %s, which was not opened before it", e.Incident)
	case e.Seq <= last:
		return fault(e.N, OutOfOrder, "event %d of %s was logged before", e.Seq, e.Incident)
	case e.Seq > last+1:
		return fault(e.N, EventNotLogged, "event %d of %s comes behind %d: what is between is not in the log", e.Seq, e.Incident, last)
	}
	return nil
}

// take moves on to a sound entry.
func (a *audit) take(e Entry) {
	a.at = Anchor{N: e.N, Hash: e.Hash}
	switch {
	case e.Incident == "":
		a.set[e.Name] = setting{e.N, e.Digest}
		a.sets++
	case e.Seq == 0:
		a.last[e.Incident] = 0
	default:
		a.last[e.Incident] = e.Seq
		a.events++
	}
	a.batch = append(a.batch, e)
}

// reaches checks that the log has not ended before an entry that is known to
// have been written, nor goes on behind the last that the store wrote.
func (a *audit) reaches(ctx context.Context) error {
	for _, anchor := range a.anchors {
		if anchor.N > a.at.N {
			return fault(a.at.N+1, TailCut, "the log ends at entry %d, and %d had been written", a.at.N, anchor.N)
		}
	}
	head, err := a.store.Head(ctx)
	if err == nil && head.N < a.at.N {
		return fault(head.N+1, TailAdded, "the last entry that the store wrote is %d", head.N)
	}
	return err
}

// errEnough stops a visit.
var errEnough = errors.New("enough")

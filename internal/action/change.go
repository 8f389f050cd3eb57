package action

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// Change is one exact change to a target: a type, and its arguments.
type Change struct {
	Type string `json:"type"` // name of the Spec
	// Args are complete (see Spec.Complete): plain values, as JSON has them.
	Args Args `json:"args"`
}

// Preview is what a change would do, found by reading only.
type Preview struct {
	// Identity says what the target is, so that one that has moved is noticed:
	// a system identifier, a start time, an address. Never a secret.
	Identity string `json:"identity"`
	Summary  string `json:"summary"` // "ends 3 sessions of role app on database shop"
	// Items are the single things that it touches, in a fixed order.
	Items []Item `json:"items"`
	// MayShrink allows that items are gone when it is applied: the others are
	// changed all the same. Without it any difference makes a plan stale.
	MayShrink bool `json:"may_shrink,omitempty"`
	// MayGrow allows that there is more when it is applied: jobs come and go. What
	// has come since is left alone.
	MayGrow bool `json:"may_grow,omitempty"`
	// Already says that the world is as the change wants it: nothing to do.
	Already bool `json:"already,omitempty"`
	// Risk is higher than the type's where this instance is graver.
	Risk Risk `json:"risk,omitempty"`
	// TwoPeople says why this instance needs two approvals whatever policy
	// says: "these keys are not only cache". Empty where it does not.
	TwoPeople string   `json:"two_people,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Destroys  string   `json:"destroys,omitempty"` // evidence lost here, where it is not what the Spec says
	Undo      string   `json:"undo,omitempty"`     // how it is taken back here; empty where it cannot be
	// Blast is how many things feel it (sessions, keys, rows, processes, users);
	// zero: the number of items.
	Blast int64 `json:"blast,omitempty"`
	// Lasts is after what time it ends by itself or has to be undone; zero: it stays.
	Lasts time.Duration `json:"lasts_ns,omitempty"`
}

// Touches is the blast radius of p.
func (p Preview) Touches() int64 { return max(p.Blast, int64(len(p.Items))) }

// Among is p without what an earlier preview does not have, where that may be so.
func (p Preview) Among(planned Preview) Preview {
	if !planned.MayGrow {
		return p
	}
	known := map[string]bool{}
	for _, i := range planned.Items {
		known[i.ID] = true
	}
	p.Items = slices.DeleteFunc(slices.Clone(p.Items), func(i Item) bool { return !known[i.ID] })
	return p
}

// Item is one thing that a change touches.
type Item struct {
	ID   string `json:"id"`   // unique in the preview: "pid 4711", "maxmemory", "shop:page:*"
	Now  string `json:"now"`  // what is there, for a person
	Then string `json:"then"` // what will be
	// Guard is what must still be so when the change is applied, in a form
	// that is compared byte for byte: pid, start time and statement; the former
	// value; the inode. It holds no secret (a digest, if it must).
	Guard string `json:"guard"`
}

// Order is a change that was approved and is to be carried out.
type Order struct {
	Change
	Preview Preview `json:"preview"` // as approved
	// Key names this one carrying-out, letters, digits, dot and dash: the same
	// when it is asked about after a crash, another for another attempt.
	// Systems that take idempotency keys or comments are given it.
	Key string `json:"key"`
	By  string `json:"by"` // who approved, for systems that keep an author
	// Intended is when the intent was written down, by our clock: what
	// happened before it was not us.
	Intended time.Time `json:"intended"`
	Done     *Done     `json:"done,omitempty"` // what Apply reported; nil after a crash
	// Resumes says that an earlier attempt at this order is known to have made
	// a part of it: what is missing is done, and is nobody else's doing.
	Resumes bool `json:"resumes,omitempty"`
}

// Done is what a change did.
type Done struct {
	Summary string   `json:"summary"` // "3 sessions ended"
	Items   []Result `json:"items,omitempty"`
	// Facts is what Standing needs to find it again: the id of a silence.
	Facts map[string]any `json:"facts,omitempty"`
	// Inverse is the change, to the same target, that takes it back. Nil where
	// nothing can. It has a preview, guards and a standing of its own.
	Inverse *Change `json:"inverse,omitempty"`
}

// Result is what became of one item.
type Result struct {
	ID   string `json:"id"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // what was seen, or why not
}

// State is whether an order stands in the world.
type State string

// The states of an order. Only Made counts as done.
const (
	Made       State = "made"        // it happened, or the world is as it wants for another reason
	NotMade    State = "not made"    // it did not happen, and can be applied safely
	PartlyMade State = "partly made" // some items; the others did not happen
	CannotTell State = "cannot tell" // a person has to look
)

// Standing is what the world shows of an order.
type Standing struct {
	State State  `json:"state"`
	Text  string `json:"text"`           // what was seen, in one line
	Done  *Done  `json:"done,omitempty"` // for Made and PartlyMade, Inverse included
	// Again says of CannotTell that the order may still be under way (a server
	// that works on a request whose sender has died): ask again after so long.
	// Zero: asking again does not help, a person has to look.
	Again time.Duration `json:"again_ns,omitempty"`
}

// Digest names v by its canonical JSON: equal values have equal digests, on
// any machine. It panics on values that JSON cannot hold, which no type of
// this package is.
func Digest(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return "sha256:" + hex.EncodeToString(sum[:])
}

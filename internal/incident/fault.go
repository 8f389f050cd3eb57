package incident

import "fmt"

// Fault is the first thing that is wrong with an audit log. It is an error.
type Fault struct {
	N    int64     `json:"n"` // the entry; where an event or a value has none, 0
	Kind FaultKind `json:"kind"`
	Text string    `json:"text"` // what was found, in one line
}

// FaultKind says in which way a log is wrong.
type FaultKind string

// The ways in which an audit log is wrong.
const (
	Gap            FaultKind = "gap"              // entries are missing
	OutOfOrder     FaultKind = "order"            // an entry stands where another was written
	HashBroken     FaultKind = "hash broken"      // an entry was altered
	Rewritten      FaultKind = "rewritten"        // an entry was altered, and its own hash with it
	TailCut        FaultKind = "tail cut"         // the last entries are missing
	TailAdded      FaultKind = "tail added"       // the store has not written the last entries
	NotAnchored    FaultKind = "not the anchor"   // another entry was anchored: the log was rewritten up to here
	EventMissing   FaultKind = "event missing"    // the log has an event that is gone
	EventAltered   FaultKind = "event altered"    // the event is not as it was written
	EventNotLogged FaultKind = "event not logged" // there is an event that the log does not have
	HeaderAltered  FaultKind = "header altered"   // the incident was opened with another title, or was not opened
	ValueAltered   FaultKind = "value altered"    // the value is not as it was last set
)

// Error names the entry and what is wrong with it.
func (f *Fault) Error() string {
	if f.N == 0 {
		return fmt.Sprintf("the audit log is broken: %s: %s", f.Kind, f.Text)
	}
	return fmt.Sprintf("the audit log is broken at entry %d: %s: %s", f.N, f.Kind, f.Text)
}

func fault(n int64, kind FaultKind, format string, args ...any) *Fault {
	return &Fault{N: n, Kind: kind, Text: fmt.Sprintf(format, args...)}
}

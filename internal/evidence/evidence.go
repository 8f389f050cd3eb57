// Package evidence is what came of asking: a value, from where, when and how
// long it took, or the reason why there is none. Everything the diagnosis says
// rests on values of this package and on nothing else, so a saved set of
// evidence replays to the same diagnosis.
package evidence

import "time"

// Status says how a question ended. Only Answered carries a value; none of the
// others means healthy.
type Status string

// The ways a question can end.
const (
	Answered      Status = "answered"
	Unreachable   Status = "unreachable"    // no connection: refused, no route, no such host, gone half way
	Denied        Status = "denied"         // connected, but not let in or not let read: password, grant, ACL, 401/403
	TimedOut      Status = "timed out"      // no answer within the deadline
	NoData        Status = "no data"        // answered, and there was nothing: no series, no lines, no file
	NotApplicable Status = "not applicable" // this target cannot know: extension missing, version too old, wrong role
	Refused       Status = "refused"        // we would not ask it: not proved read-only, or not bounded
	Invalid       Status = "invalid"        // the target says that the question itself is wrong
	NotAsked      Status = "not asked"      // no target bound, budget used up, backed off, interrupted
)

// Answer is what a connector gives back for one question.
type Answer struct {
	Status Status `json:"status"`
	// Value is plain data, as JSON has it: nil, bool, int64, float64, string,
	// []any, map[string]any. SQL rows are a list of maps; time series a list of
	// streams (see Vector); log lines a list of lines (see Line). It holds no
	// NaN and no infinity.
	Value any `json:"value,omitempty"`
	// Reason says why there is no value, in one line that a person can act on.
	Reason string `json:"reason,omitempty"`
	// Hint is the exact grant, setting or command that would open it, if known.
	Hint string `json:"hint,omitempty"`
	// Ended is when log lines ended that had come again and again, in seconds since
	// 1970, while what they stand in goes on; 0 where they go on, or where it cannot
	// be told.
	Ended float64 `json:"ended,omitempty"`
	// Notes are remarks on a value: cut at 500 rows, two lines were not JSON.
	Notes []string `json:"notes,omitempty"`
}

// Evidence is an answer with its circumstances.
type Evidence struct {
	Answer
	Probe    string        `json:"probe"`             // the name that playbooks use
	Question string        `json:"question"`          // what was asked, as sent (redacted)
	Target   string        `json:"target"`            // whom it was asked
	At       time.Time     `json:"at"`                // when the answer was complete
	Took     time.Duration `json:"took_ns"`           // from asking to the answer
	Service  string        `json:"service,omitempty"` // set where the question names the service
	// Options are how it was asked beside its text: "range", "step", "limit".
	Options map[string]string `json:"options,omitempty"`
}

// Of is an answer with a value.
func Of(value any, notes ...string) Answer {
	return Answer{Status: Answered, Value: value, Notes: notes}
}

// Not is an answer without a value: why, and what would open it (may be empty).
func Not(status Status, reason, hint string) Answer {
	return Answer{Status: status, Reason: reason, Hint: hint}
}

// Known reports whether there is a value to reason with.
func (a Answer) Known() bool { return a.Status == Answered }

package recovery

import (
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/verification"
)

// Standing is how far a step has come, in a word for people.
type Standing string

// The standings of a step.
const (
	Waiting  Standing = "waiting"   // not begun
	Unknown  Standing = "unknown"   // begun, and nobody knows whether it happened
	NotDone  Standing = "not done"  // it is known that it did not happen
	Partly   Standing = "partly"    // a part of it happened
	Applied  Standing = "applied"   // it happened; whether it helped is not judged yet
	Helped   Standing = "helped"    // verified
	NoHelp   Standing = "no help"   // it happened, and it is not better
	Unclear  Standing = "unclear"   // it happened, and nobody can tell whether it helped
	TakenOut Standing = "undone"    // it happened, and was taken back
	Blocked  Standing = "blocked"   // it cannot be applied
	HeldBack Standing = "held back" // it was not begun; see Held
)

// View is a step as it stands.
type View struct {
	Step      string
	Standing  Standing
	Approvals []approval.Envelope
	Held      *incident.Held
	Result    *incident.Result // of the act
	Undo      *incident.Result
	Before    *verification.Sample
	After     []verification.Sample
	Judged    *verification.Judgement
	At        time.Time // of the act's result
	// Order is the latest that was carried out or begun; nil where none was.
	Order *action.Order
}

// View shows a step; ok is false where the plan has none of that id.
func (r *Run) View(id string) (v View, ok bool) {
	s, ok := r.steps[id]
	if !ok {
		return View{}, false
	}
	var order *action.Order
	if s.act.intent != nil {
		order = &s.act.intent.Order
	}
	return View{
		Order: order,
		Step:  id, Standing: s.standing(), Approvals: s.approvals, Held: s.held, Result: s.act.result, Undo: s.undo.result,
		Before: s.before, After: s.after, Judged: s.judged, At: s.act.at,
	}, true
}

// Finished is how the latest run ended; nil while it may go on.
func (r *Run) Finished() *incident.Finished { return r.finished }

func (s *progress) standing() Standing {
	switch {
	case s.undone():
		return TakenOut
	case s.act.unknown() || s.undo.unknown() || s.act.lost() || s.undo.lost():
		return Unknown
	case s.act.result == nil && s.step.Blocked != "":
		return Blocked
	case s.act.result == nil && s.held != nil:
		return HeldBack
	case s.act.result == nil:
		return Waiting
	case s.act.result.State == action.NotMade:
		return NotDone
	case s.act.result.State == action.PartlyMade:
		return Partly
	case s.judged == nil:
		return Applied
	}
	switch s.judged.Verdict {
	case verification.Better:
		return Helped
	case verification.NotBetter:
		return NoHelp
	}
	return Unclear
}

package incident

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/verification"
)

// Standing is how far a step has come, in a word for people. The words, and
// when each is said, are those of package recovery, which drives a run and
// stands above this one; a test there holds the two together.
type Standing string

// The standings of a step.
const (
	StepWaiting Standing = "waiting"   // not begun
	StepUnknown Standing = "unknown"   // begun, and nobody knows whether it happened
	StepNotDone Standing = "not done"  // it is known that it did not happen
	StepPartly  Standing = "partly"    // a part of it happened
	StepApplied Standing = "applied"   // it happened; whether it helped is not judged yet
	StepHelped  Standing = "helped"    // verified
	StepNoHelp  Standing = "no help"   // it happened, and it is not better
	StepUnclear Standing = "unclear"   // it happened, and nobody can tell whether it helped
	StepUndone  Standing = "undone"    // it happened, and was taken back
	StepBlocked Standing = "blocked"   // it cannot be applied
	StepHeld    Standing = "held back" // it was not begun; see Held
)

// course is the latest attempt at a step, or at its undo.
type course struct {
	attempt int
	begun   bool
	state   action.State // of its result; empty: not known
}

func (c *course) intend(attempt int) { *c = course{attempt: attempt, begun: true} }

// end takes a result; that of an earlier attempt says nothing any more.
func (c *course) end(r Result) {
	if c.begun && r.Attempt == c.attempt {
		c.state = r.State
	}
}

// reset allows another attempt at what is known not to have happened.
func (c *course) reset() {
	if c.state == action.NotMade {
		*c = course{attempt: c.attempt}
	}
}

// open reports whether nobody knows if it happened.
func (c course) open() bool { return c.begun && (c.state == "" || c.state == action.CannotTell) }

func (p *Progress) course(undo bool) *course {
	if undo {
		return &p.undo
	}
	return &p.act
}

// restart is what a new run over the plan makes of a step.
func (p *Progress) restart() {
	p.Held = nil
	p.act.reset()
	if p.Judged != nil && p.Judged.Verdict == verification.CannotTell {
		p.Judged, p.After = nil, nil
	}
	p.Standing = p.standing()
}

func (p Progress) undone() bool {
	return p.undo.state == action.Made || p.Held != nil && p.Held.Undo && p.Held.Reason == HeldMoot
}

func (p Progress) standing() Standing {
	switch {
	case p.undone():
		return StepUndone
	case p.act.open() || p.undo.open():
		return StepUnknown
	case p.act.state == "" && p.Step.Blocked != "":
		return StepBlocked
	case p.act.state == "" && p.Held != nil:
		return StepHeld
	case p.act.state == "":
		return StepWaiting
	case p.act.state == action.NotMade:
		return StepNotDone
	case p.act.state == action.PartlyMade:
		return StepPartly
	case p.Judged == nil:
		return StepApplied
	}
	switch p.Judged.Verdict {
	case verification.Better:
		return StepHelped
	case verification.NotBetter:
		return StepNoHelp
	}
	return StepUnclear
}

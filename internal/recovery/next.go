package recovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/verification"
)

// unknown reports an intent without a result.
func (c *course) unknown() bool { return c.intent != nil && c.result == nil }

// lost reports a result that nobody could tell: a person has to look.
func (c *course) lost() bool { return c.result != nil && c.result.State == action.CannotTell }

// reset allows further attempts at what is known not to have happened.
func (c *course) reset() {
	if c.result != nil && c.result.State == action.NotMade {
		*c = course{attempts: c.attempts, base: c.attempts}
	}
}

func (c *course) made() bool { return c.result != nil && c.result.State == action.Made }

// again reports whether another attempt may be made, and when.
func (c *course) again() (at time.Time, ok bool) {
	if c.result == nil {
		return time.Time{}, c.intent == nil
	}
	if c.result.Settled && c.result.State == action.NotMade {
		return time.Time{}, true // a crash, not the change, is why it did not happen
	}
	retry := c.result.State == action.PartlyMade || c.result.State == action.NotMade && c.result.Temporary
	if !retry || c.attempts-c.base >= Attempts {
		return time.Time{}, false
	}
	return c.at.Add(pauses[min(c.attempts-c.base, len(pauses))-1]), true
}

// undone reports whether a step was taken back.
func (s *progress) undone() bool {
	if s.undo.made() {
		return true
	}
	return s.held != nil && s.held.Undo && s.held.Reason == incident.HeldMoot
}

// inverse reports whether a step can be taken back.
func (s *progress) inverse() bool {
	return s.act.result != nil && s.act.result.Done != nil && s.act.result.Done.Inverse != nil
}

// Next says what is to be done now.
func (r *Run) Next() Command {
	// Before anything else: what may have happened is found out.
	if c, open := r.settle(); open {
		return c
	}
	if c, asked := r.askedBack(); asked {
		return c
	}
	if r.cancelled {
		return stop(incident.Cancelled, "the plan was stopped")
	}
	if r.finished != nil {
		return stop(r.finished.Outcome, r.finished.Text)
	}
	for i, planned := range r.plan.Steps {
		s := r.steps[planned.ID]
		if !r.chosen(s.step.ID) || s.step.Blocked != "" {
			continue
		}
		if c, more := r.step(i, s); more {
			return c
		}
	}
	return r.end()
}

// settle is the first intent without a result, or with one that nobody can tell.
func (r *Run) settle() (Command, bool) {
	for _, planned := range r.plan.Steps {
		s := r.steps[planned.ID]
		for _, undo := range []bool{false, true} {
			c := s.course(undo)
			switch {
			case c.unknown():
				return Command{Kind: Settle, Step: s.step.ID, Attempt: c.attempts, Undo: undo}, true
			case c.lost():
				return stop(incident.NeedsPerson, fmt.Sprintf("step %s: nobody can tell whether it happened (%s): look, and then `quell reconcile %s --happened yes|no`",
					s.step.ID, c.result.Text, s.step.ID)), true
			}
		}
	}
	return Command{}, false
}

// askedBack is a step that somebody wants taken back.
func (r *Run) askedBack() (Command, bool) {
	for _, planned := range r.plan.Steps {
		s := r.steps[planned.ID]
		if s.undoAsked == nil || s.undone() || !s.inverse() {
			continue
		}
		return r.takeBack(s)
	}
	return Command{}, false
}

func (r *Run) takeBack(s *progress) (Command, bool) {
	if s.held != nil && s.held.Undo {
		return stop(incident.NeedsPerson, fmt.Sprintf("step %s was not taken back: %s", s.step.ID, s.held.Text)), true
	}
	at, ok := s.undo.again()
	if !ok {
		return stop(incident.NeedsPerson, fmt.Sprintf("step %s could not be taken back: %s", s.step.ID, s.undo.result.Text)), true
	}
	anyway := s.undoAsked != nil && s.undoAsked.Anyway
	return Command{Kind: Act, Step: s.step.ID, Undo: true, Anyway: anyway, Attempt: s.undo.attempts + 1, At: at}, true
}

// step says what a step needs next; more is false where it needs nothing and
// the next step has its turn.
func (r *Run) step(i int, s *progress) (c Command, more bool) {
	if s.undone() {
		return Command{}, false
	}
	if at, ok := s.act.again(); ok {
		return r.begin(i, s, at)
	}
	if !s.act.made() || r.goesOn(i) {
		return Command{}, false // known not to have happened, or verified with what follows
	}
	if s.judged == nil {
		return r.verify(i, s)
	}
	switch s.judged.Verdict {
	case verification.Better:
		return stop(incident.Recovered, fmt.Sprintf("step %s helped: %s", s.step.ID, s.judged.Why)), true
	case verification.CannotTell:
		return stop(incident.NeedsPerson, fmt.Sprintf("nobody can tell whether step %s helped: %s: look, and then `quell verify %s --say better|worse`, or apply again to measure again",
			s.step.ID, s.judged.Why, s.step.ID)), true
	}
	return r.takeBackGroup(i)
}

// goesOn reports whether what step i began is still to go on with the step after
// it: they are one remedy, which is verified as a whole. Where that step is held
// back, left out or could not be done, this one is the last.
func (r *Run) goesOn(i int) bool {
	if !r.plan.Steps[i].Continues || i+1 >= len(r.plan.Steps) {
		return false
	}
	next := r.steps[r.plan.Steps[i+1].ID]
	switch {
	case next.act.made():
		return true
	case !r.chosen(next.step.ID), next.step.Blocked != "", next.held != nil && !next.held.Undo:
		return r.goesOn(i + 1)
	}
	_, ahead := next.act.again()
	return ahead || r.goesOn(i+1)
}

// begin starts step i, or says what holds it.
func (r *Run) begin(i int, s *progress, at time.Time) (Command, bool) {
	if s.held == nil || s.held.Undo || s.held.Reason == incident.HeldWell && r.provenIll(i) {
		return Command{Kind: Act, Step: s.step.ID, Attempt: s.act.attempts + 1, At: at}, true
	}
	switch s.held.Reason {
	case incident.HeldMoot:
		return Command{}, false
	case incident.HeldWell:
		if r.watchesMore(i) {
			return Command{}, false
		}
		return stop(incident.Subsided, s.held.Text), true
	case incident.HeldStale, incident.HeldRefused, incident.HeldBlind:
		return stop(incident.NeedsPerson, fmt.Sprintf("step %s was not begun: %s", s.step.ID, s.held.Text)), true
	}
	return stop(incident.Waiting, fmt.Sprintf("step %s waits: %s", s.step.ID, s.held.Text)), true
}

// watchesMore reports whether a later step that may still be begun is for
// something that step i is not for: that what i is for has gone by itself says
// nothing of that.
func (r *Run) watchesMore(i int) bool {
	watched := map[string]bool{}
	for _, w := range r.plan.Steps[i].Watch {
		watched[w.ID] = true
	}
	for _, later := range r.plan.Steps[i+1:] {
		s := r.steps[later.ID]
		if _, ahead := s.act.again(); !ahead || !r.chosen(later.ID) || later.Blocked != "" || s.undone() {
			continue
		}
		if slices.ContainsFunc(later.Watch, func(w plan.Watched) bool { return !watched[w.ID] }) {
			return true
		}
	}
	return false
}

// provenIll reports whether the beginning of the same remedy was judged, and not
// for the better: that all seemed well before step i is no longer so.
func (r *Run) provenIll(i int) bool {
	if i == 0 || !r.plan.Steps[i-1].Continues {
		return false
	}
	j := r.steps[r.plan.Steps[i-1].ID].judged
	return j != nil && j.Verdict != verification.Better
}

// before is how the world was before the remedy that step i ends.
func (r *Run) before(i int) *verification.Sample {
	sample := r.steps[r.plan.Steps[i].ID].before
	for i--; i >= 0 && r.plan.Steps[i].Continues; i-- {
		if s := r.steps[r.plan.Steps[i].ID]; s.act.made() && s.before != nil {
			sample = s.before
		}
	}
	return sample
}

// verify measures until there is a verdict.
func (r *Run) verify(i int, s *progress) (Command, bool) {
	schedule := verification.Schedule{From: s.from, Within: s.step.Within, Settle: s.step.Settle}
	j := verification.Judge(r.before(i), s.after, schedule)
	if j.Verdict == verification.Pending {
		return Command{Kind: Measure, Step: s.step.ID, At: schedule.Next(s.after)}, true
	}
	return Command{Kind: Judge, Step: s.step.ID, Judgement: j}, true
}

// takeBackGroup undoes what did not help, the last step of a remedy first. A
// fix whose own check holds stays: it removes a cause, if not this one.
func (r *Run) takeBackGroup(last int) (Command, bool) {
	for i := last; i >= 0; i-- {
		s := r.steps[r.plan.Steps[i].ID]
		if i < last && !s.step.Continues {
			break
		}
		if !s.act.made() || !s.inverse() || s.undone() || keeps(s) {
			continue
		}
		return r.takeBack(s)
	}
	return Command{}, false
}

func keeps(s *progress) bool {
	if s.step.Kind != playbook.Fix || len(s.after) == 0 {
		return false
	}
	return s.after[len(s.after)-1].Check == verification.Yes
}

// end is what is said when no step has anything left to do.
func (r *Run) end() Command {
	done, back, failed, well := 0, 0, "", ""
	for _, planned := range r.plan.Steps {
		s := r.steps[planned.ID]
		switch {
		case s.undone():
			back++
		case s.act.made():
			done++
		case s.act.result != nil:
			failed = fmt.Sprintf("; step %s was not done: %s", planned.ID, s.act.result.Text)
		case s.held != nil && s.held.Reason == incident.HeldWell:
			well = s.held.Text
		}
	}
	switch {
	case done == 0 && back == 0 && failed == "" && well != "":
		return stop(incident.Subsided, well)
	case done == 0 && back == 0 && failed == "":
		return stop(incident.NotHelped, "there was nothing that could be applied")
	case done == 0 && back > 0:
		return stop(incident.NotHelped, fmt.Sprintf("all that was applied (%s) is taken back: `quell plan %s` looks again%s", steps(back), r.plan.Incident, failed))
	case done == 0:
		return stop(incident.NotHelped, "nothing was done"+failed)
	}
	return stop(incident.NotHelped, fmt.Sprintf("%s of %d applied, and it is not better: `quell plan %s` looks again%s", steps(done), len(r.plan.Steps), r.plan.Incident, failed))
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

func stop(o incident.Outcome, text string) Command {
	return Command{Kind: Stop, Outcome: o, Text: text}
}

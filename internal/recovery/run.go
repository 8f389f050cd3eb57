package recovery

import (
	"slices"
	"time"

	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/verification"
)

// Run is a plan with what happened to it: the fold of the events. Adding an
// event costs the same however many there were.
type Run struct {
	plan      plan.Plan
	steps     map[string]*progress
	only      []string // steps asked for by name; empty: all
	cancelled bool
	finished  *incident.Finished
}

// progress is what happened to one step.
type progress struct {
	step      plan.Step
	approvals []approval.Envelope
	act, undo course
	undoAsked *incident.UndoAsked
	held      *incident.Held
	before    *verification.Sample
	after     []verification.Sample
	from      time.Time // when the samples begin
	judged    *verification.Judgement
}

// course is the attempts at one thing: a step, or its undo.
type course struct {
	attempts int
	base     int // attempts of earlier runs
	intent   *incident.Intent
	intended time.Time
	result   *incident.Result // of the latest intent; nil: not known
	at       time.Time        // of the result
}

// NewRun is a plan to which nothing has happened.
func NewRun(p plan.Plan) *Run {
	r := &Run{plan: p, steps: make(map[string]*progress, len(p.Steps))}
	for _, s := range p.Steps {
		r.steps[s.ID] = &progress{step: s}
	}
	return r
}

// Add folds one event in. Events of other plans are passed over. It fails only
// on data that cannot be read.
func (r *Run) Add(e incident.Event) error {
	s := r.steps[e.Step]
	if e.Step != "" && s == nil {
		return nil
	}
	switch e.Kind {
	case incident.KindStarted:
		return r.started(e)
	case incident.KindFinished:
		f, err := incident.Read[incident.Finished](e)
		if err == nil && f.Plan == r.plan.ID {
			r.finished = &f
		}
		return err
	case incident.KindCancelled:
		n, err := incident.Read[incident.Note](e)
		if err == nil && n.Plan == r.plan.ID {
			r.cancelled, r.finished = true, nil
		}
		return err
	}
	if s == nil {
		return nil
	}
	return r.ofStep(s, e)
}

// started begins a new run: what held a step may have gone, and what could not
// be told is measured again.
func (r *Run) started(e incident.Event) error {
	started, err := incident.Read[incident.Started](e)
	if err != nil || started.Plan != r.plan.ID {
		return err
	}
	r.only, r.cancelled, r.finished = started.Steps, false, nil
	for _, s := range r.steps {
		s.held = nil
		s.act.reset()
		if s.judged != nil && s.judged.Verdict == verification.CannotTell {
			s.judged, s.after, s.from = nil, nil, e.At
		}
	}
	return nil
}

func (r *Run) ofStep(s *progress, e incident.Event) error {
	switch e.Kind {
	case incident.KindApproved:
		return add(e, func(v approval.Envelope) { s.approvals = append(s.approvals, v) })
	case incident.KindHeld:
		return add(e, func(v incident.Held) { s.held = &v })
	case incident.KindUndoAsked:
		return add(e, func(v incident.UndoAsked) {
			s.undoAsked, s.held = &v, nil
			s.undo.reset()
		})
	case incident.KindIntent:
		return add(e, func(v incident.Intent) { s.course(v.Undo).intend(v, e.At); s.held = nil })
	case incident.KindResult:
		return add(e, func(v incident.Result) { s.result(v, e.At) })
	case incident.KindMeasured:
		return add(e, func(v incident.Measured) { s.measured(v) })
	case incident.KindJudged:
		return add(e, func(v incident.Judged) { s.judged = &v.Judgement; r.finished = nil })
	}
	return nil
}

func add[T any](e incident.Event, to func(T)) error {
	v, err := incident.Read[T](e)
	if err == nil {
		to(v)
	}
	return err
}

func (s *progress) course(undo bool) *course {
	if undo {
		return &s.undo
	}
	return &s.act
}

func (c *course) intend(i incident.Intent, at time.Time) {
	c.attempts, c.intent, c.intended, c.result = i.Attempt, &i, at, nil
}

func (s *progress) result(v incident.Result, at time.Time) {
	c := s.course(v.Undo)
	if c.intent == nil || v.Attempt != c.attempts {
		return // of an earlier attempt: nothing rests on it any more
	}
	c.result, c.at = &v, at
	if !v.Undo {
		s.from = at
	}
}

func (s *progress) measured(m incident.Measured) {
	if m.Before {
		s.before = &m.Sample
		return
	}
	s.after = append(s.after, m.Sample)
}

// chosen reports whether the run is about a step.
func (r *Run) chosen(id string) bool { return len(r.only) == 0 || slices.Contains(r.only, id) }

// Open returns the step whose intent has no result, which may have happened or
// not, with its intent; ok is false where there is none.
func (r *Run) Open() (step plan.Step, intent incident.Intent, ok bool) {
	for _, planned := range r.plan.Steps {
		s := r.steps[planned.ID]
		for _, c := range []*course{&s.act, &s.undo} {
			if c.unknown() {
				return s.step, *c.intent, true
			}
		}
	}
	return plan.Step{}, incident.Intent{}, false
}

// Unknown returns the step of which nobody knows whether it happened, because
// its intent has no result or one that could not be told, with that intent.
func (r *Run) Unknown() (step plan.Step, intent incident.Intent, ok bool) {
	for _, planned := range r.plan.Steps {
		s := r.steps[planned.ID]
		for _, c := range []*course{&s.act, &s.undo} {
			if c.unknown() || c.lost() {
				return s.step, *c.intent, true
			}
		}
	}
	return plan.Step{}, incident.Intent{}, false
}

// Unsettled is the id of that step; "" where all is known.
func (r *Run) Unsettled() string {
	step, _, _ := r.Unknown()
	return step.ID
}

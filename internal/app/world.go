package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/run"
	"github.com/quellhq/quell/internal/verification"
)

// world is the session's open targets, as the executor sees them.
type world struct {
	session *Session
	since   time.Duration // how far back a diagnosis looked
	usual   time.Time     // when it was made; zero: see run.Investigation
}

// Doer returns what does a type of action on a target.
func (w world) Doer(target, name string) (action.Doer, error) {
	opened, ok := w.session.open[target]
	if !ok {
		for _, u := range w.session.Unopened {
			if u.Name == target {
				return nil, u.Err
			}
		}
		return nil, fmt.Errorf("there is no target %q in quell.yaml any more", target)
	}
	changer, ok := opened.(action.Changer)
	if !ok {
		return nil, fmt.Errorf("target %s (%s) can be asked, and not be changed", target, w.session.targets[target].Kind)
	}
	doer, ok := changer.Doer(name)
	if !ok {
		return nil, fmt.Errorf("target %s (%s) does not know %s", target, w.session.targets[target].Kind, name)
	}
	return outsideDoer(doer), nil
}

// ask puts the questions of some playbooks about some services again, those of
// verifications and checklists included.
func (w world) ask(ctx context.Context, playbooks, services []string) run.Result {
	var books []*playbook.Playbook
	for _, id := range slices.Compact(slices.Sorted(slices.Values(playbooks))) {
		if p := w.session.library.Book.Playbook(id); p != nil {
			books = append(books, p)
		}
	}
	var about []run.Service
	for _, s := range w.session.services {
		if slices.Contains(services, s.Facts.Name) {
			about = append(about, s)
		}
	}
	return run.Investigation{
		Playbooks: books, Services: about, Targets: w.session.targets, Since: w.since, Redact: w.session.redact, Afterwards: true, Timeline: true, Usual: w.usual,
		Params: func(p *playbook.Playbook) map[string]any { return w.session.values[p.ID] },
	}.Ask(ctx)
}

// Sample asks again whether a step's check holds, and what people feel. changed is
// when the change was made; zero: it was not made yet.
func (w world) Sample(ctx context.Context, s plan.Step, changed time.Time) verification.Sample {
	playbooks := []string{s.Playbook}
	for _, watched := range s.Watch {
		playbooks = append(playbooks, playbookOf(watched.ID))
	}
	result := w.ask(ctx, playbooks, s.Services)
	sample := verification.Sample{Check: verification.None}
	if s.Verify != "" {
		sample.Check, sample.CheckWhy = w.check(result, s, changed)
	}
	subjects := slices.Clone(result.Subjects)
	for i := range subjects {
		subjects[i] = *subjects[i].Changed(changed, verification.Counts(changed, result.At), result.At)
	}
	d := diagnosis.Diagnose(diagnosis.Input{Subjects: subjects, At: result.At})
	sample.Felt, sample.FeltWhy, sample.Level = verification.Felt(d, s.Services, s.Watch)
	return sample
}

// Verifiable says why a step's own expression cannot be asked any more.
func (w world) Verifiable(s plan.Step) error {
	if s.Verify == "" {
		return nil
	}
	_, err := w.expression(s)
	return err
}

// expression is a step's own, as its playbook has it.
func (w world) expression(s plan.Step) (*expr.Program, error) {
	book := w.session.library.Book.Playbook(s.Playbook)
	if book == nil {
		return nil, fmt.Errorf("the playbook %s is not there any more", s.Playbook)
	}
	_, remedy := book.Remedy(s.Remedy)
	if remedy == nil || remedy.Verify == nil || remedy.Verify.Program.Source() != s.Verify {
		return nil, fmt.Errorf("the playbook %s has changed since the plan was made", s.Playbook)
	}
	return remedy.Verify.Program, nil
}

// check evaluates a step's own expression.
func (w world) check(result run.Result, s plan.Step, changed time.Time) (verification.Truth, string) {
	program, err := w.expression(s)
	if err != nil {
		return verification.Unknown, err.Error()
	}
	for i := range result.Subjects {
		subject := &result.Subjects[i]
		if subject.Playbook.ID != s.Playbook || !slices.Contains(s.Services, subject.Service) || !maps.Equal(subject.Targets, s.Bound) {
			continue
		}
		return truth(subject.After(verification.Counts(changed, result.At)), program, result.At)
	}
	return verification.Unknown, fmt.Sprintf("nothing answers for %s as it did when the plan was made", s.Playbook)
}

// truth evaluates an expression, and says what was seen.
func truth(s *diagnosis.Subject, p *expr.Program, at time.Time) (verification.Truth, string) {
	switch t, why := s.Test(p, at); t {
	case expr.True:
		return verification.Yes, "`" + p.Source() + "` holds"
	case expr.False:
		return verification.No, "`" + p.Source() + "` does not hold"
	default:
		return verification.Unknown, why
	}
}

// playbookOf is the playbook of a condition's id.
func playbookOf(condition string) string {
	id, _, _ := strings.Cut(condition, "#")
	return id
}

// Capture asks the questions whose answers a step destroys.
func (w world) Capture(ctx context.Context, s plan.Step) []evidence.Evidence {
	target, ok := w.session.targets[s.Target]
	if !ok {
		return nil
	}
	var out []evidence.Evidence
	for _, name := range s.Captures {
		spec, known := specOf(target.Probes, name)
		if !known {
			continue
		}
		out = append(out, run.Investigation{Targets: w.session.targets, Redact: w.session.redact, Since: w.since}.One(ctx, target, spec))
	}
	return out
}

func specOf(specs []probe.Spec, name string) (probe.Spec, bool) {
	for _, s := range specs {
		if s.Name == name {
			return s, true
		}
	}
	return probe.Spec{}, false
}

// looksBack is how far back the questions that a condition rests on look: the
// longest range or since among them.
func (s *Session) looksBack(condition string, since time.Duration) time.Duration {
	book := s.library.Book.Playbook(playbookOf(condition))
	if book == nil {
		return 0
	}
	read := map[string]bool{}
	for _, c := range book.Conditions {
		for _, sign := range c.Signs {
			for _, name := range sign.Reads {
				read[name] = read[name] || c.ID == condition
			}
		}
	}
	var longest time.Duration
	for _, p := range book.Probes {
		if !read[p.Name] {
			continue
		}
		for _, option := range []string{"range", "since"} {
			if d, err := expr.ParseDuration(p.Options[option]); err == nil {
				longest = max(longest, min(d, since))
			}
		}
	}
	return longest
}

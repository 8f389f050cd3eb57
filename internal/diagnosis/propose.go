package diagnosis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// propose fills the holes of a root's remedies from the evidence. Mitigations
// come before fixes: service first, then the cause.
func (f *Finding) propose(at time.Time) {
	for _, kind := range []playbook.RemedyKind{playbook.Mitigate, playbook.Fix} {
		for _, r := range f.condition.Remedies {
			if r.Kind == kind {
				f.Proposals = append(f.Proposals, f.proposals(r, at)...)
			}
		}
	}
}

// proposals are one remedy on each set of targets that it could act on, and is
// for: a service of two processes has two to restart. Where none is bound it is
// proposed all the same, for people, if it says anything to them.
func (f *Finding) proposals(r playbook.Remedy, at time.Time) []Proposal {
	var out []Proposal
	for _, s := range append([]*Subject{f.subject}, f.others...) {
		if !s.mayTake(r, at) {
			continue
		}
		p := s.Propose(r, at)
		switch {
		case len(out) == 0:
			out = []Proposal{p}
		case slices.ContainsFunc(out, p.sameTargets) || !p.bound():
		case out[0].bound():
			out = append(out, p)
		default:
			out = []Proposal{p}
		}
	}
	if len(out) > 0 && len(out[0].Actions) > 0 && !out[0].bound() && out[0].Text == "" && len(out[0].Checklist) == 0 {
		return nil
	}
	return out
}

// mayTake reports whether what the remedy is only for holds, or cannot be seen.
func (s *Subject) mayTake(r playbook.Remedy, at time.Time) bool {
	if r.Only == nil {
		return true
	}
	truth, _ := s.Test(r.Only, at)
	return truth != expr.False
}

func (p Proposal) sameTargets(q Proposal) bool {
	return slices.EqualFunc(p.Actions, q.Actions, func(a, b ProposedAction) bool { return a.Target == b.Target })
}

// bound reports whether each of its actions has a target.
func (p Proposal) bound() bool {
	return !slices.ContainsFunc(p.Actions, func(a ProposedAction) bool { return a.Target == "" })
}

// Propose fills the holes of one remedy of the subject's playbook from what the
// subject has seen, whether anything speaks for its cause or not.
func (s *Subject) Propose(r playbook.Remedy, at time.Time) Proposal { return s.proposal(r, s.vars(at)) }

func (s *Subject) proposal(r playbook.Remedy, vars expr.Vars) Proposal {
	p := Proposal{Playbook: s.Playbook.ID, Remedy: r.Anchor, Bound: s.Targets, Kind: r.Kind, Title: r.Title, Text: strings.TrimSpace(r.Prose.Text(vars))}
	for _, task := range r.Checklist {
		p.Checklist = append(p.Checklist, task.Sentence(vars))
	}
	for _, a := range r.Actions {
		act := ProposedAction{Type: a.Type, Target: s.Targets[a.Role], Args: map[string]any{}}
		for _, arg := range a.Args {
			v, err := arg.Value.Value(vars)
			if err != nil {
				act.Missing = arg.Name + ": " + lacking(err)
				continue
			}
			act.Args[arg.Name] = plainArg(v)
		}
		if act.Target == "" && a.Role != "" {
			act.Missing = s.unbound(a.Role)
		}
		p.Actions = append(p.Actions, act)
	}
	if r.Verify != nil {
		p.Verify = r.Verify.Program.Source()
		p.Within = expr.FormatDuration(r.Verify.For(s.Params))
	}
	return p
}

// lacking is why an argument has no value, in words: its expression stands in the
// playbook.
func lacking(err error) string {
	var u *expr.Unknown
	if errors.As(err, &u) {
		return u.Reason
	}
	return err.Error()
}

// unbound says that a role has no target, and what would fill it.
func (s *Subject) unbound(role string) string {
	for _, need := range s.Playbook.Needs {
		if need.Role == role {
			hint := ""
			if need.Kind == "process" {
				hint = "; where there are several, `processes` tells which are the service itself, and `process` on a database which one is its server"
			}
			return fmt.Sprintf("no target is bound to @%s: add one of kind %s to quell.yaml, and name it in %s%s", role, need.Kind, s.Service, hint)
		}
	}
	return "no target is bound to @" + role
}

// plainArg writes a duration the way playbooks do; other values are plain already.
func plainArg(v any) any {
	if d, ok := v.(time.Duration); ok {
		return expr.FormatDuration(d)
	}
	return v
}

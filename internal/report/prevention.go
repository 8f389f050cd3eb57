package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/verification"
)

// ActionItem is something to be done so that it does not happen again, or so
// that this one ends. Who does it, and by when, is left to people; how one will
// know that it is done is not.
type ActionItem struct {
	Kind  string // finish, fix, see
	Title string
	Text  string
	Do    string   // the grant or command that does it, where it is known
	Items []string // a checklist
	Test  string   // in words, how to know that it is done
	Code  string   // the expression or command of the test
}

// The kinds of action items, what presses most first.
const (
	itemFinish = "finish" // this incident is not over without it
	itemFix    = "fix"    // removes the cause
	itemSee    = "see"    // makes the next diagnosis see more
	itemKeep   = "keep"   // makes what was learnt stay
)

// actions are what the record itself says is left to do.
func (t *teller) actions() []ActionItem {
	out := t.toFinish()
	out = append(out, t.toFix()...)
	out = append(out, t.toSee()...)
	if t.round != nil && len(t.diagnosis().Roots) > 0 {
		out = append(out, ActionItem{
			Kind: itemKeep, Title: "keep this incident as a case of its playbook",
			Test: "it passes with the other cases", Code: "quell incident case " + t.incident.ID + " && quell test",
		})
	}
	return out
}

func (t *teller) toFinish() []ActionItem {
	var out []ActionItem
	for _, p := range t.incident.Unknown() {
		out = append(out, ActionItem{
			Kind: itemFinish, Title: fmt.Sprintf("find out whether step %s happened", p.Step.ID), Do: actionText(p.Step.Change, p.Step.Target),
			Test: "the step is settled", Code: "quell reconcile " + p.Step.ID,
		})
	}
	for _, m := range t.incident.Temporary() {
		out = append(out, ActionItem{
			Kind: itemFinish, Title: fmt.Sprintf("take step %s back: %s", m.Step, m.Title),
			Text: fmt.Sprintf("It stands on %s only until %s.", m.Target, t.clock(m.Ends)),
			Test: "it is undone", Code: "quell undo " + m.Step,
		})
	}
	for _, c := range t.incident.Checklist {
		if c.Truth == verification.Yes {
			continue
		}
		item := ActionItem{Kind: itemFinish, Title: c.Text, Test: "the item of the resolution checklist holds", Code: "quell incident check " + t.incident.ID}
		if !c.Due.IsZero() {
			item.Text = fmt.Sprintf("It can be answered from %s.", t.clock(c.Due))
		}
		out = append(out, item)
	}
	return out
}

// toFix are the fixes of the roots: those of the plan that were not verified,
// its tasks, and what a diagnosis without a plan proposes.
func (t *teller) toFix() []ActionItem {
	var out []ActionItem
	done := map[string]bool{}
	plan := t.incident.Plan()
	if plan != nil {
		for _, p := range plan.Steps {
			if p.Standing == incident.StepHelped {
				done[p.Step.Root+p.Step.Title] = true
			}
		}
		for _, task := range plan.Plan.Tasks {
			item := t.tested(ActionItem{Kind: itemFix, Title: task.Title, Text: task.Text, Items: task.Items}, task.Root, task.Title)
			if task.Why != "" {
				item.Text = strings.TrimSpace(item.Text + " (No step of a plan: " + task.Why + ".)")
			}
			done[task.Root+task.Title] = true
			out = append(out, item)
		}
	}
	for _, r := range t.diagnosis().Roots {
		for _, p := range r.Proposals {
			if p.Kind != playbook.Fix || done[r.ID+p.Title] {
				continue
			}
			item := ActionItem{Kind: itemFix, Title: p.Title, Text: p.Text, Items: p.Checklist}
			for _, a := range p.Actions {
				item.Items = append(item.Items, proposed(a))
			}
			out = append(out, t.tested(item, r.ID, p.Title))
		}
	}
	return out
}

// tested gives a fix its test: the one that its remedy has, or else that the
// strongest sign of the cause is not seen any more.
func (t *teller) tested(item ActionItem, root, title string) ActionItem {
	f := t.finding(root)
	if f == nil {
		item.Test = "not stated: write down how you will know"
		return item
	}
	n := slices.IndexFunc(f.Proposals, func(p diagnosis.Proposal) bool { return p.Title == title && p.Verify != "" })
	if n >= 0 {
		item.Test, item.Code = fmt.Sprintf("within %s this holds", f.Proposals[n].Within), f.Proposals[n].Verify
		return item
	}
	for _, s := range byPull(f.Signs) {
		if truth(s.Truth) && s.Pull > 0 {
			item.Test, item.Code = fmt.Sprintf("under the same load this sign of %q is false", f.Title), s.Sign
			return item
		}
	}
	item.Test, item.Code = fmt.Sprintf("the next diagnosis does not find %q", f.Title), "quell diagnose"
	return item
}

// mostToSee is how many blind spots become action items; the report lists all.
const mostToSee = 5

// toSee is what has to be opened to be seen next time.
func (t *teller) toSee() []ActionItem {
	var out []ActionItem
	for _, s := range t.diagnosis().BlindSpots {
		if s.Target == "" || s.Hint == "" || len(out) == mostToSee {
			continue
		}
		out = append(out, ActionItem{
			Kind: itemSee, Title: fmt.Sprintf("let %s be seen on %s", list(s.Probes), s.Target), Do: s.Hint,
			Test: fmt.Sprintf("%s answers instead of %q", list(s.Probes), s.Status), Code: "quell doctor",
		})
	}
	return out
}

package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/playbook"
)

// Found puts what the world shows into a step: its preview, or why there is
// none. A preview raises the risk, and narrows how it is undone.
func (s Step) Found(p action.Preview, err error) Step {
	if err != nil {
		s.Blocked = err.Error()
		var refusal *action.Refusal
		s.Undeclared = errors.As(err, &refusal) && refusal.Undeclared
		return s
	}
	s.Preview = p
	s.Risk = s.Risk.Worse(p.Risk)
	if p.Undo != "" {
		s.Undo = p.Undo
	}
	if p.Destroys != "" {
		s.Destroys = p.Destroys
	}
	if p.Already {
		s.Blocked = "there is nothing to do: " + p.Summary
	}
	return s
}

// Numbered gives a plan's steps their ids.
func Numbered(plan string, steps []Step) []Step {
	out := make([]Step, len(steps))
	for i, s := range steps {
		s.ID = fmt.Sprintf("%s.%d", plan, i+1)
		out[i] = s
	}
	return out
}

// Declared leaves out the steps that the operator has declared nothing for, and
// makes tasks of them. Where the same remedy can be applied on another target,
// nothing need be said.
func Declared(steps []Step, tasks []Task, notes []string) ([]Step, []Task, []string) {
	var kept []Step
	for _, s := range steps {
		if !s.Undeclared {
			kept = append(kept, s)
		}
	}
	for _, s := range steps {
		same := func(k Step) bool { return k.Root == s.Root && k.Remedy == s.Remedy && k.Change.Type == s.Change.Type }
		if !s.Undeclared || slices.ContainsFunc(kept, same) {
			continue
		}
		why := fmt.Sprintf("%s on %s: %s", s.Change.Type, s.Target, s.Blocked)
		notes = append(notes, fmt.Sprintf("%s: not in the plan: %s", s.Title, why))
		at := slices.IndexFunc(tasks, func(t Task) bool { return t.Root == s.Root && t.Title == s.Title && t.Kind == s.Kind })
		if at < 0 {
			at = slices.IndexFunc(tasks, func(t Task) bool { return t.Kind != playbook.Mitigate })
			if at < 0 || s.Kind != playbook.Mitigate {
				at = len(tasks)
			}
			tasks = slices.Insert(tasks, at, Task{Kind: s.Kind, Root: s.Root, Title: s.Title, Text: s.Text})
		}
		tasks[at].Why = why
	}
	endRemedies(kept)
	return kept, tasks, notes
}

// endRemedies makes the last step that is left of each remedy the one after
// which it is verified.
func endRemedies(steps []Step) {
	for i := range steps {
		if steps[i].Continues && (i == len(steps)-1 || steps[i+1].Remedy != steps[i].Remedy || steps[i+1].Root != steps[i].Root) {
			steps[i].Continues = false
		}
	}
}

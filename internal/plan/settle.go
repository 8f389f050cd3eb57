package plan

import (
	"fmt"

	"github.com/quellhq/quell/internal/action"
)

// Found puts what the world shows into a step: its preview, or why there is
// none. A preview raises the risk, and narrows how it is undone.
func (s Step) Found(p action.Preview, err error) Step {
	if err != nil {
		s.Blocked = err.Error()
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

package diagnosis

import (
	"slices"

	"github.com/quellhq/quell/internal/playbook"
)

// once leaves out the roots that say again what a likelier one says. A service
// with five processes has five subjects for a playbook that looks at a process
// beside a queue: the queue is the same one, and so is the cause. What is kept
// is the one that knows most; another one stays if anything that speaks for it
// was read from a target of its own and is no weak sign: that a process is down
// tells nothing of the queue that it takes jobs from.
func once(list []*Finding) []*Finding {
	byProbability(list)
	var out []*Finding
	for _, f := range list {
		if !slices.ContainsFunc(out, f.saysNoMoreThan) {
			out = append(out, f)
		}
	}
	return out
}

// saysNoMoreThan reports that g is the same condition of the same services, and
// that what speaks for f was read where g read it, weak signs apart.
func (f *Finding) saysNoMoreThan(g *Finding) bool {
	if f.ID != g.ID || !slices.Equal(f.Services, g.Services) {
		return false
	}
	for _, s := range f.Signs {
		if s.Truth != "true" || s.Weight == playbook.Weak || s.Weight == playbook.Against || s.Weight == playbook.RulesOut {
			continue
		}
		for _, probe := range s.reads {
			if f.subject.Evidence[probe].Target != g.subject.Evidence[probe].Target {
				return false
			}
		}
	}
	return true
}

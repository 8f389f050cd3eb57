package app

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// examineWithin bounds the doctor's look at one target.
const examineWithin = 10 * time.Second

// Examined is what the doctor says of one target.
type Examined struct {
	Target string            `json:"target"`
	Kind   string            `json:"kind"`
	Checks []connector.Check `json:"checks"`
}

// Usable reports whether everything that the target needs is there.
func (e Examined) Usable() bool {
	for _, c := range e.Checks {
		if c.Needed && !c.OK {
			return false
		}
	}
	return true
}

// Examine asks every target what it may see, at once. Targets are listed in
// the order of their names; those that could not be opened and playbooks that
// do not load come last.
func (s *Session) Examine(ctx context.Context) []Examined {
	return append(s.examineTargets(ctx), s.unusable()...)
}

// unusable is what is written down and cannot be used, each with the reason.
func (s *Session) unusable() []Examined {
	var out []Examined
	for _, u := range s.Unopened {
		out = append(out, Examined{Target: u.Name, Kind: u.Kind, Checks: []connector.Check{
			{Name: "opened", Detail: u.Err.Error(), Needed: true},
		}})
	}
	if len(s.library.Broken) == 0 {
		return out
	}
	broken := Examined{Target: "your playbooks", Kind: "left out", Checks: []connector.Check{}}
	for _, f := range s.library.Broken {
		broken.Checks = append(broken.Checks, connector.Check{Name: "loaded", Detail: f.String(), Needed: true})
	}
	return append(out, broken)
}

func (s *Session) examineTargets(ctx context.Context) []Examined {
	var names []string
	for name := range s.open {
		names = append(names, name)
	}
	sort.Strings(names)
	out := make([]Examined, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		out[i] = Examined{Target: name, Kind: s.targets[name].Kind, Checks: []connector.Check{}}
		examiner, ok := s.open[name].(connector.Examiner)
		if !ok {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			within, cancel := context.WithTimeout(ctx, examineWithin)
			defer cancel()
			for _, c := range examiner.Examine(within) {
				c.Detail, c.Fix = s.redact.Text(c.Detail), s.redact.Text(c.Fix)
				out[i].Checks = append(out[i].Checks, c)
			}
		}()
	}
	wg.Wait()
	return out
}

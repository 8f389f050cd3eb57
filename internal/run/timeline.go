package run

import (
	"slices"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// planTimeline adds the questions for changes that nobody's playbook needs to
// ask: one for each target of a service that knows of any.
func (i Investigation) planTimeline(p *plan) {
	if !i.Timeline {
		return
	}
	for _, s := range i.Services {
		for _, name := range s.Targets {
			target, ok := i.Targets[name]
			if !ok {
				continue
			}
			for _, spec := range target.Probes {
				if !spec.Timeline {
					continue
				}
				args, err := (&playbook.Probe{Name: spec.Name}).Arguments(spec, nil)
				if err != nil {
					continue // it has an argument without a default: only a playbook can ask it
				}
				a := &asking{target: target, shown: spec.Name, question: probe.Question{
					Name: spec.Name, Lang: "probe", Builtin: spec.Name, Args: args, Options: map[string]string{},
					Service: s.Facts, Now: i.Now, Since: i.Since,
				}}
				if spec.OfService {
					a.service = s.Facts.Name
				}
				if key := a.key(); p.byKey[key] == nil {
					p.byKey[key] = a
					p.order = append(p.order, a)
				}
			}
		}
	}
}

// logs are what the answers say of changes, for each service.
func (i Investigation) logs(p *plan) map[string]change.Log {
	out := map[string]change.Log{}
	for _, s := range i.Services {
		var log change.Log
		for _, a := range p.order {
			if a.question.Builtin == "" || !slices.Contains(s.Targets, a.target.Name) || a.service != "" && a.service != s.Facts.Name {
				continue
			}
			if spec, ok := a.target.spec(a.question.Builtin); ok {
				log.Add(spec, *a.result, i.Now)
			}
		}
		out[s.Facts.Name] = log.Sorted()
	}
	return out
}

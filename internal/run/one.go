package run

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// One puts a single built-in question with its default arguments to a target,
// with the limits of an investigation.
func (i Investigation) One(ctx context.Context, t Target, spec probe.Spec) evidence.Evidence {
	i = i.filled()
	args, err := (&playbook.Probe{Name: spec.Name}).Arguments(spec, nil)
	if err != nil {
		return evidence.Evidence{Answer: evidence.Not(evidence.NotAsked, err.Error(), ""), Probe: spec.Name, Question: spec.Name, Target: t.Name, At: i.Now}
	}
	return i.one(ctx, ctx, &asking{target: t, shown: spec.Name, question: probe.Question{
		Name: spec.Name, Lang: "probe", Builtin: spec.Name, Args: args, Options: map[string]string{}, Now: i.Now, Since: i.Since,
	}})
}

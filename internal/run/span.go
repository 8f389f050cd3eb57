package run

import (
	"maps"
	"time"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// usual is how far back an investigation looks where nobody says.
const usual = 30 * time.Minute

// longestBack is how much further a series may go back for the usual state: of
// an incident that is older nobody reads days at the step of minutes, and what
// rests on its usual state is unknown.
const longestBack = 6 * time.Hour

// options are those of a question with the window of this investigation.
func (i Investigation) options(q *playbook.Probe) map[string]string {
	out := within(q.Options, i.Since)
	span, err := expr.ParseDuration(out["range"])
	if i.Usual.IsZero() || err != nil || !i.Now.After(i.Usual) {
		return out
	}
	out = maps.Clone(out)
	out["range"] = expr.FormatDuration((span + min(i.Now.Sub(i.Usual), longestBack)).Round(time.Second))
	return out
}

// within shortens the window of a question to the look back of the
// investigation, where that is shorter than usual: whoever asks about the last
// minute (of a service that has just started, or of the demo) wants no
// half-hour series of which all but the end is empty. The step is left to the
// connector then, which takes one that fits. Windows are
// made longer only by options.
func within(options map[string]string, since time.Duration) map[string]string {
	if since >= usual {
		return options
	}
	out := make(map[string]string, len(options))
	cut := false
	for name, value := range options {
		out[name] = value
		if name != "range" && name != "since" {
			continue
		}
		if d, err := expr.ParseDuration(value); err == nil && d > since {
			out[name] = expr.FormatDuration(since)
			cut = true
		}
	}
	if cut {
		delete(out, "step")
	}
	return out
}

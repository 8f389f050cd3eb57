package loki

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
)

// aged marks lines that have ended while what wrote them goes on. Whether it does,
// the lines tell that are fetched for all questions of the moment.
func (t *Target) aged(ctx context.Context, q probe.Question, a evidence.Answer) evidence.Answer {
	lines := linesIn(a)
	always := func(evidence.Line, float64) bool { return true }
	if q.Options[logtext.OnceOption] == "true" || logtext.Ended(lines, q.Now, always) == 0 {
		return a
	}
	f, err := t.linesOf(ctx, q, leastReach)
	if err != nil {
		return a // nobody can tell
	}
	newest := map[string]float64{}
	for _, r := range f.records {
		writer := logtext.Writer(r.Stream.Labels)
		newest[writer] = max(newest[writer], float64(r.Time)/1e9)
	}
	a.Ended = logtext.Ended(lines, q.Now, func(l evidence.Line, after float64) bool { return newest[logtext.Writer(l.Labels)] > after })
	return a
}

// linesIn are the lines of an answer; none where it is of another kind.
func linesIn(a evidence.Answer) []evidence.Line {
	list, _ := a.Value.([]any)
	lines := make([]evidence.Line, 0, len(list))
	for _, item := range list {
		row, _ := item.(map[string]any)
		at, ok := row["at"].(float64)
		if !ok {
			return nil
		}
		labels := map[string]string{}
		named, _ := row["labels"].(map[string]any)
		for name, value := range named {
			if text, ok := value.(string); ok {
				labels[name] = text
			}
		}
		lines = append(lines, evidence.Line{T: at, Labels: labels})
	}
	return lines
}

package diagnosis

import (
	"maps"
	"time"

	"github.com/quellhq/quell/internal/probe"
)

// After is the subject with those lines of logs alone that were written after a
// moment; zero leaves all.
func (s *Subject) After(moment time.Time) *Subject {
	if moment.IsZero() {
		return s
	}
	return s.keepLines(func(lines []any) []any { return later(lines, moment) })
}

// enough is how many lines must have come before a change, and as many again be
// missing since, for their absence to mean that they have stopped. Where lines
// come at random, one silence of that length in e^5 = 148 is chance.
const enough = 5

// pace is how much of the time before a change the pace of its lines is taken from.
const pace = 5 * time.Minute

// Changed is the subject as it stands, at a moment, after a change of which from
// counts: lines that were written before from are left out of those logs that
// would have five lines since, at the pace that they had before the change. A log
// whose lines come more seldom is left as it is: that it has none yet says
// nothing. A zero changed leaves all.
func (s *Subject) Changed(changed, from, at time.Time) *Subject {
	if changed.IsZero() {
		return s
	}
	return s.keepLines(func(lines []any) []any {
		before, first := 0, seconds(changed)
		for _, l := range later(lines, changed.Add(-pace)) {
			if t := written(l); t <= seconds(changed) {
				before, first = before+1, min(first, t)
			}
		}
		if before < enough {
			return lines
		}
		perSecond := float64(before) / max(seconds(changed)-first, 1)
		if perSecond*at.Sub(from).Seconds() < enough {
			return lines
		}
		return later(lines, from)
	})
}

// keepLines is the subject with less lines in each answer from a log.
func (s *Subject) keepLines(keep func([]any) []any) *Subject {
	out := *s
	out.Evidence = maps.Clone(s.Evidence)
	for _, p := range s.Playbook.Probes {
		e, asked := out.Evidence[p.Name]
		lines, ok := e.Value.([]any)
		if p.Shape != probe.Lines || !asked || !ok {
			continue
		}
		e.Value = keep(lines)
		out.Evidence[p.Name] = e
	}
	return &out
}

// later are the lines that were written after a moment.
func later(lines []any, moment time.Time) []any {
	out := []any{}
	for _, l := range lines {
		if written(l) > seconds(moment) {
			out = append(out, l)
		}
	}
	return out
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// written is when a line was written, in seconds; a line without a time is of no
// moment.
func written(line any) float64 {
	l, _ := line.(map[string]any)
	switch n := l["at"].(type) {
	case float64:
		return n
	case int64:
		return float64(n)
	}
	return 0
}

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
	out := *s
	out.Evidence = maps.Clone(s.Evidence)
	from := float64(moment.UnixNano()) / 1e9
	for _, p := range s.Playbook.Probes {
		e, asked := out.Evidence[p.Name]
		lines, ok := e.Value.([]any)
		if p.Shape != probe.Lines || !asked || !ok {
			continue
		}
		later := []any{}
		for _, l := range lines {
			if line, ok := l.(map[string]any); ok && seconds(line["at"]) > from {
				later = append(later, l)
			}
		}
		e.Value = later
		out.Evidence[p.Name] = e
	}
	return &out
}

// seconds of a line's time; a line without one is of no moment.
func seconds(at any) float64 {
	switch n := at.(type) {
	case float64:
		return n
	case int64:
		return float64(n)
	}
	return 0
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/incident"
)

// onset looks for the first step in what people feel, and where they feel
// nothing that is counted, in what the roots were seen by.
func (t *teller) onset() (time.Time, string) {
	if t.round == nil {
		return time.Time{}, ""
	}
	if at, from := t.found(); !at.IsZero() {
		return at, from
	}
	for _, list := range [][]*diagnosis.Finding{t.felt(), t.roots()} {
		var first time.Time
		var from string
		for _, r := range t.shownBy(list) {
			at, ok := stepOf(r.Evidence)
			// What begins after it was noticed is not what was noticed.
			if ok && !at.After(t.at(incident.Detected)) && (first.IsZero() || at.Before(first)) {
				first, from = at, fmt.Sprintf("the step in “%s” on %s", r.name(), r.Target)
			}
		}
		if !first.IsZero() {
			return first, from
		}
	}
	return time.Time{}, ""
}

// found is the onset as the diagnosis itself has it; records of before have none.
func (t *teller) found() (at time.Time, from string) {
	for _, line := range t.diagnosis().Timeline {
		b := line.Began
		if b == nil || b.To.After(t.at(incident.Detected)) || !at.IsZero() && !b.To.Before(at) {
			continue
		}
		at, from = b.To, fmt.Sprintf("the step in “%s” on %s", b.Probe, b.Target)
	}
	return at, from
}

// roots are the findings of the roots.
func (t *teller) roots() []*diagnosis.Finding {
	var out []*diagnosis.Finding
	for _, r := range t.diagnosis().Roots {
		out = append(out, r.Finding)
	}
	return out
}

// shownBy are the answers that the true signs of findings were read from.
func (t *teller) shownBy(list []*diagnosis.Finding) []reading {
	var out []reading
	for _, f := range list {
		for _, s := range f.Signs {
			if truth(s.Truth) && s.Pull > 0 {
				out = append(out, t.answers(f, s)...)
			}
		}
	}
	return out
}

// stepOf is when the tallest stream of a series takes its clearest step.
func stepOf(e evidence.Evidence) (time.Time, bool) {
	streams := evidence.Streams(e.Value)
	if streams == nil {
		return time.Time{}, false
	}
	at, err := expr.Onset(tallest(streams).Points)
	return instant(at), err == nil
}

// tallest is the stream that reaches furthest from zero.
func tallest(streams []evidence.Stream) evidence.Stream {
	return slices.MaxFunc(streams, func(a, b evidence.Stream) int { return cmp.Compare(peak(a), peak(b)) })
}

func peak(s evidence.Stream) float64 {
	top := 0.0
	for _, p := range s.Points {
		top = max(top, abs(p.V))
	}
	return top
}

// instant is a time in seconds since 1970, to the millisecond.
func instant(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)).UTC() }

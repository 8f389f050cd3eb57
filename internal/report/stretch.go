package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Stretch is how long something took.
type Stretch struct {
	Name  string
	About string // from what to what
	Took  time.Duration
	Known bool
	Why   string // where it is not known
}

// Text is the stretch for a person.
func (s Stretch) Text() string {
	if !s.Known {
		return "unknown"
	}
	return spell(s.Took)
}

func (t *teller) stretches() []Stretch {
	detected := t.at(incident.Detected)
	return []Stretch{
		between("Time to detect", "began → detected", t.began, detected, "no series shows when it began"),
		between("Time to diagnose", "detected → cause identified", detected, t.at(incident.Found), "no cause was identified"),
		between("Time to recover", "detected → recovery verified", detected, t.at(incident.Recovery), "no recovery was verified"),
		between("Time to resolve", "detected → resolved", detected, t.at(incident.Ended), "it is not resolved"),
	}
}

func between(name, about string, from, to time.Time, missing string) Stretch {
	s := Stretch{Name: name, About: about, Why: missing}
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return s
	}
	s.Took, s.Known, s.Why = to.Sub(from), true, ""
	return s
}

// Phase is a part of the strip that shows how the time was spent.
type Phase struct {
	Name  string
	Took  time.Duration
	Share float64 // of the whole strip, 0 to 1
}

// Text is the phase for a person.
func (p Phase) Text() string { return spell(p.Took) }

// watching is the phase after the recovery, when nobody suffers any more.
const watching = "watching"

// Width is how much of the strip the phase takes.
func (p Phase) Width() string { return fmt.Sprintf("%.2f%%", 100*p.Share) }

// phases cut the time from the beginning to the end at the moments that are
// known.
func (t *teller) phases() []Phase {
	cuts := []struct {
		at   time.Time
		name string // of the phase that ends there
	}{
		{t.began, ""},
		{t.at(incident.Detected), "undetected"},
		{t.at(incident.Found), "searching"},
		{t.at(incident.Recovery), "recovering"},
		{t.at(incident.Ended), watching},
	}
	var out []Phase
	var first, last time.Time
	for _, c := range cuts {
		switch {
		case c.at.IsZero() || c.at.Before(last):
			continue
		case last.IsZero():
			first = c.at
		default:
			out = append(out, Phase{Name: c.name, Took: c.at.Sub(last)})
		}
		last = c.at
	}
	if len(out) < 2 {
		return nil // one piece shows nothing that its number does not
	}
	for n := range out {
		if whole := last.Sub(first); whole > 0 {
			out[n].Share = float64(out[n].Took) / float64(whole)
		}
	}
	return out
}

// Moment is a named moment of the report.
type Moment struct {
	Name  string
	Clock string
	From  string // how one knows
	Known bool
}

// beganName is when the trouble began as a series shows it: it is measured, and
// so not among the moments of the record.
const beganName = "began"

// moments are all named moments, those that have not come too.
func (t *teller) moments() []Moment {
	out := []Moment{{Name: beganName, From: t.beganFrom, Known: !t.began.IsZero(), Clock: t.clock(t.began)}}
	for _, name := range incident.MomentNames() {
		m, ok := t.incident.Moment(name)
		out = append(out, Moment{Name: string(name), From: m.From, Known: ok, Clock: t.clock(m.At)})
	}
	for n := range out {
		if !out[n].Known {
			out[n].Clock = ""
		}
	}
	return out
}

// spell writes a duration with its two largest units.
func spell(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + spell(-d)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for n, u := range units {
		if d < u.size {
			continue
		}
		parts := []string{fmt.Sprintf("%d %s", d/u.size, u.name)}
		if n+1 < len(units) {
			if rest := d % u.size / units[n+1].size; rest > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", rest, units[n+1].name))
			}
		}
		return strings.Join(parts, " ")
	}
	return ""
}

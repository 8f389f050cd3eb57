package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// Entry is one line of the timeline: an event, or several alike.
type Entry struct {
	At    time.Time
	Clock string
	By    string
	Text  string
	Tone  incident.Tone
	Names []string // of the moments that came with it
	Day   string   // set where a new day begins
}

// timeline is every event of the record, and when the trouble began. Samples in
// a row are one line.
func (t *teller) timeline() []Entry {
	var out []Entry
	if !t.began.IsZero() {
		out = append(out, Entry{At: t.began, Text: "it began: " + t.beganFrom, Tone: incident.Bad, Names: []string{beganName}})
	}
	out = append(out, t.changes()...)
	list := t.incident.Timeline
	for n := 0; n < len(list); {
		run := 1
		for n+run < len(list) && alike(list[n], list[n+run]) {
			run++
		}
		out = append(out, t.merged(list[n:n+run]))
		n += run
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.At.Compare(b.At) })
	day := ""
	for n := range out {
		out[n].Clock = out[n].At.UTC().Format("15:04:05")
		if d := out[n].At.UTC().Format("Monday, 2 January 2006"); d != day {
			out[n].Day, day = d, d
		}
	}
	return out
}

// changes are what had changed by the time that it was noticed, and not long
// before it began: the newest few.
func (t *teller) changes() []Entry {
	if t.round == nil || t.began.IsZero() {
		return nil
	}
	var out []Entry
	for _, line := range t.diagnosis().Timeline {
		for _, c := range line.Changes {
			if len(out) == mostChanges {
				return out
			}
			if c.At.After(t.at(incident.Detected)) || t.began.Sub(c.At) > changesBefore {
				continue
			}
			text := fmt.Sprintf("changed: %s of %s", c.Kind, c.What)
			if c.Detail != "" {
				text += ": " + c.Detail
			}
			out = append(out, Entry{At: c.At, By: c.Target, Text: visible(text), Tone: incident.Minor})
		}
	}
	return out
}

func alike(a, b incident.Happened) bool {
	return a.Tone == incident.Minor && b.Tone == incident.Minor && a.Kind == b.Kind && a.Step == b.Step
}

// merged is a run of events that are alike as one line.
func (t *teller) merged(run []incident.Happened) Entry {
	first, last := run[0], run[len(run)-1]
	e := Entry{At: first.At, By: first.By, Text: first.Text, Tone: first.Tone, Names: t.came(first)}
	switch {
	case first.Kind == incident.KindIntent && t.lost(first):
		e.Text, e.Tone = e.Text+": nobody knows whether it happened", incident.Doubt
	case len(run) == 1:
	case first.Kind == incident.KindMeasured:
		e.Text = fmt.Sprintf("%s; the last of %d samples over %s", last.Text, len(run), spell(last.At.Sub(first.At)))
	default:
		e.Text = fmt.Sprintf("%s; and %d more like it", first.Text, len(run)-1)
	}
	return e
}

// lost reports whether an intent has no result.
func (t *teller) lost(h incident.Happened) bool {
	p, _ := t.incident.Step(h.Step)
	for _, a := range p.Attempts {
		if a.At.Equal(h.At) && a.Result == nil {
			return true
		}
	}
	return false
}

// came are the moments that an event brought, by its number.
func (t *teller) came(h incident.Happened) []string {
	var out []string
	for _, m := range t.incident.Moments {
		if m.Event == h.Seq {
			out = append(out, string(m.Name))
		}
	}
	return out
}

// pause is a stretch of the timeline in which nothing was written.
type pause struct {
	took          time.Duration
	before, after Entry
}

// longestPause is the longest time between two events while people felt it:
// from the first notice to the recovery, or else to the end.
func (t *teller) longestPause() (longest pause, ok bool) {
	to := t.at(incident.Recovery)
	list := slices.DeleteFunc(t.timeline(), func(e Entry) bool {
		return e.At.Before(t.at(incident.Detected)) || !to.IsZero() && e.At.After(to)
	})
	for n := 1; n < len(list); n++ {
		if d := list[n].At.Sub(list[n-1].At); d > longest.took {
			longest = pause{d, list[n-1], list[n]}
		}
	}
	return longest, longest.took > 0
}

// RoundLine is one round of questions.
type RoundLine struct {
	Clock, Since, Summary string
	Asked, Answered       int
	Told                  bool // the report rests on it
}

func (t *teller) rounds() []RoundLine {
	var out []RoundLine
	for _, r := range t.incident.Rounds {
		c := r.Diagnosis.Coverage
		out = append(out, RoundLine{
			Clock: t.clock(r.Written), Since: r.Since, Summary: r.Diagnosis.Summary, Asked: c.Probes, Answered: c.Answered,
			Told: r.Seq == t.round.Seq,
		})
	}
	return out
}

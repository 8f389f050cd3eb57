package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/expr"
)

// The short page tells of so many changes of a service, and of none that was so
// long before the onset.
const (
	mostChanges   = 5
	changesBefore = 2 * time.Hour
)

// changed tells when what is felt began, and what had changed around that time.
func (b *page) changed(d diagnosis.Diagnosis) {
	if d.Verdict == diagnosis.Nothing && !b.Full {
		return
	}
	told := false
	for _, t := range d.Timeline {
		of := ""
		if len(d.Timeline) > 1 {
			of = t.Service + ": "
		}
		if t.Began != nil {
			b.rowIn("", "Began", "", fmt.Sprintf("%s%s (%s, by %s on %s)", of, span(*t.Began), t.Began.Title, t.Began.Probe, t.Began.Target))
			told = true
		}
		list, left := b.near(t, d.At)
		for n, c := range list {
			label := ""
			if n == 0 {
				label = "Changed"
			}
			b.row(label, of+changeLine(c, d.At))
			told = true
		}
		if left > 0 {
			b.row("", fmt.Sprintf("and %d more (--full)", left))
		}
	}
	if told {
		b.blank()
	}
}

// near are the changes to show, newest first: those nearest to the onset.
func (b *page) near(t diagnosis.Timeline, at time.Time) (list []change.Change, left int) {
	if t.Began != nil {
		at = t.Began.To
	}
	for _, c := range t.Changes {
		if b.Full || at.Sub(c.At) <= changesBefore {
			list = append(list, c)
		}
	}
	if b.Full || len(list) <= mostChanges {
		return list, 0
	}
	left = len(list) - mostChanges
	slices.SortStableFunc(list, func(x, y change.Change) int { return int(x.At.Sub(at).Abs() - y.At.Sub(at).Abs()) })
	list = list[:mostChanges]
	slices.SortStableFunc(list, func(x, y change.Change) int { return y.At.Compare(x.At) })
	return list, left
}

// span is a moment as people say it.
func span(m diagnosis.Moment) string {
	const clock = "15:04:05"
	if m.To.Sub(m.From) <= time.Second {
		return m.To.UTC().Format(clock)
	}
	return fmt.Sprintf("between %s and %s", m.From.UTC().Format(clock), m.To.UTC().Format(clock))
}

// changeLine is one change, with where it stands to the onset.
func changeLine(c change.Change, at time.Time) string {
	when := c.At.UTC().Format("15:04:05")
	if at.Sub(c.At) >= 12*time.Hour {
		when = c.At.UTC().Format("2006-01-02 15:04:05")
	}
	text := fmt.Sprintf("%s %s: %s", when, c.Kind, c.What)
	if c.Before != nil {
		gap := time.Duration(abs(*c.Before) * float64(time.Second)).Round(time.Second)
		side := "before"
		if *c.Before < 0 {
			side = "after"
		}
		text = fmt.Sprintf("%s (%s %s) %s: %s", when, expr.FormatDuration(gap), side, c.Kind, c.What)
	}
	if c.Detail != "" {
		text += " — " + c.Detail
	}
	if c.Target != "" {
		text += " — " + c.Target
	}
	return visible(text)
}

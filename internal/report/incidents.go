package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// WriteIncidents draws a list of incidents, in the order given: how each
// stands, and below it what waits for a person.
func WriteIncidents(w io.Writer, list []incident.Incident, now time.Time, s Style) error {
	b := &page{Style: s, at: now}
	if len(list) == 0 {
		b.line("There are no incidents. `quell diagnose --save` opens one.")
	}
	var ids, services int
	for _, i := range list {
		ids = max(ids, length(i.ID))
		services = max(services, min(length(servicesOf(i)), mostServices))
	}
	for _, i := range list {
		b.listed(i, ids, services)
	}
	_, err := io.WriteString(w, b.text.String())
	return err
}

// mostServices is how wide the column of services may be.
const mostServices = 24

func (b *page) listed(i incident.Incident, ids, services int) {
	mark, code := statusMark(i.Status)
	head := fmt.Sprintf("%s %s  ", mark, pad(i.ID, ids))
	state := pad(string(i.Status), length(string(incident.Reopened)))
	middle := fmt.Sprintf("  %4s  %s  ", age(b.at.Sub(i.OpenedAt)), pad(cut(servicesOf(i), mostServices), services))
	room := b.width() - length(head) - length(state) - length(middle)
	b.line(b.paint(code, head+state) + b.paint(dim, middle) + b.paint(bold, cut(oneLine(i.Title), max(room, 20))))
	waits := i.Waits(b.at)
	if len(waits) == 0 {
		return
	}
	text := waits[0].Text
	if len(waits) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(waits)-1)
	}
	indent := strings.Repeat(" ", length(head))
	for n, l := range wrap(oneLine(text), b.width()-length(indent)-2) {
		lead := "→ "
		if n > 0 {
			lead = "  "
		}
		b.line(indent + b.paint(yellow, lead+l))
	}
}

func servicesOf(i incident.Incident) string {
	if len(i.Services) == 0 {
		return "-"
	}
	return oneLine(few(i.Services))
}

func statusMark(s incident.Status) (mark, code string) {
	if s == incident.Resolved {
		return "✓", green
	}
	return "●", red
}

// age is a duration in its largest unit: 40s, 12m, 3h, 5d.
func age(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.size {
			return fmt.Sprintf("%d%s", d/u.size, u.name)
		}
	}
	return fmt.Sprintf("%ds", max(d, 0)/time.Second)
}

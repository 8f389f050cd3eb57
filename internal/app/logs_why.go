package app

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/logql"
)

// patience is how long the reasons of an empty answer are looked for.
const patience = 10 * time.Second

// WhyNothing explains an answer without lines and series: what was looked at,
// and the nearest thing that does match.
func (l *Logs) WhyNothing(ctx context.Context, q logql.Query, a LogAnswer) []string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := a.Stats
	looked := lineCount(max(s.Window, int(a.Reading.Lines)))
	switch {
	case q.Metric() && s.Window == 0 && s.Timeless > 0:
		return []string{fmt.Sprintf("no time stands in %s, so they cannot be counted over time", lineCount(s.Timeless))}
	case s.Window == 0:
		return l.whyEmpty(ctx, q, a)
	case s.Selected == 0:
		why := []string{fmt.Sprintf("looked at %s: none has the labels of the selector", looked)}
		if a.Hint != "" {
			why = append(why, a.Hint)
		}
		return why
	}
	why := []string{fmt.Sprintf("looked at %s: nothing matched", looked)}
	if said := logql.Closest(ctx, q, l.source, a.asked(q.Metric())); said != nil {
		return append(why, said...)
	}
	if a.Hint != "" {
		why = append(why, a.Hint)
	}
	return why
}

// whyEmpty explains a window in which no line was written.
func (l *Logs) whyEmpty(ctx context.Context, q logql.Query, a LogAnswer) []string {
	newest, err := l.newest(ctx)
	if err != nil {
		return nil
	}
	if newest.IsZero() {
		if a.From.IsZero() && a.Until.IsZero() {
			return []string{"there is no line at all in the input"}
		}
		return []string{"no line bears a time, so none can be looked for by time: leave the time flags out"}
	}
	written := newest.UTC().Add(time.Second - 1).Truncate(time.Second).Format(time.RFC3339)
	why := fmt.Sprintf("no line was written between %s and %s", timeText(a.From, "the beginning"), timeText(a.Until, "the end"))
	switch {
	case !a.Until.IsZero() && newest.Before(a.Until):
		return []string{fmt.Sprintf("%s: the newest is %s older than that end", why, age(a.Until.Sub(newest))),
			"to look back from the newest line, add --until " + written}
	case !a.From.IsZero() || !a.Until.IsZero():
		oldest, err := l.oldest(ctx)
		if err != nil || oldest.IsZero() {
			return []string{why}
		}
		return []string{fmt.Sprintf("%s: the lines go from %s to %s", why, timeText(oldest, ""), timeText(newest, ""))}
	}
	return []string{why}
}

func lineCount(n int) string {
	if n == 1 {
		return "1 line"
	}
	return grouped(n) + " lines"
}

// grouped writes 257,907.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func timeText(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// age writes a length of time by its two largest units.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return d.Round(time.Second).String()
}

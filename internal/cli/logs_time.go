package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/logql"
)

// logsWhen are the flags that say which time is meant.
type logsWhen struct{ since, from, until, step string }

func (w *logsWhen) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.since, "since", "", "look back this far from --until, or from now: 30m, 1h, 2d")
	f.StringVar(&w.from, "from", "", "begin here: 2026-11-21T22:00:00Z, \"2026-11-21 22:00\", 22:00, \"10 minutes ago\"")
	f.StringVar(&w.until, "until", "", "end here, written like --from (default with --since or --from: now)")
}

// window reads the flags. Times that nobody named stay zero.
func (w *logsWhen) window(now time.Time, zone *time.Location, metric bool) (app.LogWindow, error) {
	var out app.LogWindow
	if w.since != "" && w.from != "" {
		return out, usage("--since and --from both say where to begin: keep one")
	}
	var err error
	if w.until != "" {
		if out.Until, err = moment(w.until, now, zone); err != nil {
			return out, usage("--until: %w", err)
		}
	}
	switch {
	case w.since != "":
		d, err := positive("--since", w.since)
		if err != nil {
			return out, err
		}
		if out.Until.IsZero() {
			out.Until = now
		}
		out.From = out.Until.Add(-d)
	case w.from != "":
		if out.From, err = moment(w.from, now, zone); err != nil {
			return out, usage("--from: %w", err)
		}
		if out.Until.IsZero() {
			out.Until = now
		}
		if !out.From.Before(out.Until) {
			return out, usage("--from %s is not before the end, %s", clock(out.From, zone), clock(out.Until, zone))
		}
	}
	if w.step == "" {
		if metric && !out.From.IsZero() {
			out.Step = logql.StepFor(out.Until.Sub(out.From))
		}
		return out, nil
	}
	if out.Step, err = positive("--step", w.step); err != nil {
		return out, err
	}
	if !metric {
		return out, usage("--step goes with metric queries, and this one gives lines")
	}
	return out, nil
}

// given reports whether any time was named.
func (w *logsWhen) given() bool { return w.since != "" || w.from != "" || w.until != "" }

// clock writes a time as a flag takes it.
func clock(t time.Time, zone *time.Location) string {
	return t.In(zone).Truncate(time.Second).Format(time.RFC3339)
}

var (
	hourMinute = regexp.MustCompile(`^(?:(today|yesterday)\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?$`)
	unixTime   = regexp.MustCompile(`^\d{10}(\d{3})?$`)
	spelled    = regexp.MustCompile(`(\d+)\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)\b`)
)

// moment reads a time as people write it in a hurry.
func moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	now = now.In(zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	switch strings.ToLower(text) {
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05,999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	if m := hourMinute.FindStringSubmatch(strings.ToLower(text)); m != nil {
		return timeOfDay(m, now, midnight)
	}
	if unixTime.MatchString(text) {
		n, err := strconv.ParseInt(text[:10], 10, 64)
		return time.Unix(n, 0), err
	}
	ago := strings.TrimSuffix(strings.ToLower(text), "ago")
	if back, ok := strings.CutPrefix(ago, "now"); ok && strings.HasPrefix(strings.TrimSpace(back), "-") {
		ago = strings.TrimSpace(back) // now-1h, as Grafana writes it
	}
	ago = strings.TrimSpace(strings.TrimPrefix(ago, "-"))
	ago = spelled.ReplaceAllStringFunc(ago, func(s string) string {
		m := spelled.FindStringSubmatch(s)
		return m[1] + m[2][:1]
	})
	if d, err := expr.ParseDuration(strings.ReplaceAll(ago, " ", "")); err == nil {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-11-21T22:00:00Z, \"2026-11-21 22:00\", 22:00, or \"10 minutes ago\"", text)
}

// timeOfDay is the last time that the clock showed so, where no day is named.
func timeOfDay(m []string, now, midnight time.Time) (time.Time, error) {
	hour, _ := strconv.Atoi(m[2])
	minute, _ := strconv.Atoi(m[3])
	second := 0
	if m[4] != "" {
		second, _ = strconv.Atoi(m[4])
	}
	if hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, fmt.Errorf("there is no %s:%s on a clock", m[2], m[3])
	}
	day := midnight
	if m[1] == "yesterday" {
		day = midnight.AddDate(0, 0, -1)
	}
	t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, now.Location())
	if m[1] == "" && t.After(now) {
		t = time.Date(day.Year(), day.Month(), day.Day()-1, hour, minute, second, 0, now.Location())
	}
	return t, nil
}

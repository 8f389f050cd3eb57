package policy

import (
	"slices"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// Window is a time in which changes are frozen: once, or every week. It begins
// with From and ends before To. Where clocks are put forward or back within
// it, it is as long as the wider reading of its wall times.
type Window struct {
	Match               // the changes that it holds up
	From, To  time.Time // once; both zero for a weekly one
	Weekly    []Span
	Zone      *time.Location // of Weekly; nil: UTC
	AllowRisk []action.Risk  // is let through
	Allow     []string       // types of actions that are let through
	// Need, where it is not empty, is asked for within the window instead of
	// refusing: an outage on a holiday has to end too.
	Need Need
	Why  string
	At   string
}

// Span is a part of every week by wall clocks, as time since Sunday 00:00: From
// is 0 up to a week, and so is To. A To that is not behind From is in the week
// after.
type Span struct{ From, To time.Duration }

const week = 7 * 24 * time.Hour

// holds is whether w concerns s at all.
func (w Window) holds(s Subject) bool {
	allowed := slices.Contains(w.AllowRisk, s.risk()) || len(w.Allow) > 0 && anyOf(w.Allow, s.Action)
	return w.Matches(s) && !allowed
}

// Covers is whether t lies in w, and when that ends.
func (w Window) Covers(t time.Time) (until time.Time, in bool) {
	if !w.From.IsZero() && !t.Before(w.From) && t.Before(w.To) {
		until, in = w.To.UTC(), true
	}
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, s := range w.Weekly {
		if end, ok := s.covers(t, zone); ok && end.After(until) {
			until, in = end, true
		}
	}
	return until, in
}

// covers looks at the span of t's week and at those beside it.
func (s Span) covers(t time.Time, zone *time.Location) (until time.Time, in bool) {
	shown := face(t.In(zone))
	sunday := shown.Truncate(24*time.Hour).AddDate(0, 0, -int(shown.Weekday()))
	length := s.To - s.From
	if length <= 0 {
		length += week
	}
	for _, weeks := range []int{-1, 0, 1} {
		from := sunday.AddDate(0, 0, 7*weeks).Add(s.From)
		start, end := First(from, zone), Last(from.Add(length), zone)
		if !t.Before(start) && t.Before(end) && end.After(until) {
			until, in = end.UTC(), true
		}
	}
	return until, in
}

// thawed finds when no window that refuses s holds any more: one may begin
// where another ends. The zero time where no end is in sight.
func (p Policy) thawed(s Subject, now time.Time) time.Time {
	until := now
	for range 100 {
		next := until
		for _, w := range p.Freeze {
			if end, in := w.Covers(until); in && w.refuses() && w.holds(s) && end.After(next) {
				next = end
			}
		}
		if next.Equal(until) {
			return until.UTC()
		}
		until = next
	}
	return time.Time{}
}

func (w Window) refuses() bool { return w.Need == "" || w.Need == Never }

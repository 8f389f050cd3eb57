package policy_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/policy"
)

func zone(t interface{ Fatalf(string, ...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("%s", err)
	}
	return z
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return v
}

func on(day time.Weekday, hour, minute int) time.Duration {
	return time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
}

func TestWallTimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ zone, wall, first, last string }{
		"an ordinary day":                       {"Europe/Berlin", "2026-12-24T08:00:00Z", "2026-12-24T07:00:00Z", "2026-12-24T07:00:00Z"},
		"an hour that there is twice":           {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		"an hour that there is not":             {"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
		"the first minute after the leap":       {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
		"a midnight that there is not":          {"America/Santiago", "2026-09-06T00:00:00Z", "2026-09-06T04:00:00Z", "2026-09-06T04:00:00Z"},
		"a midnight that there is twice":        {"America/Havana", "2026-11-01T00:00:00Z", "2026-11-01T04:00:00Z", "2026-11-01T05:00:00Z"},
		"half an hour, on the other hemisphere": {"Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"},
		"far in the east":                       {"Pacific/Kiritimati", "2026-01-01T00:00:00Z", "2025-12-31T10:00:00Z", "2025-12-31T10:00:00Z"},
		"a day that there was not":              {"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, at(t, c.first), policy.First(at(t, c.wall), zone(t, c.zone)))
			require.Equal(t, at(t, c.last), policy.Last(at(t, c.wall), zone(t, c.zone)))
		})
	}
}

func TestWeeklyWindows(t *testing.T) {
	t.Parallel()
	weekend := policy.Span{From: on(time.Friday, 16, 0), To: on(time.Monday, 8, 0)}
	night := policy.Span{From: on(time.Sunday, 1, 0), To: on(time.Sunday, 2, 30)}
	leap := policy.Span{From: on(time.Sunday, 2, 0), To: on(time.Sunday, 3, 0)}
	sunday := policy.Span{From: 0, To: on(time.Monday, 0, 0)}
	for name, c := range map[string]struct {
		span     policy.Span
		zone, at string
		until    string // empty: not covered
	}{
		"before it begins":                                    {weekend, "Europe/Berlin", "2026-11-27T14:59:59Z", ""},
		"the instant that it begins":                          {weekend, "Europe/Berlin", "2026-11-27T15:00:00Z", "2026-11-30T07:00:00Z"},
		"over the end of the week":                            {weekend, "Europe/Berlin", "2026-11-29T12:00:00Z", "2026-11-30T07:00:00Z"},
		"its last instant":                                    {weekend, "Europe/Berlin", "2026-11-30T06:59:59Z", "2026-11-30T07:00:00Z"},
		"the instant that it ends":                            {weekend, "Europe/Berlin", "2026-11-30T07:00:00Z", ""},
		"in summer an hour earlier":                           {weekend, "Europe/Berlin", "2026-07-03T14:00:00Z", "2026-07-06T06:00:00Z"},
		"over the change to winter":                           {weekend, "Europe/Berlin", "2026-10-23T14:00:00Z", "2026-10-26T07:00:00Z"},
		"over the change to summer":                           {weekend, "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T06:00:00Z"},
		"the first half past two":                             {night, "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		"no hole between the two":                             {night, "Europe/Berlin", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z"},
		"after the second half past two":                      {night, "Europe/Berlin", "2026-10-25T01:30:00Z", ""},
		"an hour that is leapt over is no time":               {leap, "Europe/Berlin", "2026-03-29T01:00:00Z", ""},
		"a Saturday night that comes back after Sunday began": {sunday, "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-08T03:30:00Z"},
		"another side of the date line":                       {weekend, "Pacific/Auckland", "2026-11-27T03:00:00Z", "2026-11-29T19:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			until, in := policy.Window{Weekly: []policy.Span{c.span}, Zone: zone(t, c.zone)}.Covers(at(t, c.at))
			require.Equal(t, c.until != "", in)
			if in {
				require.Equal(t, at(t, c.until), until)
			}
		})
	}
}

// A weekly window is one whole piece a week: it begins and ends once, whatever
// the clocks do in between.
func TestAWeeklyWindowHasNoHoles(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Tehran", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		minute := rapid.IntRange(0, 7*24*60-1)
		span := policy.Span{From: time.Duration(minute.Draw(t, "from")) * time.Minute, To: time.Duration(minute.Draw(t, "to")) * time.Minute}
		w := policy.Window{Weekly: []policy.Span{span}, Zone: zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))}
		begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "minute")) * time.Minute)
		until, in := w.Covers(begin)
		if !in {
			return
		}
		if !until.After(begin) || until.Sub(begin) > 7*24*time.Hour+2*time.Hour {
			t.Fatalf("covered at %s until %s", begin, until)
		}
		inside := begin.Add(time.Duration(rapid.Int64Range(0, int64(until.Sub(begin))-1).Draw(t, "inside")))
		if end, in := w.Covers(inside); !in || !end.Equal(until) && span.From != span.To {
			t.Fatalf("covered from %s until %s, and at %s %v until %s", begin, until, inside, in, end)
		}
	})
}

func TestFreezes(t *testing.T) {
	t.Parallel()
	holidays := policy.Window{From: now.Add(-time.Hour), To: now.Add(time.Hour), Why: "holidays", At: "quell.yaml:8:5"}
	after := policy.Window{From: now.Add(30 * time.Minute), To: now.Add(3 * time.Hour), Match: policy.Match{Environment: []string{"production"}}}
	elsewhere := policy.Window{From: now.Add(-time.Hour), To: now.Add(9 * time.Hour), Match: policy.Match{Environment: []string{"staging"}}}
	always := policy.Window{Weekly: []policy.Span{{From: 0, To: on(time.Wednesday, 0, 0)}, {From: on(time.Tuesday, 0, 0), To: 0}}}
	for name, c := range map[string]struct {
		windows []policy.Window
		risk    action.Risk
		refused string
		until   time.Time
		need    policy.Need
	}{
		"in a window":                      {[]policy.Window{holidays}, action.R2, "frozen: holidays, until 2026-11-25 11:00 UTC", now.Add(time.Hour), policy.Anyone},
		"until the last of them has ended": {[]policy.Window{holidays, after, elsewhere}, action.R2, "frozen: holidays, until 2026-11-25 13:00 UTC", now.Add(3 * time.Hour), policy.Anyone},
		"of another environment":           {[]policy.Window{elsewhere}, action.R2, "", time.Time{}, policy.Anyone},
		"one that has not begun":           {[]policy.Window{after}, action.R2, "", time.Time{}, policy.Anyone},
		"windows without an end":           {[]policy.Window{always}, action.R2, "frozen: no reason is given", time.Time{}, policy.Anyone},
		"a risk that is let through": {
			[]policy.Window{{From: holidays.From, To: holidays.To, AllowRisk: []action.Risk{action.R1}}}, action.R1, "", time.Time{}, policy.Anyone,
		},
		"a risk that is not": {
			[]policy.Window{{From: holidays.From, To: holidays.To, AllowRisk: []action.Risk{action.R1}}}, action.R2, "frozen: no reason is given, until 2026-11-25 11:00 UTC", holidays.To, policy.Anyone,
		},
		"an action that is let through": {
			[]policy.Window{{From: holidays.From, To: holidays.To, Allow: []string{"postgres.*"}}}, action.R2, "", time.Time{}, policy.Anyone,
		},
		"an action that is not": {
			[]policy.Window{{From: holidays.From, To: holidays.To, Allow: []string{"redis.*"}}}, action.R2, "frozen: no reason is given, until 2026-11-25 11:00 UTC", holidays.To, policy.Anyone,
		},
		"two people instead of a refusal": {
			[]policy.Window{{From: holidays.From, To: holidays.To, Need: policy.Two}}, action.R2, "", time.Time{}, policy.Two,
		},
		"a window asks for no less than the class": {
			[]policy.Window{{From: holidays.From, To: holidays.To, Need: policy.Nobody}}, action.R4, "", time.Time{}, policy.Two,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := policy.Decide(policy.Policy{Freeze: c.windows}, ask(c.risk))
			require.Equal(t, c.refused, got.Refused)
			require.Equal(t, c.until, got.Until)
			require.Equal(t, c.need, got.Need)
			if !got.Until.IsZero() {
				later := ask(c.risk)
				later.Now = got.Until
				require.Empty(t, policy.Decide(policy.Policy{Freeze: c.windows}, later).Refused, "it said until when")
			}
		})
	}
}

package cli

import (
	"time"

	"github.com/quellhq/quell/internal/app"
)

// jsonLogLine is how lines stand in the JSON form.
type jsonLogLine struct {
	Time   string            `json:"time,omitempty"`
	Line   string            `json:"line"`
	Labels map[string]string `json:"labels"`
}

// jsonLogSeries is how a series stands in the JSON form.
type jsonLogSeries struct {
	Labels map[string]string `json:"labels"`
	Points []jsonLogPoint    `json:"points"`
}

type jsonLogPoint struct {
	Time  string  `json:"time"`
	Value float64 `json:"value"`
}

type jsonLogStats struct {
	LookedAt *int64 `json:"looked_at,omitempty"`
	Matched  *int   `json:"matched,omitempty"`
	Cut      bool   `json:"cut"`
	Timeless int    `json:"timeless"`
}

// statsOf leaves out what differs from run to run: how long it took, and, where
// the answer was full before all was read, how far the reading had come.
func statsOf(a app.LogAnswer) jsonLogStats {
	s := jsonLogStats{Cut: cutShort(a), Timeless: a.Stats.Timeless}
	if !s.Cut {
		s.LookedAt, s.Matched = &a.Reading.Lines, &a.Stats.Matched
	}
	return s
}

type jsonLogs struct {
	Schema  string       `json:"schema"`
	Kind    string       `json:"kind"`
	Dialect string       `json:"dialect"`
	Query   string       `json:"query"`
	From    string       `json:"from,omitempty"`
	Until   string       `json:"until,omitempty"`
	Step    int64        `json:"step_ns,omitempty"`
	Lines   any          `json:"lines,omitempty"`  // a list where the kind is lines
	Series  any          `json:"series,omitempty"` // a list where the kind is series
	Stats   jsonLogStats `json:"stats"`
	Notes   []string     `json:"notes"`
	Why     []string     `json:"why_nothing"`
}

// logsSchema names the form; it changes when a field changes its meaning.
const logsSchema = "quell.logs/1"

func logsJSON(v logsShow, a app.LogAnswer, why []string) jsonLogs {
	out := jsonLogs{Schema: logsSchema, Kind: "lines", Dialect: "playbook", Query: v.query.String(), Step: int64(a.Step),
		From: stamp(a.From), Until: stamp(a.Until), Notes: nonNil(a.Notes), Why: nonNil(why),
		Stats: statsOf(a)}
	if v.asking.strict {
		out.Dialect = "strict"
	}
	if !v.query.Metric() {
		lines := []jsonLogLine{}
		for _, l := range a.Lines {
			lines = append(lines, jsonLogLine{stamp(timeOf(l.T)), l.Text, nonNilMap(l.Labels)})
		}
		out.Lines = lines
		return out
	}
	out.Kind = "series"
	series := []jsonLogSeries{}
	for _, s := range ranked(v.query, a.Series) {
		one := jsonLogSeries{Labels: nonNilMap(s.Labels), Points: []jsonLogPoint{}}
		for _, p := range s.Points {
			one.Points = append(one.Points, jsonLogPoint{stamp(timeOf(p.T)), p.V})
		}
		series = append(series, one)
	}
	out.Series = series
	return out
}

func nonNilMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// stamp is a time in UTC to the microsecond, as exact as an answer holds it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Round(time.Microsecond).Format(time.RFC3339Nano)
}

// timeOf is the time of seconds since 1970; the zero time for none.
func timeOf(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(seconds*1e6 + 0.5))
}

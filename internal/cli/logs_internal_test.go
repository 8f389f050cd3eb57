package cli

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/logql/spike"
)

func at(clock string) time.Time {
	t, err := time.Parse(time.RFC3339, "2026-01-31T"+clock+"Z")
	if err != nil {
		panic(err)
	}
	return t
}

func laidOut(color bool, lines ...evidence.Line) string {
	var b strings.Builder
	w := bufio.NewWriter(&b)
	layout := lineLayout{show: logsShow{zone: time.UTC}, paint: painter(color), origin: severalOrigins(lines)}
	for _, l := range lines {
		layout.write(w, l)
	}
	_ = w.Flush()
	return b.String()
}

func TestLinesOnATerminal(t *testing.T) {
	line := func(clock, service, text string) evidence.Line {
		return evidence.Line{T: float64(at(clock).UnixMilli()) / 1e3, Text: text, Labels: map[string]string{"service": service}}
	}
	got := laidOut(false,
		line("12:04:00", "api", `{"timestamp":"x","level":"error","service":"api","message":"pool exhausted","n":1.50,"who":"a b","details":{"a": 1},"gone":null,"stack_trace":"Traceback\n  File x"}`),
		line("12:04:01", "web", `12:04:01 WARN  slow`+"\n  at x"),
		line("12:04:02", "web", `{"half":`),
		evidence.Line{Text: "no time", Labels: map[string]string{"service": "web"}},
		evidence.Line{T: float64(at("12:04:03").Add(24 * time.Hour).Unix()), Text: `{"msg":"next day","severity":"INFO"}`})
	require.Equal(t, `── Sat 2026-01-31 ──
12:04:00.000 ERROR api pool exhausted n=1.50 who="a b" details={"a":1}
             Traceback
               File x
12:04:01.000 WARN  web 12:04:01 WARN  slow
               at x
12:04:02.000       web {"half":
                   web no time
── Sun 2026-02-01 ──
12:04:03.000 INFO  next day
`, got)
	require.Contains(t, laidOut(true, line("12:04:00", "api", `{"level":"FATAL","message":"x"}`)), "\x1b[1;31mFATAL\x1b[0m")
}

func TestSparklines(t *testing.T) {
	start := at("12:00:00")
	point := func(minute int, v float64) evidence.Point {
		return evidence.Point{T: float64(start.Add(time.Duration(minute) * time.Minute).Unix()), V: v}
	}
	for name, c := range map[string]struct {
		points []evidence.Point
		cells  int
		want   string
	}{
		"as many cells as points":      {[]evidence.Point{point(0, 1), point(1, 4), point(2, 8), point(3, 0)}, 3, "▂▅█"},
		"a stretch without a point":    {[]evidence.Point{point(0, 8), point(3, 8)}, 3, "█ █"},
		"the greatest of each stretch": {[]evidence.Point{point(0, 1), point(1, 8), point(2, 2), point(3, 4)}, 1, "█"},
		"nothing but zeros":            {[]evidence.Point{point(0, 0), point(3, 0)}, 2, "▁▁"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, sparkline(c.points, start, start.Add(3*time.Minute), time.Minute, c.cells))
		})
	}
}

func TestMoments(t *testing.T) {
	now := at("12:30:00")
	for text, want := range map[string]time.Time{
		"now": now, "10 minutes ago": at("12:20:00"), "10m ago": at("12:20:00"), "-1h": at("11:30:00"), "1h30m": at("11:00:00"),
		"2 hours ago": at("10:30:00"), "12:00": at("12:00:00"), "12:00:05": at("12:00:05"), "23:00": at("23:00:00").AddDate(0, 0, -1),
		"yesterday 12:00": at("12:00:00").AddDate(0, 0, -1), "today": at("00:00:00"), "2026-01-31": at("00:00:00"),
		"2026-01-31 12:00": at("12:00:00"), "2026-01-31T12:00:00": at("12:00:00"), "2026-01-31T12:00:00Z": at("12:00:00"),
		"2026-01-31T13:00:00+01:00": at("12:00:00"), "1769860800": at("12:00:00"), "1769860800000": at("12:00:00"),
	} {
		got, err := moment(text, now, time.UTC)
		require.NoError(t, err, text)
		require.Truef(t, want.Equal(got), "%s: %s", text, got)
	}
	for _, text := range []string{"", "25:00", "soon", "2026-13-01", "12:61"} {
		_, err := moment(text, now, time.UTC)
		require.Error(t, err, text)
	}
}

func TestFigures(t *testing.T) {
	for v, want := range map[float64]string{1: "1", 0: "0", 1234567: "1234567", 0.1 + 0.2: "0.3", 12.3456789: "12.3457", 0.0123: "0.0123", 1e-9: "1e-09"} {
		require.Equal(t, want, figure(v))
	}
	require.Equal(t, "1234567.2", figure(1234567.25), "what stands before the point is not rounded")
	require.Equal(t, "1234567.25", exact(1234567.25))
	tenth := 0.1 // not a constant: those are added exactly
	require.Equal(t, "0.30000000000000004", exact(tenth+0.2))
	require.Equal(t, "257,907", thousands(257907))
	require.Equal(t, "-1,000", thousands(-1000))
	require.Equal(t, "999", thousands(999))
}

func TestLogsCannotSteerATerminal(t *testing.T) {
	require.Equal(t, `evil \u001b[2J\u001b]0;pwn\u0007 line`, printable("evil \x1b[2J\x1b]0;pwn\x07 line"))
	require.Equal(t, "two\nlines\tand 温度 °C", printable("two\nlines\tand 温度 °C"))
	page := laidOut(false, evidence.Line{Text: `{"level":"error","msg":"a \u001b[2J b","k\u001b":"\u009b31m"}`})
	require.NotContains(t, page, "\x1b")
	require.NotContains(t, page, "\u009b")
}

func TestCarets(t *testing.T) {
	require.Equal(t, "  a b c\n    ^", caret("a b c", 2, 2))
	require.Equal(t, "  a bcd\n    ^^^", caret("a bcd", 2, 5))
	require.Equal(t, "  line 2:\n  é x\n    ^", caret("a\né x", len("a\né "), 0))
	require.Equal(t, "  abc\n     ^", caret("abc", 99, 99))
	long := caret(strings.Repeat("x", 300)+"!", 300, 300)
	require.True(t, strings.HasSuffix(long, "^"))
	require.Less(t, len(long), 220)
}

// Every field of the JSON forms stands on the reference page.
func TestTheJSONOfLogsIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/logs.md")
	require.NoError(t, err)
	show := logsShow{zone: time.UTC, asking: &logsAsking{}}
	lines := app.LogAnswer{From: at("12:00:00"), Until: at("13:00:00"), Step: time.Minute}
	lines.Lines = []evidence.Line{{T: 1, Text: "x"}}
	series := lines
	series.Series = []evidence.Stream{{Points: []evidence.Point{{T: 1, V: 2}}}}
	metric := show
	metric.query, err = logql.Parse(`sum(rate({a="b"}[1m]))`)
	require.NoError(t, err)
	show.query, err = logql.Parse(`{a="b"}`)
	require.NoError(t, err)
	template := pattern.Template{Text: "x", First: 1, Last: 1, Samples: []pattern.Sample{{Time: 1}}, Holes: []pattern.Hole{{Top: []pattern.Value{{}}}}}
	change := []spike.Change{{Template: template, Onset: 1}}
	report := spike.Report{New: change, Labels: []spike.Shift{{}}, Rule: &spike.Rule{}}
	report.Before = spike.Span{Start: 1, End: 1}
	finding := logql.Finding{Advice: "x", Edits: []logql.Edit{{}}}
	for name, v := range map[string]any{
		"lines": logsJSON(show, lines, nil), "series": logsJSON(metric, series, nil),
		"patterns": patternsJSON(app.Patterns{Compared: true}, []pattern.Template{template}), "template": templateJSON(template, true),
		"spike": spikeJSON(app.Spike{Report: report}, 0),
		"lint":  linted{File: "x", Line: 1, Findings: []logql.Finding{finding}, Fixed: "x", Strict: "x", Rewrote: []string{"x"}, Counts: &lintCounts{Refused: "x", Broken: "x"}},
	} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		var any any
		require.NoError(t, json.Unmarshal(data, &any))
		keys := keysOf(any)
		require.NotEmpty(t, keys, name)
		for _, key := range keys {
			require.Containsf(t, string(page), "`"+key+"`", "%s: the reference page says nothing of %s", name, key)
		}
	}
}

// keysOf are the names of fields at every depth, but for those inside labels.
func keysOf(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			out = append(out, key)
			if _, labels := inner.(map[string]any); key != "labels" || !labels {
				out = append(out, keysOf(inner)...)
			}
		}
	case []any:
		for _, inner := range v {
			out = append(out, keysOf(inner)...)
		}
	}
	return out
}

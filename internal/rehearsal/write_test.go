package rehearsal_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/rehearsal"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestAnAnswerIsWrittenAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	points := func(from time.Time, step time.Duration, values ...float64) evidence.Stream {
		s := evidence.Stream{Labels: map[string]string{}}
		for i, v := range values {
			s.Points = append(s.Points, evidence.Point{T: float64(from.Add(step*time.Duration(i)).UnixMilli()) / 1000, V: v})
		}
		return s
	}
	pod := points(noon.Add(-time.Minute), time.Minute, 1.5, 2)
	pod.Labels["pod"] = `a"b`
	for name, c := range map[string]struct {
		answer evidence.Answer
		want   string
	}{
		"rows": {evidence.Of([]any{map[string]any{"pid": int64(7), "state": "idle: in tx", "idle_s": 1.5}, map[string]any{"pid": int64(8)}}),
			"- {idle_s: 1.5, pid: 7, state: \"idle: in tx\"}\n- {pid: 8}"},
		"no rows":               {evidence.Of([]any{}), "[]"},
		"an object":             {evidence.Of(map[string]any{"ok": false, "groups": []any{map[string]any{"n": 2.0}}}), "groups: [{n: 2}]\nok: false"},
		"an object of one key":  {evidence.Of(map[string]any{"denied": "no"}), `{denied: "no"}`},
		"a text like a reason":  {evidence.Of("denied: no"), `"denied: no"`},
		"a number":              {evidence.Of(3.0), "3"},
		"a series":              {evidence.Of(evidence.Vector([]evidence.Stream{points(noon.Add(-30*time.Second), 15*time.Second, 0, 0.25, 1e-9)})), "series 15s: 0 0.25 1e-09"},
		"streams":               {evidence.Of(evidence.Vector([]evidence.Stream{pod})), `series 1m {pod="a\"b"}: 1.5 2`},
		"a series off the grid": {evidence.Of(evidence.Vector([]evidence.Stream{points(noon.Add(-40*time.Second), 15*time.Second, 0, 1)})), "- {labels: {}, points: [[1767268760, 0], [1767268775, 1]]}"},
		"no answer":             {evidence.Not(evidence.Denied, "permission denied\nfor view\x1b[2J pool", "GRANT"), "denied: permission denied for view [2J pool"},
		"no reason":             {evidence.Not(evidence.TimedOut, "", ""), "timed out: timed out"},
		"left out":              {evidence.Of(nil), "not asked: the record does not hold the answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rehearsal.Script(c.answer, noon)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// Whatever a system answers, the case says the same to the diagnosis.
func TestWhatIsWrittenIsReadTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := answers.Draw(t, "answer")
		c := rehearsal.Case{Story: "a story\n-- case --\nof an incident", Expect: rehearsal.Expect{Service: "checkout", At: noon, Verdict: "found", Params: map[string]string{"x": "5m"}, Roots: []string{"a", "b#c"}}}
		text, err := rehearsal.Script(a, noon)
		require.NoError(t, err)
		c.Answers = []rehearsal.Answer{{Name: "db/pool:first", Text: text}, {Name: "second", Text: "[]"}}
		file, err := rehearsal.Write(c)
		require.NoError(t, err)
		// As a person may edit and save it on another system.
		back, err := rehearsal.Parse("db/pool.cases/it.txtar", file)
		require.NoError(t, err, string(file))
		require.Equal(t, c.Expect, back.Expect)
		require.Equal(t, "a story\n— case\nof an incident", back.Story)
		require.Len(t, back.Answers, 2, string(file))
		require.Equal(t, "db/pool:first", back.Answers[0].Name)
		got, err := rehearsal.Read(back.Answers[0].Text, shapeOf(a.Value), noon)
		require.NoError(t, err, text)
		require.Equal(t, a.Status, got.Status)
		if a.Known() {
			require.Empty(t, cmp.Diff(loose(t, a.Value), loose(t, got.Value)), text)
		}
	})
}

// loose is a value as JSON has it, which does not tell 1 from 1.0.
func loose(t require.TestingT, v any) any {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

func shapeOf(v any) probe.Shape {
	if evidence.Streams(v) != nil {
		return probe.Series
	}
	return ""
}

var answers = rapid.Custom(func(t *rapid.T) evidence.Answer {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return evidence.Not(rapid.SampledFrom([]evidence.Status{evidence.Denied, evidence.NoData, evidence.Unreachable, evidence.NotApplicable}).Draw(t, "status"), texts.Draw(t, "reason"), "")
	case 1, 2:
		return evidence.Of(evidence.Vector([]evidence.Stream{stream(t), stream(t)}))
	}
	return evidence.Of(value(t, 3))
})

var texts = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "-- case --", "a\n-- b --\n", "yes", "0x1f", "1e3", "2026-01-01", "null", "~", "a: b", "# c", "'", "\u2028\u0085\x7f", "{", "🙂\U000e0001", "\ufeff"}))

func stream(t *rapid.T) evidence.Stream {
	s := evidence.Stream{Labels: map[string]string{}}
	for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"pod", "le", "Zone_1"}), 0, 2).Draw(t, "labels") {
		s.Labels[name] = strings.ToValidUTF8(texts.Draw(t, "value"), "")
	}
	step := rapid.SampledFrom([]float64{15, 60, 0.5}).Draw(t, "step")
	n := rapid.IntRange(1, 6).Draw(t, "points")
	off := rapid.SampledFrom([]float64{0, 0, 0, 7.25}).Draw(t, "off")
	for i := range n {
		v := rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }).Draw(t, "v")
		s.Points = append(s.Points, evidence.Point{T: float64(noon.Unix()) - off - step*float64(n-1-i), V: v})
	}
	return s
}

func value(t *rapid.T, depth int) any {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds).Draw(t, "of") {
	case 0:
		return rapid.Bool().Draw(t, "bool")
	case 1:
		return rapid.Int64().Draw(t, "int")
	case 2:
		return rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }).Draw(t, "float")
	case 3, 4:
		return texts.Draw(t, "text")
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, value(t, depth-1))
		}
		return list
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		m[strings.ToValidUTF8(texts.Draw(t, "key"), "")] = value(t, depth-1)
	}
	return m
}

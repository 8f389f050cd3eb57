package logql_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/realserver"
)

// The fixtures are what a real Loki answered: testdata/loki/queries.txt of
// testdata/loki/streams.txt. `make loki-fixtures` asks again.
const (
	streamsFile = "testdata/loki/streams.txt"
	queriesFile = "testdata/loki/queries.txt"
	answersFile = "testdata/loki/answers.json"
)

var record = flag.Bool("record", false, "ask the Loki that QUELL_LOKI names, and rewrite the fixtures")

// lokiAnswer is what came of a query: lines, series, or an error.
type lokiAnswer struct {
	Kind   string       `json:"kind"`
	Query  string       `json:"query"`
	Lines  []lokiEntry  `json:"lines,omitempty"`
	Series []lokiSeries `json:"series,omitempty"`
	Error  string       `json:"error,omitempty"`
}

type lokiEntry struct {
	At     int64             `json:"at"` // milliseconds before noon
	Text   string            `json:"text"`
	Labels map[string]string `json:"labels"`
}

type lokiSeries struct {
	Labels map[string]string `json:"labels"`
	Points [][2]string       `json:"points"` // seconds before noon, value
}

// lokiStreams reads the lines of the fixtures.
func lokiStreams(t testing.TB) (streams []*logql.Stream, lines map[*logql.Stream][]realserver.LokiLine) {
	t.Helper()
	data, err := os.ReadFile(streamsFile)
	require.NoError(t, err)
	lines = map[*logql.Stream][]realserver.LokiLine{}
	for _, l := range strings.Split(string(data), "\n") {
		if head, ok := strings.CutPrefix(l, "-- "); ok {
			s := &logql.Stream{Labels: map[string]string{}, Format: logql.Plain}
			for _, pair := range strings.Split(strings.TrimSuffix(head, " --"), ", ") {
				name, value, _ := strings.Cut(pair, "=")
				s.Labels[name] = value
			}
			streams = append(streams, s)
			continue
		}
		if l == "" || strings.HasPrefix(l, "#") || len(streams) == 0 {
			continue
		}
		ago, text, ok := strings.Cut(l, " ")
		require.True(t, ok, l)
		seconds, err := strconv.ParseFloat(ago, 64)
		require.NoError(t, err, l)
		s := streams[len(streams)-1]
		at := noon.Add(-time.Duration(math.Round(seconds*1000)) * time.Millisecond).UnixNano()
		lines[s] = append(lines[s], realserver.LokiLine{At: at, Text: strings.ReplaceAll(text, "␛", "\x1b")})
	}
	return streams, lines
}

func lokiQueries(t testing.TB) (out []lokiAnswer) {
	t.Helper()
	data, err := os.ReadFile(queriesFile)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, l := range strings.Split(string(data), "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		require.False(t, seen[l], "asked twice: %s", l)
		seen[l] = true
		kind, query, _ := strings.Cut(l, " ")
		out = append(out, lokiAnswer{Kind: kind, Query: query})
	}
	return out
}

// The window of log queries, the steps of range queries, and the limit of
// queries for the oldest lines.
const (
	linesBefore = 15 * time.Minute
	linesAfter  = time.Minute
	rangeBefore = 10 * time.Minute
	rangeStep   = 90 * time.Second
	oldestLines = 5
)

func TestRecordLokiFixtures(t *testing.T) {
	if !*record {
		t.Skip("only asked for: make loki-fixtures")
	}
	loki := realserver.StartLoki(t, realserver.LokiBare)
	streams, lines := lokiStreams(t)
	pushed := 0
	for _, s := range streams {
		loki.Push(t, s.Labels, lines[s])
		pushed += len(lines[s])
	}
	loki.Flush(t)
	realserver.WaitFor(t, "the store", time.Minute, "", func() error {
		all := lokiAnswer{Kind: "lines", Query: `{app=~".+"}`}
		if all.ask(t, loki); len(all.Lines) != pushed {
			return fmt.Errorf("%d of %d lines are there", len(all.Lines), pushed)
		}
		return nil
	})
	var out []lokiAnswer
	for _, a := range lokiQueries(t) {
		a.ask(t, loki)
		out = append(out, a)
	}
	var b strings.Builder
	b.WriteString("[\n")
	for i, a := range out {
		line, err := json.Marshal(a)
		require.NoError(t, err)
		b.Write(line)
		if i < len(out)-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	require.NoError(t, os.WriteFile(answersFile, []byte(b.String()), 0o644))
}

func (a *lokiAnswer) ask(t *testing.T, loki *realserver.Loki) {
	nano := func(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }
	path, params := "/loki/api/v1/query_range", url.Values{"query": {a.Query}}
	switch a.Kind {
	case "lines", "oldest":
		params.Set("start", nano(noon.Add(-linesBefore)))
		params.Set("end", nano(noon.Add(linesAfter)))
		params.Set("limit", "1000")
		if a.Kind == "oldest" {
			params.Set("limit", strconv.Itoa(oldestLines))
			params.Set("direction", "forward")
		}
	case "range":
		params.Set("start", nano(noon.Add(-rangeBefore)))
		params.Set("end", nano(noon))
		params.Set("step", rangeStep.String())
	case "at":
		path = "/loki/api/v1/query"
		params.Set("time", nano(noon))
	default:
		t.Fatalf("no such kind of query: %s", a.Kind)
	}
	status, body, err := loki.Get(path, params)
	require.NoError(t, err)
	if status != 200 {
		a.Error, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
		a.Error, _, _ = strings.Cut(a.Error, " for series: ") // which of several, chance decides
		return
	}
	var reply struct {
		Data struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(body, &reply), "%s", body)
	a.read(t, reply.Data.ResultType, reply.Data.Result)
}

func (a *lokiAnswer) read(t *testing.T, kind string, result json.RawMessage) {
	if kind == "scalar" {
		var point [2]any
		require.NoError(t, json.Unmarshal(result, &point))
		a.Series = []lokiSeries{{Labels: map[string]string{}, Points: [][2]string{{"0", fmt.Sprint(point[1])}}}}
		return
	}
	var list []struct {
		Stream, Metric map[string]string
		Values         [][2]any
		Value          *[2]any
	}
	require.NoError(t, json.Unmarshal(result, &list), "%s", result)
	for _, s := range list {
		if kind == "streams" {
			for _, v := range s.Values {
				at, err := strconv.ParseInt(v[0].(string), 10, 64)
				require.NoError(t, err)
				a.Lines = append(a.Lines, lokiEntry{At: (noon.UnixNano() - at) / 1e6, Text: v[1].(string), Labels: s.Stream})
			}
			continue
		}
		one := lokiSeries{Labels: s.Metric}
		if s.Value != nil {
			s.Values = append(s.Values, *s.Value)
		}
		for _, v := range s.Values {
			one.Points = append(one.Points, [2]string{number(float64(noon.Unix()) - v[0].(float64)), steady(v[1].(string))})
		}
		a.Series = append(a.Series, one)
	}
	a.order()
}

// steady leaves the last digits of a number out, which differ from time to time
// since sums are formed in any order.
func steady(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(v, 'g', 14, 64)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// order brings lines into the order of time, and series into that of their
// labels where the query does not sort them.
func (a *lokiAnswer) order() {
	sort.SliceStable(a.Lines, func(i, j int) bool { return a.Lines[i].At > a.Lines[j].At })
	if a.Kind == "at" && strings.HasPrefix(a.Query, "sort") {
		return
	}
	key := func(s lokiSeries) string { data, _ := json.Marshal(s); return string(data) }
	sort.SliceStable(a.Series, func(i, j int) bool { return key(a.Series[i]) < key(a.Series[j]) })
}

// lokiMemory gives the lines of the fixtures.
type lokiMemory struct {
	streams []*logql.Stream
	lines   map[*logql.Stream][]realserver.LokiLine
}

func (m *lokiMemory) Read(_ context.Context, _ logql.Window, emit func([]logql.Record) error) ([]string, error) {
	for _, s := range m.streams {
		var batch []logql.Record
		for _, l := range m.lines[s] {
			batch = append(batch, logql.Record{Time: l.At, Line: []byte(l.Text), Stream: s})
		}
		if err := emit(batch); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// ours is our own answer to the query of a fixture.
func (a lokiAnswer) ours(src logql.Source) lokiAnswer {
	out := lokiAnswer{Kind: a.Kind, Query: a.Query}
	q, err := logql.ParseIn(logql.Strict, a.Query)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	asked, limits := logql.Asked{End: noon}, logql.Limits{}
	switch a.Kind {
	case "lines", "oldest":
		asked = logql.Asked{End: noon.Add(linesAfter), Since: linesBefore + linesAfter}
		if a.Kind == "oldest" {
			limits = logql.Limits{Lines: oldestLines, Oldest: true}
		}
	case "range":
		asked.Since, asked.Step = rangeBefore, rangeStep
	}
	r, err := logql.Run(context.Background(), q, src, asked, limits)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	for _, l := range r.Lines {
		ago := math.Round((float64(noon.Unix()) - l.T) * 1000)
		out.Lines = append(out.Lines, lokiEntry{At: int64(ago), Text: l.Text, Labels: l.Labels})
	}
	for _, s := range r.Series {
		one := lokiSeries{Labels: s.Labels}
		for _, p := range s.Points {
			one.Points = append(one.Points, [2]string{number(float64(noon.Unix()) - p.T), number(p.V)})
		}
		out.Series = append(out.Series, one)
	}
	out.order()
	return out
}

// differs says how two answers differ, or "". Values of points may differ in
// the last digits, since sums are formed in another order; the words of an
// error and of __error_details__ are each side's own.
func (a lokiAnswer) differs(b lokiAnswer) string {
	if (a.Error == "") != (b.Error == "") {
		return "one side refuses"
	}
	digits := 12
	if strings.Contains(a.Query, "rate_counter") {
		digits = 4 // Loki adds a millionth, as if it took nanoseconds for milliseconds
	}
	text := func(x lokiAnswer) string {
		var out strings.Builder
		for _, l := range x.Lines {
			labels := map[string]string{}
			for name, value := range l.Labels {
				if name == "__error_details__" {
					value = "…"
				}
				labels[name] = value
			}
			data, _ := json.Marshal(labels)
			fmt.Fprintf(&out, "%d %q %s\n", l.At, l.Text, data)
		}
		for _, s := range x.Series {
			data, _ := json.Marshal(s.Labels)
			fmt.Fprintf(&out, "%s", data)
			for _, p := range s.Points {
				v, _ := strconv.ParseFloat(p[1], 64)
				fmt.Fprintf(&out, " %s=%s", p[0], strconv.FormatFloat(v, 'g', digits, 64))
			}
			out.WriteString("\n")
		}
		return out.String()
	}
	want, got := text(a), text(b)
	if want == got {
		return ""
	}
	var out strings.Builder
	only := func(mark, list, other string) {
		for _, l := range strings.SplitAfter(list, "\n") {
			if !strings.Contains("\n"+other, "\n"+l) {
				out.WriteString(mark + l)
			}
		}
	}
	only("loki: ", want, got)
	only("ours: ", got, want)
	if out.Len() == 0 {
		return "the order differs\n"
	}
	return out.String()
}

func TestLokiFixtures(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(answersFile)
	require.NoError(t, err)
	var answers []lokiAnswer
	require.NoError(t, json.Unmarshal(data, &answers))
	queries := lokiQueries(t)
	require.Len(t, answers, len(queries), "make loki-fixtures rewrites the answers")
	streams, lines := lokiStreams(t)
	used := map[string]bool{}
	for i, a := range answers {
		require.Equal(t, queries[i].Kind+" "+queries[i].Query, a.Kind+" "+a.Query, "make loki-fixtures rewrites the answers")
		name := a.Kind + " " + a.Query
		got := a.ours(&lokiMemory{streams, lines})
		difference := a.differs(got)
		if reason := knownDifferences[name]; reason != "" {
			used[name] = true
			require.NotEmpty(t, difference, "no longer differs: %s", name)
			continue
		}
		if difference != "" {
			t.Errorf("%s\n%s\nloki's error: %s\nours: %s", name, difference, a.Error, got.Error)
		}
	}
	for name := range knownDifferences {
		require.True(t, used[name], "no fixture asks %s", name)
	}
}

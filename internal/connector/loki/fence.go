package loki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
)

func (t *Target) logql(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := logql.Fill(q.Text)
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	a, err := readOptions(q.Options)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	if a.since == 0 {
		a.since = q.Since
	}
	w := window{start: q.Now.Add(-a.since), end: q.Now}
	text, notes, err := t.translate(ctx, text)
	if err != nil {
		return answer(err)
	}
	said, err := strictly(text, a.dialect)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	if said.client != "" {
		return t.aged(ctx, q, t.here(ctx, said, w, a, notes))
	}
	var answer evidence.Answer
	if isMetric(said.text) {
		answer = t.metric(ctx, said.text, w, a, notes)
	} else {
		answer = t.aged(ctx, q, t.lines(ctx, said.text, w, a, notes))
	}
	if said.text != text {
		answer.Notes = append(answer.Notes, "asked of Loki as: "+said.text)
	}
	return answer
}

// isMetric tells a metric query from a log query; a log query begins with its
// selector and nothing else does.
func isMetric(text string) bool {
	if q, err := logql.ParseIn(logql.Strict, text); err == nil {
		return q.Metric()
	}
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line[0] != '{'
		}
	}
	return true
}

func (t *Target) lines(ctx context.Context, text string, w window, a asked, notes []string) evidence.Answer {
	limit := t.limit(a)
	params := w.params()
	params.Set("query", text)
	params.Set("limit", strconv.Itoa(limit))
	params.Set("direction", "backward")
	if a.forwards {
		params.Set("direction", "forward")
	}
	reply, err := t.client.Get(ctx, "/loki/api/v1/query_range", params)
	if err != nil {
		return answer(err)
	}
	lines, err := readLines(reply.Data)
	if err != nil {
		return evidence.Not(evidence.Unreachable, "read Loki's answer: "+err.Error(), "")
	}
	notes = append(notes, reply.Notes...)
	if len(lines) == 0 {
		return t.empty(ctx, text, w, notes)
	}
	if len(lines) >= limit {
		kept := "newest"
		if a.forwards {
			kept = "oldest"
		}
		notes = append(notes, fmt.Sprintf("cut at %d lines, the %s: counts of them are lower bounds", limit, kept))
	}
	broken := 0
	for _, l := range lines {
		if l.Labels["__error__"] != "" {
			broken++
		}
	}
	if broken > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d lines bear __error__: a stage could not read them, and filters let such lines pass", broken, len(lines)))
	}
	return evidence.Of(evidence.Lines(lines), notes...)
}

func (t *Target) metric(ctx context.Context, text string, w window, a asked, notes []string) evidence.Answer {
	path, params := "/loki/api/v1/query", url.Values{"time": {nano(w.end)}}
	if a.step > 0 {
		// Loki lays the points from the start: let the last one stand at the end.
		w.start = w.end.Add(-w.end.Sub(w.start).Truncate(a.step))
		path, params = "/loki/api/v1/query_range", w.params()
		params.Set("step", strconv.FormatFloat(a.step.Seconds(), 'f', -1, 64))
	}
	params.Set("query", text)
	reply, err := t.client.Get(ctx, path, params)
	if err != nil {
		return answer(err)
	}
	var data promapi.Result
	err = json.Unmarshal(reply.Data, &data)
	var streams []evidence.Stream
	if err == nil {
		streams, err = data.Streams()
	}
	if err != nil {
		return evidence.Not(evidence.Unreachable, "read Loki's answer: "+err.Error(), "")
	}
	notes = append(notes, reply.Notes...)
	if len(streams) == 0 {
		return t.empty(ctx, text, w, notes)
	}
	value := evidence.Vector(streams)
	if most := t.limit(a); len(value) > most {
		notes = append(notes, fmt.Sprintf("cut at %d of %d series", most, len(value)))
		value = value[:most]
	}
	if len(value) == 0 {
		a := evidence.Not(evidence.NoData, "every value is NaN or infinite: a division by zero, as when there was no line in the window", "")
		a.Notes = notes
		return a
	}
	return evidence.Of(value, notes...)
}

func (t *Target) limit(a asked) int {
	most := t.tools.Gate.Limits().Rows
	if a.limit > 0 {
		most = min(most, a.limit)
	}
	return most
}

// entry is a line as Loki gives it.
type entry struct {
	nano   int64
	text   string
	labels map[string]string
}

// readLines reads streams of [nanoseconds, line] into lines, oldest first.
func readLines(data json.RawMessage) ([]evidence.Line, error) {
	all, err := readEntries(data)
	if err != nil {
		return nil, err
	}
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].nano != all[j].nano {
			return all[i].nano < all[j].nano
		}
		return all[i].text < all[j].text
	})
	lines := make([]evidence.Line, len(all))
	for i, e := range all {
		lines[i] = evidence.Line{T: float64(e.nano) / 1e9, Text: e.text, Labels: e.labels}
	}
	return lines, nil
}

func readEntries(data json.RawMessage) ([]entry, error) {
	var d struct {
		Type   string `json:"resultType"`
		Result []struct {
			Stream map[string]string   `json:"stream"`
			Values [][]json.RawMessage `json:"values"`
		} `json:"result"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, err
	}
	if d.Type != "streams" {
		return nil, fmt.Errorf("it is of type %q where lines were due", d.Type)
	}
	var all []entry
	for _, s := range d.Result {
		for _, v := range s.Values {
			if len(v) < 2 {
				return nil, errors.New("a line is not [time, text]")
			}
			var stamp, text string
			if err := errors.Join(json.Unmarshal(v[0], &stamp), json.Unmarshal(v[1], &text)); err != nil {
				return nil, errors.New("a line is not [time, text]")
			}
			n, err := strconv.ParseInt(stamp, 10, 64)
			if err != nil {
				return nil, errors.New("a line's time is not in nanoseconds")
			}
			all = append(all, entry{n, text, s.Stream})
		}
	}
	return all, nil
}

func answer(err error) evidence.Answer {
	var failed interface{ Answer() evidence.Answer }
	if errors.As(err, &failed) {
		return failed.Answer()
	}
	return connector.Failure("ask Loki", err)
}

package rehearsal

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// statuses are the words with which a scripted answer says that there is none.
var statuses = map[string]evidence.Status{
	"unknown": evidence.NotAsked, "unreachable": evidence.Unreachable, "denied": evidence.Denied,
	"timed out": evidence.TimedOut, "no data": evidence.NoData, "not applicable": evidence.NotApplicable,
	"refused": evidence.Refused, "invalid": evidence.Invalid, "not asked": evidence.NotAsked,
	"timeout": evidence.TimedOut, "permission denied": evidence.Denied,
}

// Read turns the text of a scripted answer into an answer:
//
//	denied: permission denied for view pg_stat_activity    a reason for none
//	series 15s: 0 0 1 2 5                                  a series that ends at the time of the case
//	series 15s {pod="a"}: 0 0 1                            one stream of several, a line each
//	anything else                                          YAML (and so JSON) of the value
func Read(text string, shape probe.Shape, at time.Time) (evidence.Answer, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return evidence.Answer{}, fmt.Errorf("it is empty: write [] for no rows, or a reason such as \"no data: nobody counts it\"")
	}
	word, reason, _ := strings.Cut(text, ":")
	word = strings.ToLower(strings.TrimSpace(word))
	if status, ok := statuses[word]; ok && !strings.Contains(text, "\n") {
		if reason = strings.TrimSpace(reason); reason == "" {
			reason = word
		}
		return evidence.Not(status, reason, ""), nil
	}
	if strings.HasPrefix(text, "series ") {
		return readSeries(text, at)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return evidence.Answer{}, fmt.Errorf("it is neither YAML, nor a series, nor a reason such as \"denied: …\": %w", err)
	}
	plain := evidence.Plain(value)
	if shape == probe.Series {
		plain = asStreams(plain, at)
	}
	if err := fits(plain, shape); err != nil {
		if word != "" && !strings.ContainsAny(word, "\n{[-,|") {
			var words []string
			for w := range statuses {
				words = append(words, w)
			}
			if hint := playbook.Suggest(word, words); strings.Contains(hint, "did you mean") {
				err = fmt.Errorf("%w; for no answer%s", err, strings.TrimPrefix(hint, ";"))
			}
		}
		return evidence.Answer{}, err
	}
	return evidence.Of(plain), nil
}

// asStreams reads two other ways to write a series: a plain list of numbers, 15
// seconds apart, and what the API of Prometheus answers.
func asStreams(v any, at time.Time) any {
	list, _ := v.([]any)
	points := make([]any, 0, len(list))
	for i, item := range list {
		switch n := item.(type) {
		case float64, int64, int:
			points = append(points, []any{float64(at.Add(-15*time.Second*time.Duration(len(list)-1-i)).UnixMilli()) / 1000, n})
		case map[string]any:
			values, ok := n["values"].([]any)
			if !ok {
				return v
			}
			for _, pair := range values {
				if p, ok := pair.([]any); ok && len(p) == 2 {
					if text, ok := p[1].(string); ok {
						if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
							p[1] = f
						}
					}
				}
			}
			labels := n["metric"]
			if labels == nil {
				labels = map[string]any{}
			}
			list[i] = map[string]any{"labels": labels, "points": values}
		default:
			return v
		}
	}
	switch len(points) {
	case 0:
		return v
	case len(list):
		return []any{map[string]any{"labels": map[string]any{}, "points": points}}
	}
	return v
}

// fits checks that an answer has the shape that its question gives.
func fits(v any, shape probe.Shape) error {
	list, isList := v.([]any)
	_, object := v.(map[string]any)
	switch shape {
	case probe.Object:
		if !object {
			return fmt.Errorf("this question answers with an object (key: value), not with a list or a text")
		}
	case probe.Rows:
		for i, row := range list {
			if _, ok := row.(map[string]any); !ok {
				return fmt.Errorf("item %d is no row: a row is written {pid: 7, state: \"idle\"}", i+1)
			}
		}
		if !isList {
			return fmt.Errorf("this question answers with rows: a list in YAML or JSON, - {pid: 7, state: \"idle\"}, or [] for none")
		}
	case probe.Series:
		for i, stream := range list {
			if m, ok := stream.(map[string]any); !ok || m["points"] == nil {
				return fmt.Errorf("item %d is no stream: write series 15s: 0 0 1 5, or {labels: {}, points: [[seconds, value]]}", i+1)
			}
		}
		if !isList {
			return fmt.Errorf("this question answers with a series: write series 15s: 0 0 1 5")
		}
	case probe.Lines:
		for i, line := range list {
			if m, ok := line.(map[string]any); !ok || m["line"] == nil {
				return fmt.Errorf("item %d is no line: write {at: 1767268800, line: \"what it says\", labels: {}}", i+1)
			}
		}
		if !isList {
			return fmt.Errorf("this question answers with lines: - {at: 1767268800, line: \"what it says\", labels: {}}, or [] for none")
		}
	}
	return nil
}

func readSeries(text string, at time.Time) (evidence.Answer, error) {
	var streams []evidence.Stream
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		s, err := readStream(line, at)
		if err != nil {
			return evidence.Answer{}, fmt.Errorf("%q: %w", line, err)
		}
		streams = append(streams, s)
	}
	return evidence.Of(evidence.Vector(streams)), nil
}

// label is one label of a stream.
var label = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^",\s}]+)`)

func readStream(line string, at time.Time) (evidence.Stream, error) {
	rest, ok := strings.CutPrefix(line, "series ")
	if !ok {
		return evidence.Stream{}, fmt.Errorf("a line of a series starts with \"series STEP:\", such as series 15s: 0 0 1")
	}
	labels := map[string]string{}
	if open := strings.IndexByte(rest, '{'); open >= 0 {
		end := strings.LastIndexByte(rest, '}')
		if end < open {
			return evidence.Stream{}, fmt.Errorf("{ is never closed by }")
		}
		inside := strings.TrimSpace(rest[open+1 : end])
		for _, m := range label.FindAllStringSubmatch(inside, -1) {
			value, err := strconv.Unquote(m[2])
			if err != nil {
				value = m[2]
			}
			labels[m[1]] = value
		}
		if strings.Trim(label.ReplaceAllString(inside, ""), ", \t") != "" {
			return evidence.Stream{}, fmt.Errorf("labels are written name=\"value\"")
		}
		rest = rest[:open] + rest[end+1:]
	}
	stepText, values, ok := strings.Cut(rest, ":")
	if !ok {
		return evidence.Stream{}, fmt.Errorf("after the step comes a colon, then the values")
	}
	step, err := expr.ParseDuration(strings.TrimSpace(stepText))
	if err != nil || step <= 0 {
		return evidence.Stream{}, fmt.Errorf("the step %q is not a duration such as 15s", strings.TrimSpace(stepText))
	}
	fields := strings.Fields(values)
	points := make([]evidence.Point, 0, len(fields))
	for n, field := range fields {
		v, err := strconv.ParseFloat(strings.Trim(field, ","), 64)
		if err != nil {
			return evidence.Stream{}, fmt.Errorf("%q is not a number", field)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return evidence.Stream{}, fmt.Errorf("%q is no sample: leave it out", field)
		}
		t := at.Add(-step * time.Duration(len(fields)-1-n))
		points = append(points, evidence.Point{T: float64(t.UnixMilli()) / 1000, V: v})
	}
	if len(points) == 0 {
		return evidence.Stream{}, fmt.Errorf("there are no values")
	}
	return evidence.Stream{Labels: labels, Points: points}, nil
}

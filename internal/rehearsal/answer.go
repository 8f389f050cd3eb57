package rehearsal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// statuses are the words with which a scripted answer says that there is none.
var statuses = map[string]evidence.Status{
	"unknown": evidence.NotAsked, "unreachable": evidence.Unreachable, "denied": evidence.Denied,
	"timed out": evidence.TimedOut, "no data": evidence.NoData, "not applicable": evidence.NotApplicable,
	"refused": evidence.Refused, "invalid": evidence.Invalid, "not asked": evidence.NotAsked,
}

// read turns the text of a scripted answer into an answer:
//
//	denied: permission denied for view pg_stat_activity    a reason for none
//	series 15s: 0 0 1 2 5                                  a series that ends at the time of the case
//	series 15s {pod="a"}: 0 0 1                            one stream of several, a line each
//	anything else                                          YAML (and so JSON) of the value
func read(text string, shape probe.Shape, at time.Time) (evidence.Answer, error) {
	text = strings.TrimSpace(text)
	word, reason, found := strings.Cut(text, ":")
	if status, ok := statuses[strings.TrimSpace(word)]; found && ok && !strings.Contains(text, "\n") {
		return evidence.Not(status, strings.TrimSpace(reason), ""), nil
	}
	if strings.HasPrefix(text, "series ") {
		return readSeries(text, at)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return evidence.Answer{}, fmt.Errorf("it is neither YAML, nor a series, nor a reason such as \"denied: …\": %w", err)
	}
	plain := evidence.Plain(value)
	if err := fits(plain, shape); err != nil {
		return evidence.Answer{}, err
	}
	return evidence.Of(plain), nil
}

func fits(v any, shape probe.Shape) error {
	_, list := v.([]any)
	_, object := v.(map[string]any)
	switch {
	case shape == probe.Object && !object:
		return fmt.Errorf("this question answers with an object (key: value), not with a list or a text")
	case (shape == probe.Rows || shape == probe.Series || shape == probe.Lines) && !list:
		return fmt.Errorf("this question answers with a list, not with an object or a text")
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

func readStream(line string, at time.Time) (evidence.Stream, error) {
	rest, ok := strings.CutPrefix(line, "series ")
	if !ok {
		return evidence.Stream{}, fmt.Errorf("a line of a series starts with \"series STEP:\", such as series 15s: 0 0 1")
	}
	labels := map[string]string{}
	if open := strings.IndexByte(rest, '{'); open >= 0 {
		end := strings.IndexByte(rest, '}')
		if end < open {
			return evidence.Stream{}, fmt.Errorf("{ is never closed by }")
		}
		for _, pair := range strings.Split(rest[open+1:end], ",") {
			k, v, ok := strings.Cut(pair, "=")
			if !ok {
				return evidence.Stream{}, fmt.Errorf("labels are written name=\"value\"")
			}
			labels[strings.TrimSpace(k)] = strings.Trim(strings.TrimSpace(v), `"`)
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
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return evidence.Stream{}, fmt.Errorf("%q is not a number", field)
		}
		t := at.Add(-step * time.Duration(len(fields)-1-n))
		points = append(points, evidence.Point{T: float64(t.UnixMilli()) / 1000, V: v})
	}
	if len(points) == 0 {
		return evidence.Stream{}, fmt.Errorf("there are no values")
	}
	return evidence.Stream{Labels: labels, Points: points}, nil
}

package promtext

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/probe"
)

// MaxPoints is how many steps one series may have: Prometheus refuses more
// than 11,000 (its own constant), and a diagnosis needs far fewer.
const MaxPoints = 11000

// Window says at which times a query is evaluated: once, at End, or from Start
// to End every Step.
type Window struct {
	Range      bool
	Start, End time.Time
	Step       time.Duration
}

// Options are what may follow the role on the first line of a promql fence.
func Options() []probe.Param {
	return []probe.Param{
		{Name: "range", Type: probe.Duration, About: "look back this far and give a series; without it the query is evaluated once, now"},
		{Name: "since", Type: probe.Duration, About: "the same as range"},
		{Name: "step", Type: probe.Duration, About: "distance between two points of the series; default: a 120th of the range, or the shortest [window] of the query where that is less; at least 1s"},
		{Name: "limit", Type: probe.Number, About: "keep at most this many series"},
	}
}

// ReadWindow reads the options of a fence. Errors name the option.
func ReadWindow(options map[string]string, now time.Time) (Window, error) {
	w := Window{End: now, Start: now}
	back, name, err := lookBack(options)
	if err != nil {
		return w, err
	}
	step, err := duration(options, "step")
	if err != nil {
		return w, err
	}
	if back == 0 {
		if step > 0 {
			return w, fmt.Errorf("step has a meaning only with range")
		}
		return w, nil
	}
	if step == 0 {
		step = max(time.Second, (back / 120).Round(time.Second))
	}
	if step > back {
		return w, fmt.Errorf("step=%s is longer than %s=%s", Duration(step), name, Duration(back))
	}
	if back/step > MaxPoints {
		return w, fmt.Errorf("%s=%s with step=%s gives more than %d points; take a longer step", name, Duration(back), Duration(step), MaxPoints)
	}
	w.Range, w.Step = true, step
	w.Start = now.Add(-back)
	return w, nil
}

// mostFine bounds the points of a series that is looked at more closely than asked.
const mostFine = 480

// withoutGaps is the step at which the ranges of a query, like that of a rate, leave
// nothing of the window out: at most the shortest of them.
func withoutGaps(w Window, expr parser.Expr) time.Duration {
	step := w.Step
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if m, ok := node.(*parser.MatrixSelector); ok && m.Range > 0 {
			step = min(step, m.Range)
		}
		return nil
	})
	finest := max(time.Second, (w.End.Sub(w.Start) / mostFine).Round(time.Second))
	return min(w.Step, max(step, finest))
}

// ReadLimit reads the option limit; 0 where it is not given.
func ReadLimit(options map[string]string) (int, error) {
	text, ok := options["limit"]
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("limit=%s: write a whole number above zero", text)
	}
	return n, nil
}

func lookBack(options map[string]string) (time.Duration, string, error) {
	back, err := duration(options, "range")
	if err != nil {
		return 0, "", err
	}
	since, err := duration(options, "since")
	if err != nil {
		return 0, "", err
	}
	switch {
	case back > 0 && since > 0:
		return 0, "", fmt.Errorf("range and since mean the same here: keep one")
	case since > 0:
		return since, "since", nil
	}
	return back, "range", nil
}

func duration(options map[string]string, name string) (time.Duration, error) {
	text, ok := options[name]
	if !ok {
		return 0, nil
	}
	d, ok := ParseDuration(text)
	if !ok || d <= 0 {
		return 0, fmt.Errorf("%s=%s: write a duration above zero, like 30m", name, text)
	}
	return d, nil
}

// ParseDuration reads a duration as PromQL writes it (1h30m, 2d) or as Go does (1.5s).
func ParseDuration(text string) (time.Duration, bool) {
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

package loki

import (
	"fmt"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

// maxPoints is how many steps one series may have: Loki refuses more than
// 11,000, as Prometheus does.
const maxPoints = 11000

// asked is what the first line of a fence says.
type asked struct {
	since    time.Duration // 0: as far as the investigation looks
	step     time.Duration // 0: a metric query is asked once, at the end
	limit    int           // 0: the target's own limit
	forwards bool          // keep the oldest lines where there are too many
	dialect  logql.Dialect // in which the query is meant
}

func options() []probe.Param {
	return []probe.Param{
		{Name: "since", Type: probe.Duration, About: "look back this far; default: as far as the investigation does"},
		{Name: "range", Type: probe.Duration, About: "the same as since"},
		{Name: "step", Type: probe.Duration, About: "for a metric query: distance between two points; default: about a 120th of since where that is given, else one point, now"},
		{Name: "limit", Type: probe.Number, About: "keep at most this many lines or series"},
		{Name: "direction", Type: probe.Text, Default: "backward", About: "which lines to keep at the limit: backward the newest, forward the oldest"},
		{Name: logtext.OnceOption, Type: probe.Bool, About: "the lines are written once for as long as what they tell of lasts: that they have ended says nothing"},
		logql.DialectOption(),
	}
}

func readOptions(o map[string]string) (asked, error) {
	var a asked
	var err error
	if a.since, err = duration(o, "since"); err != nil {
		return a, err
	}
	other, err := duration(o, "range")
	if err != nil {
		return a, err
	}
	if a.since > 0 && other > 0 {
		return a, fmt.Errorf("range and since mean the same here: keep one")
	}
	a.since = max(a.since, other)
	if a.step, err = duration(o, "step"); err != nil {
		return a, err
	}
	if _, stepped := o["step"]; !stepped && a.since > 0 {
		// The same fence on log files gives a series too.
		a.step = logql.StepFor(a.since)
	}
	if a.step > 0 && a.since > 0 && a.since/a.step > maxPoints {
		return a, fmt.Errorf("since=%s with step=%s gives more than %d points; take a longer step", o["since"]+o["range"], o["step"], maxPoints)
	}
	if text, ok := o["limit"]; ok {
		if a.limit, err = strconv.Atoi(text); err != nil || a.limit <= 0 {
			return a, fmt.Errorf("limit=%s: write a whole number above zero", text)
		}
	}
	if a.dialect, err = logql.DialectOf(o); err != nil {
		return a, err
	}
	switch o["direction"] {
	case "", "backward":
	case "forward":
		a.forwards = true
	default:
		return a, fmt.Errorf("direction=%s: write backward or forward", o["direction"])
	}
	return a, nil
}

func duration(o map[string]string, name string) (time.Duration, error) {
	text, ok := o[name]
	if !ok {
		return 0, nil
	}
	d, ok := promtext.ParseDuration(text)
	if !ok || d <= 0 {
		return 0, fmt.Errorf("%s=%s: write a duration above zero, like 30m", name, text)
	}
	return d, nil
}

// check reads a fence without any server: its options, and its text by the same
// parser as the logs connector, so that a playbook serves both.
func check(text probe.Template, o map[string]string) []connector.Problem {
	problems := logql.Check(text, o)
	if _, err := readOptions(o); err != nil {
		problems = append(problems, connector.Problem{Text: err.Error()})
	}
	return problems
}

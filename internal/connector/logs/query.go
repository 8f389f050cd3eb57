package logs

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
)

func options() []probe.Param {
	return []probe.Param{
		{Name: "since", Type: probe.Duration, About: "look back this far; with a metric query: give a series over this time, without it one value, now"},
		{Name: "range", Type: probe.Duration, About: "the same as since"},
		{Name: "step", Type: probe.Duration, About: "distance between two points of a series; default: about a 120th of since, a round number"},
		{Name: "limit", Type: probe.Number, About: "keep at most this many lines, the newest ones, or series"},
		{Name: logtext.OnceOption, Type: probe.Bool, About: "the lines are written once for as long as what they tell of lasts: that they have ended says nothing"},
		logql.DialectOption(),
	}
}

// defaultSince is how far a question looks back when neither the fence nor the
// investigation says.
const defaultSince = 30 * time.Minute

func (t *Target) query(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := logql.Fill(q.Text)
	if err != nil {
		return evidence.Not(evidence.Invalid, "the query could not be filled in: "+err.Error(), "")
	}
	dialect, err := logql.DialectOf(q.Options)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	query, err := logql.ParseIn(dialect, text)
	if err != nil {
		return t.failure(err)
	}
	asked, limits, err := t.window(q, query.Metric())
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	result, err := t.answer(ctx, q, query, asked, limits)
	if err != nil {
		return t.failure(err)
	}
	if result.Stats.Selected == 0 {
		return t.silence(ctx, q, result.Stats, asked.Since, result.Hint)
	}
	// That lines are there and none matches is an ordinary answer and needs no
	// note: most signs ask for what is rarely there.
	if query.Metric() {
		series := evidence.Vector(result.Series)
		if n := limits.Lines; len(series) > n {
			result.Notes = append(result.Notes, fmt.Sprintf("cut at %d of %d series", n, len(series)))
			series = series[:n]
		}
		return evidence.Of(series, result.Notes...)
	}
	a := evidence.Of(evidence.Lines(result.Lines), result.Notes...)
	if q.Options[logtext.OnceOption] != "true" {
		a.Ended = logtext.Ended(result.Lines, asked.End, writtenAfter())
	}
	return a
}

// writtenAfter tells whether the file of a line was written to after a moment. It
// looks at each file once.
func writtenAfter() func(l evidence.Line, after float64) bool {
	times := map[string]time.Time{}
	return func(l evidence.Line, after float64) bool {
		path := l.Labels["filename"]
		at, known := times[path]
		if !known {
			if info, err := os.Stat(path); err == nil {
				at = info.ModTime()
			}
			times[path] = at
		}
		return !at.IsZero() && float64(at.UnixNano())/1e9 > after
	}
}

// silence explains why there is no line at all: no data, which is never the
// same as no errors, even where the query says "or vector(0)".
func (t *Target) silence(ctx context.Context, q probe.Question, stats logql.Stats, since time.Duration, hint string) evidence.Answer {
	if stats.Window > 0 {
		if strings.HasPrefix(hint, "service is one of: ") && q.Service.Name != "" {
			hint += fmt.Sprintf("; if these are the logs of %[1]s, set labels: {service: %[1]s} on the target", q.Service.Name)
		}
		return evidence.Not(evidence.NoData, fmt.Sprintf("none of %d lines of the time asked for has the labels of the selector", stats.Window), hint)
	}
	reason := "no line was written in the time asked for"
	if since > 0 {
		reason = "no line was written in the last " + since.String()
	}
	if stats.Timeless > 0 {
		return evidence.Not(evidence.Unreachable, fmt.Sprintf("none of %d lines bears a date and a time, so none can be looked for by time", stats.Timeless), "let the logger write date and time at the beginning of each line")
	}
	files, err := t.files(q)
	if err != nil {
		return t.failure(err)
	}
	reports, err := files.Inspect(ctx, 5)
	if err != nil {
		return t.failure(err)
	}
	var newest time.Time
	for _, r := range reports {
		if r.Newest.After(newest) {
			newest = r.Newest
		}
	}
	if newest.IsZero() {
		return evidence.Not(evidence.NoData, reason+", and none before", "")
	}
	return evidence.Not(evidence.NoData, fmt.Sprintf("%s; the newest is %s old", reason, q.Now.Sub(newest).Round(time.Second)), "")
}

// window reads the options of a fence. Errors name the option.
func (t *Target) window(q probe.Question, metric bool) (logql.Asked, logql.Limits, error) {
	gate := t.tools.Gate.Limits()
	limits := logql.Limits{Lines: gate.Rows, Bytes: gate.Bytes}
	asked := logql.Asked{End: q.Now}
	back, given := q.Options["since"]
	if r, ok := q.Options["range"]; ok {
		if given && r != back {
			return asked, limits, fmt.Errorf("since and range mean the same: write one of them")
		}
		back, given = r, true
	}
	fallback := q.Since
	if fallback <= 0 {
		fallback = defaultSince
	}
	since, err := logtext.Duration(back, fallback)
	if err != nil {
		return asked, limits, fmt.Errorf("since: %w", err)
	}
	step, err := logtext.Duration(q.Options["step"], logql.StepFor(since))
	if err != nil {
		return asked, limits, fmt.Errorf("step: %w", err)
	}
	if _, stepped := q.Options["step"]; metric && !given && !stepped {
		since, step = 0, 0 // one point, now
	}
	asked.Since, asked.Step = since, step
	if text := q.Options["limit"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return asked, limits, fmt.Errorf("limit: %q is not a whole number of at least 1", text)
		}
		limits.Lines = min(n, limits.Lines)
	}
	return asked, limits, nil
}

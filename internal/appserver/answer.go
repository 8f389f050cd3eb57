package appserver

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// LogParams are the parameters of the question what a server says of itself.
func LogParams() []probe.Param {
	return []probe.Param{
		{Name: "since", Type: probe.Duration, Default: "1h", About: "older lines are left out, where lines have a time"},
	}
}

// LogFields are the fields of its answer, a row for each kind of line.
func LogFields() []probe.Field {
	return []probe.Field{
		{Name: "kind", Type: "text", About: "one of " + strings.Join(Kinds(), ", ")},
		{Name: "count", Type: "number", About: "how many lines"},
		{Name: "first", Type: "number", About: "time of the first, seconds; null where lines have none"},
		{Name: "last", Type: "number", About: "time of the last, seconds; null where lines have none"},
		{Name: "pids", Type: "list", About: "the processes that it is about, twenty at most"},
		{Name: "line", Type: "text", About: "the last line"},
	}
}

// AnswerLog answers that question from the log at path. redact masks what is
// secret in a line.
func AnswerLog(path string, q probe.Question, redact func(string) string) evidence.Answer {
	since := time.Hour
	if d, ok := q.Args["since"].(time.Duration); ok && d > 0 {
		since = d
	}
	now := q.Now
	if now.IsZero() {
		now = time.Now()
	}
	said, cut, err := ReadLog(path, now.Add(-since))
	switch {
	case os.IsPermission(err):
		return evidence.Not(evidence.Denied, err.Error(), "let quell read "+path)
	case err != nil:
		return evidence.Not(evidence.Unreachable, err.Error(), "")
	}
	rows := []any{}
	for _, s := range said {
		rows = append(rows, map[string]any{
			"kind": s.Kind, "count": int64(s.Count), "first": orNone(s.First), "last": orNone(s.Last), "pids": numbers(s.PIDs), "line": redact(s.Line),
		})
	}
	if cut {
		return evidence.Of(rows, fmt.Sprintf("only the end of %s was read", path))
	}
	return evidence.Of(rows)
}

// orNone is a time in seconds since 1970; nil where a line bears none.
func orNone(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return float64(at.UnixMilli()) / 1000
}

func numbers(pids []int) []any {
	out := make([]any, len(pids))
	for i, n := range pids {
		out[i] = int64(n)
	}
	return out
}

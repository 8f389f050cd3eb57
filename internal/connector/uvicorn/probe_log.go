package uvicorn

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func logSpec() probe.Spec {
	return probe.Spec{
		Name:     "uvicorn.log",
		Question: "What does the server say of its workers, how often, and since when?",
		Why:      "A worker that died, a reloader that took the workers away and a port that was taken leave the same empty process list; the server says which it was.",
		Cost:     "the last two megabytes of its log",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "since", Type: probe.Duration, Default: "1h", About: "older lines are left out, where lines have a time"},
		},
		Fields: []probe.Field{
			{Name: "kind", Type: "text", About: "one of " + strings.Join(appserver.Kinds(), ", ")},
			{Name: "count", Type: "number", About: "how many lines"},
			{Name: "first", Type: "number", About: "time of the first, seconds; null where lines have none"},
			{Name: "last", Type: "number", About: "time of the last, seconds; null where lines have none"},
			{Name: "pids", Type: "list", About: "the processes that it is about, twenty at most"},
			{Name: "line", Type: "text", About: "the last line"},
		},
		Outcomes: []probe.Outcome{
			{When: "workers_ignored is there", Means: "--reload and --workers stand together, and one process serves"},
			{When: "child_died is there", Means: "a worker was killed, or failed its check"},
		},
	}
}

func (t *target) log(ctx context.Context, q probe.Question) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure("read the log of uvicorn", err)
	}
	defer leave()
	path := t.config.Log
	if path == "" {
		s, err := t.look(ctx)
		if err != nil {
			return unseen(ctx, err)
		}
		if path = appserver.OutputFile(procDir, appserver.Told{}, strconv.Itoa(s.parent.PID)); path == "" {
			return evidence.Not(evidence.NotApplicable, "where its log goes is not known: to no file that shows", "set log to the path of its output")
		}
	}
	since := time.Hour
	if d, ok := q.Args["since"].(time.Duration); ok && d > 0 {
		since = d
	}
	now := q.Now
	if now.IsZero() {
		now = time.Now()
	}
	said, cut, err := appserver.ReadLog(path, now.Add(-since))
	switch {
	case os.IsPermission(err):
		return evidence.Not(evidence.Denied, err.Error(), "let quell read "+path)
	case err != nil:
		return evidence.Not(evidence.Unreachable, err.Error(), "")
	}
	rows := []any{}
	for _, s := range said {
		rows = append(rows, map[string]any{
			"kind": s.Kind, "count": int64(s.Count), "first": moment(s.First), "last": moment(s.Last), "pids": pidList(s.PIDs), "line": t.tools.Redact.Text(s.Line),
		})
	}
	if cut {
		return evidence.Of(rows, fmt.Sprintf("only the end of %s was read", path))
	}
	return evidence.Of(rows)
}

func moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return float64(at.UnixMilli()) / 1000
}

func pidList(pids []int) []any {
	out := make([]any, len(pids))
	for i, n := range pids {
		out[i] = int64(n)
	}
	return out
}

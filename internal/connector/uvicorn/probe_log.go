package uvicorn

import (
	"context"
	"strconv"

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
		Params:   appserver.LogParams(),
		Fields:   appserver.LogFields(),
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
	return appserver.AnswerLog(path, q, t.tools.Redact.Text)
}

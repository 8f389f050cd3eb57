package gunicorn

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
		Name:     "gunicorn.log",
		Question: "What does the server say of its workers, how often, and since when?",
		Why:      "A worker that was ended for its silence, one that the kernel killed and one that had served its number of requests look alike in the process table; the master says which it was.",
		Cost:     "the last two megabytes of its log",
		Shape:    probe.Rows,
		Params:   appserver.LogParams(),
		Fields:   appserver.LogFields(),
		Outcomes: []probe.Outcome{
			{When: "timeout is there", Means: "the master ended workers that were silent for too long"},
			{When: "killed is there for a pid without timeout", Means: "something else killed it: mostly the kernel, for want of memory"},
			{When: "recycled and booted come in turns", Means: "workers are replaced on purpose after max_requests"},
		},
	}
}

func (t *target) log(ctx context.Context, q probe.Question) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure("read the log of gunicorn", err)
	}
	defer leave()
	path := t.config.Log
	if path == "" {
		s, err := t.look(ctx)
		if err != nil {
			return unseen(ctx, err)
		}
		if path = appserver.OutputFile(procDir, told(s.master), strconv.Itoa(s.master.PID)); path == "" {
			return evidence.Not(evidence.NotApplicable, "where its log goes is not known: to no file that shows", "set log to the path of its error log")
		}
	}
	return appserver.AnswerLog(path, q, t.tools.Redact.Text)
}

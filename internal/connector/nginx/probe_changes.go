package nginx

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func changesSpec() probe.Spec {
	return probe.Spec{
		Name:     "nginx.changes",
		Question: "When was its configuration written, when was it loaded, and when did it start?",
		Why:      "A change at the edge breaks what nobody has touched.",
		Cost:     "reads the configuration's files and /proc, and runs nginx -V once",
		Shape:    probe.Rows,
		Fields:   probe.ChangeFields(),
		Outcomes: []probe.Outcome{
			{When: "a config without a reload after it", Means: "it is written and not loaded: it takes hold at the next reload or restart"},
			{When: "a reload shortly before the onset", Means: "look at what the files say now, and at what they said before"},
		},
		Changes: probe.ChangeRows(probe.Config, probe.Reload, probe.Restart), Timeline: true,
	}
}

// besideStart is how much younger than the master its first workers may be.
const besideStart = 10 * time.Second

func (t *target) changes(ctx context.Context) evidence.Answer {
	const what = "look at nginx"
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure(what, err)
	}
	defer leave()
	if _, err := os.Stat(t.config.Conf); errors.Is(err, os.ErrNotExist) {
		return evidence.Not(evidence.Unreachable, what+": there is no "+t.config.Conf, "set conf to the main configuration file")
	}
	tree, err := load(t.config.Conf, nil)
	switch {
	case errors.Is(err, os.ErrPermission):
		return evidence.Not(evidence.Denied, err.Error(), "run quell as a user who may read it")
	case err != nil:
		return evidence.Not(evidence.Invalid, what+": "+err.Error(), "nginx.config says more")
	}
	rows := []any{}
	add := func(at time.Time, kind, what, detail string) {
		rows = append(rows, map[string]any{"at": float64(at.UnixMilli()) / 1000, "kind": kind, "what": what, "detail": detail})
	}
	for _, f := range tree.files {
		if info, err := os.Stat(f.path); err == nil {
			add(info.ModTime(), probe.Config, f.path, "the file was written")
		}
	}
	m, err := t.findMaster(ctx, tree)
	if err != nil {
		if ctx.Err() != nil {
			return connector.Failure(what, ctx.Err())
		}
		return evidence.Of(rows, "no master was found: when it started and loaded is not known")
	}
	begun, err := started(m.process)
	if err != nil {
		return evidence.Of(rows)
	}
	add(begun, probe.Restart, "nginx", "its master started")
	// A reload replaces all workers: the oldest of those that serve is of the last one.
	var oldest time.Time
	for _, w := range m.current() {
		if at, err := started(w); err == nil && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if oldest.Sub(begun) > besideStart {
		add(oldest, probe.Reload, "nginx", "its workers were replaced")
	}
	return evidence.Of(rows)
}

package nginx

import (
	"context"
	"errors"
	"os"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func configSpec() probe.Spec {
	return probe.Spec{
		Name:     "nginx.config",
		Question: "Does nginx take its configuration, has it loaded it, and which servers do its upstreams have?",
		Why:      "A file that was changed and not loaded, or that nginx does not take, bites at the next restart; a server that is marked down explains where the load went.",
		Cost:     "reads the configuration's files and /proc, and runs nginx -V and nginx -t once each",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "ok", Type: "bool", About: "nginx takes the configuration that is on disk"},
			{Name: "error", Type: "text", About: "why it does not; empty when it does"},
			{Name: "version", Type: "text", About: "of the program on disk; empty when no master was found"},
			{Name: "running", Type: "bool", About: "a master runs with this configuration"},
			{Name: "not_running", Type: "text", About: "why no master was found; empty when one was"},
			{Name: "workers", Type: "number", About: "workers that serve"},
			{Name: "old_workers", Type: "number", About: "workers of a former configuration that finish their requests"},
			{Name: "files", Type: "number", About: "files of the configuration"},
			{Name: "changed_since", Type: "list", About: "files that were changed and not loaded since"},
			{Name: "upstreams", Type: "rows", About: "name, file, line, up (number of servers that are not down) and servers: address, down, backup, weight, max_fails, fail_timeout (as it is written)"},
		},
		Outcomes: []probe.Outcome{
			{When: "ok is false", Means: "it goes on with what it has loaded, and will not start again: mend the file that error names"},
			{When: "changed_since is not empty", Means: "somebody changed a file and did not load it: nginx does something else than what is written"},
			{When: "an upstream has up = 1", Means: "one more server down and everything behind it is down"},
			{When: "old_workers stays above 0", Means: "long requests or websockets hold a former configuration"},
		},
	}
}

func (t *target) ask(ctx context.Context) evidence.Answer {
	const what = "look at nginx"
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure(what, err)
	}
	defer leave()
	if _, err := os.Stat(t.config.Conf); errors.Is(err, os.ErrNotExist) {
		return evidence.Not(evidence.Unreachable, what+": there is no "+t.config.Conf, "set conf to the main configuration file")
	}
	v := map[string]any{
		"ok": false, "error": "", "version": "", "running": false, "not_running": "", "workers": int64(0), "old_workers": int64(0),
		"files": int64(0), "changed_since": []any{}, "upstreams": []any{},
	}
	tree, err := load(t.config.Conf, nil)
	switch {
	case errors.Is(err, os.ErrPermission):
		return evidence.Not(evidence.Denied, err.Error(), "run quell as a user who may read it")
	case err != nil: // nginx cannot read it either
		v["error"], v["not_running"] = err.Error(), "not looked for: the configuration cannot be read"
		return evidence.Of(v)
	}
	failed := t.test(ctx, t.config.Conf)
	var no *rejected
	if failed != nil && !errors.As(failed, &no) {
		return connector.Failure(what, failed)
	}
	if v["ok"] = failed == nil; failed != nil {
		v["error"] = failed.Error()
	}
	v["files"], v["upstreams"] = int64(len(tree.files)), upstreamRows(tree)
	m, err := t.findMaster(ctx, tree)
	switch {
	case ctx.Err() != nil:
		return connector.Failure(what, ctx.Err())
	case err != nil:
		v["not_running"] = err.Error()
		return evidence.Of(v)
	}
	v["version"], v["running"] = m.built.version, true
	v["workers"], v["old_workers"] = int64(len(m.current())), int64(m.ending())
	changed := []any{}
	for _, path := range changedSince(tree, m) {
		changed = append(changed, path)
	}
	v["changed_since"] = changed
	return evidence.Of(v)
}

func upstreamRows(tree *tree) []any {
	rows := []any{}
	for _, u := range tree.upstreams() {
		up := 0
		servers := []any{}
		for _, s := range u.servers {
			if !s.down {
				up++
			}
			servers = append(servers, map[string]any{
				"address": s.address, "down": s.down, "backup": s.backup, "weight": int64(s.weight),
				"max_fails": s.maxFails, "fail_timeout": s.failTimeout,
			})
		}
		rows = append(rows, map[string]any{
			"name": u.name, "file": u.block.file.path, "line": int64(u.block.line()), "up": int64(up), "servers": servers,
		})
	}
	return rows
}

package process

import (
	"context"
	"errors"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func stateSpec() probe.Spec {
	return probe.Spec{
		Name:     "process.state",
		Question: "Does the service run, since when, and what does its manager say of it?",
		Why:      "A service that is down, that its manager starts again and again, or that has run since before the change was made: each asks for another remedy.",
		Cost:     "one question to the manager, one reading of the process table, one request to the health address where there is one",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "manager", Type: "text", About: "who looks after it, and what it is called there"},
			{Name: "running", Type: "bool", About: "all of its instances run"},
			{Name: "healthy", Type: "bool", About: "the health address answers well; null where none is set"},
			{Name: "health", Type: "text", About: "why it is not healthy; empty"},
			{Name: "instances", Type: "rows", About: "name, running, state (the manager's word), pid, started, age_s, restarts, processes, paused (of them halted by a signal or a debugger), rss_bytes, fds, connections; null where it is not known"},
		},
		Outcomes: []probe.Outcome{
			{When: "running is false", Means: "the service is down: state says how it ended"},
			{When: "age_s is small and restarts grows", Means: "it ends again soon after each start: its log says why, and a restart does not help"},
			{When: "running is true and healthy is false", Means: "the process is there and does not answer: hung, still starting, or cut off from what it needs"},
		},
		Changes:  []probe.Moment{{Kind: probe.Restart, Rows: "instances", At: "started", What: "{name}", About: "state"}},
		Timeline: true,
	}
}

// state asks the manager and the kernel.
func (t *target) state(ctx context.Context) evidence.Answer {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return connector.Failure("ask "+t.manager.String(), err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
	defer cancel()
	found, err := t.manager.look(ctx)
	var refusal *action.Refusal
	switch {
	case errors.As(err, &refusal):
		return evidence.Not(evidence.NotApplicable, t.redact(refusal.Text), refusal.Hint)
	case ctx.Err() != nil:
		return connector.Failure("ask "+t.manager.String(), ctx.Err())
	case err != nil:
		return evidence.Not(evidence.Unreachable, t.redact(err.Error()), "")
	}
	running, rows := true, []any{}
	for _, i := range found {
		running = running && i.runs()
		if len(rows) < t.tools.Gate.Limits().Rows {
			rows = append(rows, t.row(ctx, i))
		}
	}
	value := map[string]any{"manager": t.manager.String(), "running": running, "healthy": nil, "health": "", "instances": rows}
	if t.config.Health != "" {
		ill := t.config.ill(ctx)
		value["healthy"], value["health"] = ill == "", t.redact(ill)
	}
	return evidence.Of(value)
}

// row describes one instance. What the kernel knows of its processes is left
// out where they are not to be seen from here.
func (t *target) row(ctx context.Context, i instance) map[string]any {
	out := map[string]any{
		"name": i.name, "running": i.runs(), "state": t.redact(i.state), "pid": nil, "started": nil, "age_s": nil, "restarts": nil,
		"processes": nil, "paused": nil, "rss_bytes": nil, "fds": nil, "connections": nil,
	}
	if i.restarts >= 0 {
		out["restarts"] = i.restarts
	}
	if i.runs() {
		out["started"], out["age_s"] = i.started.UTC().Format(time.RFC3339), max(time.Since(i.started).Seconds(), 0)
	}
	family := t.family(ctx, i)
	if len(family) == 0 {
		return out
	}
	var rss, paused int64
	for _, p := range family {
		rss += p.RSS
		if p.Halted() {
			paused++
		}
	}
	out["pid"], out["processes"], out["paused"], out["rss_bytes"] = int64(i.main), int64(len(family)), paused, rss
	if n, known := pid.Files(i.main); known {
		out["fds"] = int64(n)
	}
	if n, known := pid.Connections(ctx, family); known {
		out["connections"] = int64(n)
	}
	return out
}

// family are the processes of an instance. Through another program the numbers
// may be those of another namespace, and nothing is known of them.
func (t *target) family(ctx context.Context, i instance) []pid.Process {
	if i.main == 0 || len(t.config.Through) > 0 {
		return nil
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return nil
	}
	return tree.Family(i.main)
}

// connections counts the open TCP connections of instances, where all of them
// can be seen.
func (t *target) connections(ctx context.Context, on []instance) (n int, known bool) {
	for _, i := range on {
		family := t.family(ctx, i)
		if len(family) == 0 {
			return 0, false
		}
		more, known := pid.Connections(ctx, family)
		if !known {
			return 0, false
		}
		n += more
	}
	return n, true
}

package docker

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func containersSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.containers",
		Question: "Which containers has the service, how are they, and how did those end that do not run?",
		Why:      "The engine knows what no log says: that the kernel killed it for memory, that its command is not there, that it starts again and again.",
		Cost:     "the list of containers, and one GET for each of the service's (20 at most)",
		Shape:    probe.Rows,
		Params:   []probe.Param{serviceParam()},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "of the container"},
			{Name: "id", Type: "text", About: "its first twelve digits"},
			{Name: "image", Type: "text", About: "as it was asked for"},
			{Name: "known_by", Type: "text", About: "why it counts as the service's: label, name, part of the name, image"},
			{Name: "state", Type: "text", About: "created, running, paused, restarting, exited, dead or removing"},
			{Name: "running", Type: "bool", About: "it runs now"},
			{Name: "ended", Type: "text", About: "how it ended: memory (killed at its limit), not_found (127), not_runnable (126), not_started, killed (137), stopped (143), crashed (a signal), failed (another code), finished (0); empty while it runs"},
			{Name: "exit_code", Type: "number", About: "of the last run; null while it runs"},
			{Name: "oom_killed", Type: "bool", About: "the kernel killed something in it at its memory limit, in this run or, if it does not run, in the last"},
			{Name: "error", Type: "text", About: "what the engine says of why it could not start it"},
			{Name: "problem", Type: "text", About: "that in one word: port_taken, image, architecture, not_runnable, not_found, mount, network, disk_full, other; empty without an error"},
			{Name: "restarts", Type: "number", About: "how often the engine itself has started it again since it was made"},
			{Name: "restart_policy", Type: "text", About: "no, on-failure, always or unless-stopped"},
			{Name: "restarts_by_itself", Type: "bool", About: "the policy lets the engine start it again"},
			{Name: "health", Type: "text", About: "healthy, unhealthy, starting, or none where no check is set"},
			{Name: "failing_streak", Type: "number", About: "health checks that have failed in a row"},
			{Name: "health_exit_code", Type: "number", About: "of the last health check; null without one"},
			{Name: "health_output", Type: "text", About: "what the last health check said"},
			{Name: "created_s", Type: "number", About: "its age in seconds"},
			{Name: "started_s", Type: "number", About: "seconds since it was started last; null if never"},
			{Name: "ended_s", Type: "number", About: "seconds since it ended last; null if never"},
			{Name: "start_took_s", Type: "number", About: "seconds from making it to its first start; null after a restart"},
			{Name: "memory_limit_bytes", Type: "number", About: "null without a limit"},
			{Name: "cpu_limit_cores", Type: "number", About: "null without a limit"},
			{Name: "networks", Type: "list", About: "names"},
			{Name: "log_unbounded", Type: "bool", About: "its log may grow without an end (json-file without max-size)"},
		},
		Outcomes: []probe.Outcome{
			{When: "ended is memory", Means: "raise the memory limit, or find what takes it"},
			{When: "ended is not_found or not_runnable", Means: "the command of the image or of the service is wrong"},
			{When: "state is restarting, or restarts grows", Means: "it ends right after each start: its log says why"},
			{When: "health is unhealthy", Means: "health_output says what the check saw; a check whose own program is missing fails too"},
			{When: "no data", Means: "none of the engine's containers is known as the service's"},
		},
	}
}

func (t *target) containers(ctx context.Context, q probe.Question) evidence.Answer {
	found, by, notes, err := t.of(ctx, q)
	if err != nil {
		return answer(err)
	}
	all, err := t.inspect(ctx, found)
	if err != nil {
		return answer(err)
	}
	rows := []any{}
	for _, c := range all {
		rows = append(rows, t.row(c, by))
	}
	if len(all) < len(found) {
		notes = append(notes, fmt.Sprintf("%d containers could not be looked at", len(found)-len(all)))
	}
	return evidence.Of(rows, notes...)
}

func (t *target) row(c container, by int) map[string]any {
	s := c.State
	running := s.Status == "running" || s.Status == "paused"
	row := map[string]any{
		"name": c.Name, "id": cut12(c.ID), "image": c.Config.Image, "known_by": ways[by],
		"state": s.Status, "running": running, "ended": c.ended(), "exit_code": nil, "oom_killed": s.OOMKilled,
		"error": cut(s.Error, 500), "problem": problem(s.Error),
		"restarts": int64(c.RestartCount), "restart_policy": c.HostConfig.RestartPolicy.Name,
		"restarts_by_itself": restartsByItself(c),
		"health":             "none", "failing_streak": int64(0), "health_exit_code": nil, "health_output": "",
		"created_s": t.age(c.Created), "started_s": t.age(s.StartedAt), "ended_s": t.age(s.FinishedAt), "start_took_s": nil,
		"memory_limit_bytes": nil, "cpu_limit_cores": nil, "networks": networks(c), "log_unbounded": c.logUnbounded(),
	}
	if !running && !(s.StartedAt.IsZero() && s.ExitCode == 0) {
		row["exit_code"] = int64(s.ExitCode)
	}
	if c.HostConfig.RestartPolicy.Name == "" {
		row["restart_policy"] = "no"
	}
	if c.RestartCount == 0 && !s.StartedAt.IsZero() && s.FinishedAt.Unix() <= 0 {
		row["start_took_s"] = max(0, s.StartedAt.Sub(c.Created).Seconds())
	}
	if c.HostConfig.Memory > 0 {
		row["memory_limit_bytes"] = c.HostConfig.Memory
	}
	if cores := c.cpuLimit(); cores > 0 {
		row["cpu_limit_cores"] = cores
	}
	if h := s.Health; h != nil && h.Status != "" {
		row["health"], row["failing_streak"] = h.Status, int64(h.FailingStreak)
		if n := len(h.Log); n > 0 {
			row["health_exit_code"] = int64(h.Log[n-1].ExitCode)
			row["health_output"] = cut(strings.TrimSpace(h.Log[n-1].Output), 300)
		}
	}
	return row
}

func restartsByItself(c container) bool {
	switch p := c.HostConfig.RestartPolicy; p.Name {
	case "always", "unless-stopped":
		return true
	case "on-failure":
		return p.MaximumRetryCount == 0 || c.RestartCount < p.MaximumRetryCount
	}
	return false
}

func networks(c container) []any {
	names := []string{}
	for name := range c.NetworkSettings.Networks {
		names = append(names, name)
	}
	sort.Strings(names)
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

func cut12(id string) string { return id[:min(12, len(id))] }

package docker

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func engineSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.engine",
		Question: "Which engine is this, is it well, and is it in a swarm?",
		Why:      "An engine that does not answer explains why nothing is started again.",
		Cost:     "one GET of /info",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "version", Type: "text", About: "of the engine"},
			{Name: "running", Type: "number", About: "containers that run"},
			{Name: "stopped", Type: "number", About: "containers that do not"},
			{Name: "paused", Type: "number", About: "containers that are paused"},
			{Name: "swarm", Type: "text", About: "inactive, pending, active, error or locked"},
			{Name: "manager", Type: "bool", About: "it is a manager of its swarm"},
			{Name: "managers", Type: "number", About: "of the swarm, as far as it knows"},
			{Name: "storage", Type: "text", About: "driver: overlay2, vfs"},
			{Name: "cgroup_version", Type: "text", About: "1 or 2"},
			{Name: "architecture", Type: "text", About: "of the machine"},
			{Name: "cores", Type: "number", About: "of the machine"},
			{Name: "memory_bytes", Type: "number", About: "of the machine"},
			{Name: "root", Type: "text", About: "directory of images and containers"},
			{Name: "warnings", Type: "list", About: "what the engine itself warns of"},
		},
		Outcomes: []probe.Outcome{
			{When: "unreachable", Means: "the engine is down, or the socket is elsewhere; containers may run on without it"},
		},
	}
}

type info struct {
	ServerVersion     string
	Containers        int64
	ContainersRunning int64
	ContainersPaused  int64
	ContainersStopped int64
	Driver            string
	CgroupVersion     string
	Architecture      string
	NCPU              int64
	MemTotal          int64
	DockerRootDir     string
	Warnings          []string
	Swarm             struct {
		LocalNodeState   string
		ControlAvailable bool
		Error            string
		Managers         int64
	}
}

func (c *client) info(ctx context.Context) (info, error) {
	var i info
	err := c.get(ctx, "/info", nil, &i)
	return i, err
}

func (t *target) engine(ctx context.Context, _ probe.Question) evidence.Answer {
	i, err := t.client.info(ctx)
	if err != nil {
		return answer(err)
	}
	warnings := []any{}
	for _, w := range i.Warnings {
		warnings = append(warnings, cut(strings.TrimSpace(w), 200))
	}
	if i.Swarm.Error != "" {
		warnings = append(warnings, "swarm: "+cut(i.Swarm.Error, 200))
	}
	return evidence.Of(map[string]any{
		"version": i.ServerVersion, "running": i.ContainersRunning, "stopped": i.ContainersStopped, "paused": i.ContainersPaused,
		"swarm": i.Swarm.LocalNodeState, "manager": i.Swarm.ControlAvailable, "managers": i.Swarm.Managers,
		"storage": i.Driver, "cgroup_version": i.CgroupVersion, "architecture": i.Architecture,
		"cores": i.NCPU, "memory_bytes": i.MemTotal, "root": i.DockerRootDir, "warnings": warnings,
	})
}

package process

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/pid"
)

// compose is a service of a Compose project: the containers that Docker has
// labelled as its. A run is named by the container and the start of it, since a
// container that is started again keeps its id.
type compose struct{ config }

func (c compose) String() string {
	switch {
	case c.Project != "":
		return "Compose service " + c.Project + "/" + c.Name
	case c.File != "":
		return "Compose service " + c.Name + " of " + c.File
	}
	return "Compose service " + c.Name
}

// The labels that Compose puts on its containers.
const (
	labelService = "com.docker.compose.service"
	labelProject = "com.docker.compose.project"
	labelOneOff  = "com.docker.compose.oneoff"
	labelFiles   = "com.docker.compose.project.config_files"
	labelDir     = "com.docker.compose.project.working_dir"
)

// container is what is read of `docker inspect`.
type container struct {
	ID    string `json:"Id"`
	Name  string
	State struct {
		Status     string
		Running    bool
		Restarting bool
		Paused     bool
		Pid        int
		ExitCode   int
		OOMKilled  bool
		StartedAt  time.Time
		Health     *struct{ Status string }
	}
	RestartCount int64
	Config       struct{ Labels map[string]string }
}

// look implements manager.
func (c compose) look(ctx context.Context) ([]instance, error) {
	found, err := c.containers(ctx)
	if err != nil {
		return nil, err
	}
	projects := map[string]bool{}
	var out []instance
	for _, k := range found {
		projects[k.Config.Labels[labelProject]] = true
		out = append(out, k.instance())
	}
	switch {
	case len(out) == 0:
		return nil, action.Refuse("docker compose up -d "+c.Name+" makes one", "there is no container of the %s", c)
	case len(projects) > 1:
		return nil, action.Refuse("set project or file", "%d projects have a service %s", len(projects), c.Name)
	}
	slices.SortFunc(out, func(a, b instance) int { return cmp.Compare(a.name, b.name) })
	return c.here(ctx, out)
}

// here keeps the process numbers of containers of this machine, and looks at
// their children. The engine may be elsewhere, or count otherwise: a number
// means the container's process only where the kernel says that it is in it.
func (c compose) here(ctx context.Context, all []instance) ([]instance, error) {
	tree, err := pid.All(ctx)
	if err != nil {
		return nil, err
	}
	for n, i := range all {
		if i.main == 0 || !pid.InControlGroup(i.main, i.id) {
			all[n].main = 0
			continue
		}
		all[n] = i.withChildren(tree)
	}
	return all, nil
}

// containers asks Docker for the service's containers, stopped ones included.
func (c compose) containers(ctx context.Context) ([]container, error) {
	argv := []string{"ps", "--all", "--no-trunc", "--quiet", "--filter", "label=" + labelService + "=" + c.Name, "--filter", "label=" + labelOneOff + "=False"}
	if c.Project != "" {
		argv = append(argv, "--filter", "label="+labelProject+"="+c.Project)
	}
	out, err := c.docker(ctx, argv...)
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(out)
	if len(ids) == 0 {
		return nil, nil
	}
	out, err = c.docker(ctx, append([]string{"inspect", "--type", "container"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var all []container
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return nil, fmt.Errorf("read docker's answer about the %s: %w", c, err)
	}
	return slices.DeleteFunc(all, func(k container) bool { return c.File != "" && !k.from(c.File) }), nil
}

// from reports whether a container was made from a Compose file.
func (k container) from(file string) bool {
	for _, f := range strings.Split(k.Config.Labels[labelFiles], ",") {
		if !filepath.IsAbs(f) {
			f = filepath.Join(k.Config.Labels[labelDir], f)
		}
		if filepath.Clean(f) == filepath.Clean(file) {
			return true
		}
	}
	return false
}

func (k container) instance() instance {
	i := instance{name: strings.TrimPrefix(k.Name, "/"), id: k.ID, state: k.State.Status, restarts: k.RestartCount, main: k.State.Pid}
	if k.State.Health != nil {
		i.state += " (" + k.State.Health.Status + ")"
	}
	i.moving = k.State.Restarting
	if !k.State.Running || k.State.Restarting {
		i.main = 0
		if k.State.Status == "exited" {
			i.state = fmt.Sprintf("exited with status %d", k.State.ExitCode)
		}
		if k.State.OOMKilled {
			i.state += ", killed for want of memory"
		}
		return i
	}
	i.started = k.State.StartedAt
	i.run = fmt.Sprintf("container %.12s started %s", k.ID, i.started.UTC().Format(time.RFC3339Nano))
	return i
}

// docker runs a docker command and returns what it prints.
func (c compose) docker(ctx context.Context, words ...string) (string, error) {
	r, err := child.Run(ctx, child.Command{Argv: c.argv(words...), Env: child.Environment(c.engine()), Most: mostAnswer})
	switch {
	case err != nil:
		return "", fmt.Errorf("ask docker about the %s: %w", c, err)
	case r.Code != 0:
		return "", fmt.Errorf("ask docker about the %s: %s", c, lastLine(r))
	case r.Cut:
		return "", fmt.Errorf("ask docker about the %s: it has more to say than %d bytes", c, mostAnswer)
	}
	return string(r.Stdout), nil
}

func (c compose) argv(words ...string) []string {
	return append(append(append([]string{}, c.Through...), "docker"), words...)
}

// engine is where the Docker engine listens, where that is not the usual place.
func (c compose) engine() map[string]string {
	if c.URL == "" {
		return nil
	}
	return map[string]string{"DOCKER_HOST": c.URL}
}

// can implements manager.
func (c compose) can(_ context.Context, v verb, on []instance) string {
	if v == reload {
		return uncaught(on, c.reloadSignal)
	}
	return ""
}

// do implements manager. Docker is told the containers' ids: one that was made
// anew under the same name since is another one.
func (c compose) do(ctx context.Context, v verb, on []instance, _ manner) error {
	words := map[verb][]string{
		start: {"start"}, stop: {"stop"}, restart: {"restart"},
		reload: {"kill", "--signal", signalName(c.reloadSignal)},
	}[v]
	for _, i := range on {
		words = append(words, i.id)
	}
	return runProgram(ctx, child.Command{Argv: c.argv(words...), Env: child.Environment(c.engine())})
}

package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func servicesSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.services",
		Question: "How many tasks does Swarm want of the service, how many run, and how goes its last update?",
		Why:      "Swarm goes on trying silently; an update that failed is paused until somebody looks.",
		Cost:     "one GET of /services",
		Shape:    probe.Rows,
		Params:   []probe.Param{serviceParam()},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "of the Swarm service"},
			{Name: "image", Type: "text", About: "that its tasks are to run"},
			{Name: "mode", Type: "text", About: "replicated, global or job"},
			{Name: "wanted", Type: "number", About: "tasks that should run; null where the engine does not say"},
			{Name: "running", Type: "number", About: "tasks that run"},
			{Name: "update_state", Type: "text", About: "updating, paused, completed, rollback_started, rollback_paused, rollback_completed; empty without an update"},
			{Name: "update_message", Type: "text", About: "what Swarm says of it"},
			{Name: "updated_s", Type: "number", About: "seconds since its description changed"},
		},
		Outcomes: []probe.Outcome{
			{When: "running below wanted", Means: "docker.tasks says why the rest does not run"},
			{When: "not applicable", Means: "the engine is in no swarm, or is no manager of it"},
		},
	}
}

func tasksSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.tasks",
		Question: "In which state are the service's Swarm tasks, and what hinders those that do not run?",
		Why:      "An image that is missing on one node, and a constraint that no node meets, show here and nowhere else.",
		Cost:     "one GET each of /services, /tasks and /nodes",
		Shape:    probe.Rows,
		Params:   []probe.Param{serviceParam()},
		Fields: []probe.Field{
			{Name: "service", Type: "text", About: "Swarm's name"},
			{Name: "slot", Type: "number", About: "which of the replicas"},
			{Name: "node", Type: "text", About: "host name, or id; empty where none was found for it"},
			{Name: "image", Type: "text", About: "that it is to run"},
			{Name: "state", Type: "text", About: "new, pending, assigned, accepted, preparing, ready, starting, running, complete, shutdown, failed, rejected, orphaned or remove"},
			{Name: "wanted", Type: "text", About: "state that Swarm wants: running, ready, shutdown, complete"},
			{Name: "state_s", Type: "number", About: "for how many seconds it is in this state"},
			{Name: "made_s", Type: "number", About: "its age in seconds"},
			{Name: "prepared_s", Type: "number", About: "seconds from its making to the state running, of a task that runs for the first time; null otherwise"},
			{Name: "error", Type: "text", About: "what hinders it, in Swarm's words"},
			{Name: "problem", Type: "text", About: "that in one word: image, no_place, port_taken, network, mount, not_found, not_runnable, architecture, exit, disk_full, other; empty without an error"},
			{Name: "exit_code", Type: "number", About: "null where it has none"},
		},
		Outcomes: []probe.Outcome{
			{When: "preparing for minutes", Means: "the image is being pulled, or cannot be"},
			{When: "pending", Means: "no node meets what it asks for"},
			{When: "rejected", Means: "the node could not make it: error says why"},
		},
	}
}

type swarmService struct {
	ID        string
	UpdatedAt time.Time
	Spec      struct {
		Name         string
		TaskTemplate struct{ ContainerSpec struct{ Image string } }
		Mode         map[string]json.RawMessage
	}
	UpdateStatus  *struct{ State, Message string }
	ServiceStatus *struct{ RunningTasks, DesiredTasks int64 }
}

type task struct {
	ID           string
	CreatedAt    time.Time
	ServiceID    string
	NodeID       string
	Slot         int64
	DesiredState string
	Spec         struct{ ContainerSpec struct{ Image string } }
	Status       struct {
		Timestamp       time.Time
		State           string
		Err             string
		ContainerStatus *struct {
			ContainerID string
			ExitCode    int64
		}
	}
}

// swarmServices returns the Swarm services that are the service: those of its
// name, or of its name in a stack.
func (t *target) swarmServices(ctx context.Context, q probe.Question) ([]swarmService, error) {
	var all []swarmService
	if err := t.client.get(ctx, "/services", url.Values{"status": {"true"}}, &all); err != nil {
		return nil, err
	}
	want := t.service(q)
	var out []swarmService
	var names []string
	for _, s := range all {
		if s.Spec.Name == want || strings.HasSuffix(s.Spec.Name, "_"+want) {
			out = append(out, s)
		}
		names = append(names, s.Spec.Name)
	}
	if len(out) == 0 {
		reason := "Swarm has no service " + want
		if len(names) > 0 {
			slices.Sort(names)
			reason += "; it has " + strings.Join(names[:min(8, len(names))], ", ")
		}
		return nil, &fault{Answer: evidence.Not(evidence.NoData, reason, "set services of this target to what Swarm calls it")}
	}
	return out, nil
}

func (t *target) services(ctx context.Context, q probe.Question) evidence.Answer {
	all, err := t.swarmServices(ctx, q)
	if err != nil {
		return answer(err)
	}
	rows := []any{}
	for _, s := range all {
		row := map[string]any{
			"name": s.Spec.Name, "image": plainImage(s.Spec.TaskTemplate.ContainerSpec.Image), "mode": "replicated", "wanted": nil, "running": nil,
			"update_state": "", "update_message": "", "updated_s": t.age(s.UpdatedAt),
		}
		for mode := range s.Spec.Mode {
			switch mode {
			case "Replicated":
				row["mode"] = "replicated"
			case "Global":
				row["mode"] = "global"
			default:
				row["mode"] = "job"
			}
		}
		if s.ServiceStatus != nil {
			row["wanted"], row["running"] = s.ServiceStatus.DesiredTasks, s.ServiceStatus.RunningTasks
		}
		if s.UpdateStatus != nil {
			row["update_state"], row["update_message"] = s.UpdateStatus.State, cut(s.UpdateStatus.Message, 300)
		}
		rows = append(rows, row)
	}
	return evidence.Of(rows)
}

// mostTasks bounds the rows: Swarm keeps five ended tasks for each slot.
const mostTasks = 60

func (t *target) tasks(ctx context.Context, q probe.Question) evidence.Answer {
	services, err := t.swarmServices(ctx, q)
	if err != nil {
		return answer(err)
	}
	ids, names := []string{}, map[string]string{}
	for _, s := range services {
		ids, names[s.ID] = append(ids, s.ID), s.Spec.Name
	}
	filter, err := json.Marshal(map[string][]string{"service": ids})
	if err != nil {
		return answer(err)
	}
	var all []task
	if err := t.client.get(ctx, "/tasks", url.Values{"filters": {string(filter)}}, &all); err != nil {
		return answer(err)
	}
	var notes []string
	nodes, err := t.nodes(ctx)
	if err != nil {
		notes = append(notes, "nodes are named by their id: "+answer(err).Reason)
	}
	slices.SortFunc(all, func(a, b task) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	if len(all) > mostTasks {
		all, notes = all[:mostTasks], append(notes, "cut at the newest tasks")
	}
	rows := []any{}
	for _, k := range all {
		node := nodes[k.NodeID]
		if node == "" {
			node = k.NodeID
		}
		row := map[string]any{
			"service": names[k.ServiceID], "slot": k.Slot, "node": node, "image": plainImage(k.Spec.ContainerSpec.Image),
			"state": k.Status.State, "wanted": k.DesiredState, "state_s": t.age(k.Status.Timestamp), "made_s": t.age(k.CreatedAt),
			"prepared_s": nil, "error": cut(k.Status.Err, 500), "problem": problem(k.Status.Err), "exit_code": nil,
		}
		if k.Status.State == "running" {
			row["prepared_s"] = max(0, k.Status.Timestamp.Sub(k.CreatedAt).Seconds())
		}
		if c := k.Status.ContainerStatus; c != nil && c.ContainerID != "" && (k.Status.State == "failed" || k.Status.State == "complete") {
			row["exit_code"] = c.ExitCode
		}
		rows = append(rows, row)
	}
	return evidence.Of(rows, notes...)
}

func (t *target) nodes(ctx context.Context) (map[string]string, error) {
	var all []struct {
		ID          string
		Description struct{ Hostname string }
	}
	if err := t.client.get(ctx, "/nodes", nil, &all); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, n := range all {
		out[n.ID] = n.Description.Hostname
	}
	return out, nil
}

// plainImage is an image's name without the digest that Swarm pins it to.
func plainImage(name string) string {
	name, _, _ = strings.Cut(name, "@")
	return name
}

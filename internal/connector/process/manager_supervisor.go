package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// supervisor is a program, or a group of programs, of a supervisord. A run is named by the process's number and start, as supervisord
// and the kernel have them.
type supervisor struct {
	config
	rpc *rpc
	err error // of the address
}

// usualSocket is where Debian's supervisord listens.
const usualSocket = "unix:///var/run/supervisor.sock"

func newSupervisor(c config) supervisor {
	s := supervisor{config: c}
	if s.URL == "" {
		s.URL = usualSocket
	}
	s.rpc, s.err = newRPC(s.URL, c.Username, c.Password)
	return s
}

func (s supervisor) String() string { return "supervisor program " + s.Name + " at " + s.URL }

// look implements manager.
func (s supervisor) look(ctx context.Context) ([]instance, error) {
	if s.err != nil {
		return nil, action.Refuse("", "%s", s.err)
	}
	v, err := s.rpc.call(ctx, "supervisor.getAllProcessInfo")
	if err != nil {
		return nil, err
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	var out []instance
	for _, e := range list {
		if info, ok := e.(map[string]any); ok && s.means(info) {
			out = append(out, s.instance(info, tree))
		}
	}
	if len(out) == 0 {
		return nil, action.Refuse("check name; after a change of its configuration supervisor needs `supervisorctl update`", "supervisor at %s has no program %s", s.URL, s.Name)
	}
	slices.SortFunc(out, func(a, b instance) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

// means reports whether a program is meant by the target's name: it is called
// so, with or without its group, or its group is.
func (s supervisor) means(info map[string]any) bool {
	group, _ := info["group"].(string)
	name, _ := info["name"].(string)
	wanted := strings.TrimSuffix(s.Name, ":*")
	return wanted == group || wanted == name || wanted == group+":"+name
}

func (s supervisor) instance(info map[string]any, tree pid.Tree) instance {
	group, _ := info["group"].(string)
	name, _ := info["name"].(string)
	state, _ := info["statename"].(string)
	i := instance{name: group + ":" + name, state: state, restarts: -1}
	if group == name {
		i.name = name
	}
	if why, _ := info["spawnerr"].(string); why != "" {
		i.state += ", " + why
	}
	n, _ := info["pid"].(int64)
	begun, _ := info["start"].(int64)
	i.moving = state == "STARTING" || state == "STOPPING" || state == "BACKOFF"
	if n <= 0 || state == "BACKOFF" {
		return i
	}
	i.started = time.Unix(begun, 0)
	i.run = fmt.Sprintf("pid %d started at %d", n, begun)
	p, ok := tree.Of(int(n))
	if !ok || !s.rpc.here {
		return i // on another machine its numbers mean other processes
	}
	i.main, i.proc, i.run, i.started = p.PID, &p.ID, p.ID.String(), p.Started()
	return i.withChildren(tree)
}

// can implements manager.
func (s supervisor) can(ctx context.Context, v verb, on []instance) string {
	switch v {
	case reload:
		return uncaught(on, s.reloadSignal)
	case start:
		return ""
	}
	return protectedOf(ctx, on)
}

// do implements manager.
func (s supervisor) do(ctx context.Context, v verb, on []instance, _ manner) error {
	for _, i := range on {
		if err := s.one(ctx, v, i.name); err != nil {
			return err
		}
	}
	return nil
}

// one does a verb to one program. supervisord answers when it is done, after
// the program's own stopwaitsecs and startsecs.
func (s supervisor) one(ctx context.Context, v verb, name string) error {
	switch v {
	case reload:
		return s.tell(ctx, "signalProcess", name, signalName(s.reloadSignal))
	case stop:
		return s.tell(ctx, "stopProcess", name, true)
	case restart:
		if err := s.tell(ctx, "stopProcess", name, true); err != nil {
			return err
		}
	}
	return s.tell(ctx, "startProcess", name, true)
}

func (s supervisor) tell(ctx context.Context, method, name string, more any) error {
	if _, err := s.rpc.call(ctx, "supervisor."+method, name, more); err != nil {
		var refused *fault
		if errors.As(err, &refused) {
			return fmt.Errorf("supervisor refuses %s of %s: %w", method, name, err)
		}
		return err
	}
	return nil
}

// Package crew starts and stops workers of a job queue on this machine: daemons
// that the operator has declared, which the queue itself shows to be at work.
package crew

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// Crew is the workers of one target.
type Crew struct {
	Queue  string         // what its actions are called: "rq"
	Daemon *daemon.Daemon // nil: none is declared
	// Members says how the queue sees the named workers. Those that it does not
	// know are missing.
	Members func(ctx context.Context, s *redisapi.Session, names []string) (map[string]Member, error)
	// Closed says why a worker would do nothing now; "" where it would.
	Closed func(ctx context.Context, s *redisapi.Session) (string, error)
	// Alive counts all workers that the queue knows, wherever they run.
	Alive func(ctx context.Context, s *redisapi.Session) (int64, error)
}

// Member is a worker as its queue sees it.
type Member struct {
	Job      bool // it works on one
	Stopping bool // it has been asked to stop, and finishes its job first
}

// Changes are what can be done with a crew.
func (c Crew) Changes() []redisact.Change {
	return []redisact.Change{c.startChange(), c.stopChange()}
}

// onHost names this machine, which is part of what a change of workers is made to.
func onHost() string {
	name, err := os.Hostname()
	if err != nil {
		return "on this machine"
	}
	return "on host " + name
}

// declared refuses where no worker is.
func (c Crew) declared() error {
	if c.Daemon == nil {
		return action.Refuse("set worker and run_dir of the target", "no worker is declared that could be started here")
	}
	return nil
}

// where is how far an instance has got on this machine.
type where string

const (
	never    where = "never started"
	starting where = "starting"
	runs     where = "runs"
	ended    where = "ended"
)

// process finds the process of an instance.
func (c Crew) process(name string) (pid.ID, where) {
	id, err := c.Daemon.Find(name)
	switch {
	case errors.Is(err, daemon.ErrNever):
		return id, never
	case err != nil:
		return id, starting // its record is being written
	case !pid.Lives(id):
		return id, ended
	}
	return id, runs
}

// nameOf is what the i-th worker of an order is called, counted from 1.
func nameOf(order string, i int) string { return fmt.Sprintf("quell-%s-%d", order, i) }

func need(name string, kind probe.ParamType, about string) probe.Param {
	return probe.Param{Name: name, Type: kind, About: about}
}

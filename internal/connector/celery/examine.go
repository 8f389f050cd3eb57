package celery

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/redisapi"
)

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	reach := connector.Check{Name: "reachable", Needed: true}
	s, err := redisapi.Open(ctx, t.at, t.tools.Gate.Limits(), t.tools.Gate)
	if err == nil {
		defer s.Close()
		var v map[string]any
		v, err = t.askQueues(ctx, s)
		reach.OK, reach.Detail = err == nil, fmt.Sprintf("%v messages wait at %s, database %d", v["waiting"], t.at.Addr, t.at.DB)
	}
	if err != nil {
		a := t.hidden(redisapi.Failed("connect", err, t.at))
		reach.Detail, reach.Fix = a.Reason, a.Hint
		return []connector.Check{reach}
	}
	return []connector.Check{reach, t.workerCheck()}
}

// workerCheck says whether a worker could be started here.
func (t *target) workerCheck() connector.Check {
	c := connector.Check{Name: "may start workers", Fix: "set worker and run_dir of the target"}
	if t.daemon == nil {
		c.Detail = "no worker is declared: celery.start_worker is refused"
		return c
	}
	program := t.daemon.Argv[0]
	if path, err := exec.LookPath(program); err == nil {
		c.OK, c.Detail, c.Fix = true, path, ""
	} else {
		c.Detail, c.Fix = program+" is not on this machine", "install it, or give its path"
	}
	return c
}

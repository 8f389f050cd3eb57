package gunicorn

import (
	"context"
	"fmt"
	"strconv"
	"syscall"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func restartChange() change {
	return change{
		spec: action.Spec{
			Name: "gunicorn.restart_workers", Risk: action.R2,
			Does:     "Ends single workers, one after another, each when it has finished what it does; the master replaces them.",
			Tells:    "these workers (their numbers and starts) are gone",
			Destroys: "what those workers hold in memory",
			Captures: []string{"gunicorn.workers"},
			Params: []probe.Param{
				{Name: "workers", Type: probe.List, Default: `""`, About: "rows of a question that have a pid, or bare process numbers; empty: all"},
			},
		},
		plan: planRestart, stands: restartStands, apply: applyRestart,
	}
}

func planRestart(_ *target, s server, a action.Args) (action.Preview, error) {
	wanted, err := numbers(a.List("workers"))
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	all := len(wanted) == 0
	for _, w := range s.workers {
		if !all && !wanted[w.PID] {
			continue
		}
		delete(wanted, w.PID)
		p.Items = append(p.Items, action.Item{
			ID:  "worker " + strconv.Itoa(w.PID),
			Now: fmt.Sprintf("worker %d, %d MB", w.PID, w.RSS>>20), Then: "ended, and replaced by a new one", Guard: w.ID.String(),
		})
	}
	if len(p.Items) == 0 {
		return p, action.Refuse("gunicorn.workers lists them", "none of the processes is a worker of master %d", s.master.PID)
	}
	if len(wanted) > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d of the processes are no workers of master %d (any more), and are left alone", len(wanted), s.master.PID))
	}
	p.Summary = fmt.Sprintf("replaces %s of master %d, one after another", count(len(p.Items), "worker"), s.master.PID)
	if told(s.master).Preload != appserver.Yes {
		p.Warnings = append(p.Warnings, "a new worker loads the code that is on disk now: if that fails, gunicorn ends altogether")
	}
	return p, nil
}

// numbers reads rows or bare numbers.
func numbers(list []any) (map[int]bool, error) {
	out := map[int]bool{}
	for _, e := range list {
		if row, ok := e.(map[string]any); ok {
			e = row["pid"]
		}
		n := action.Args{"pid": e}.Number("pid")
		if n < 2 || n != float64(int(n)) {
			return nil, action.Refuse("", "%v is no process number, nor a row with a pid", e)
		}
		out[int(n)] = true
	}
	return out, nil
}

func restartStands(_ server, o action.Order) action.Standing {
	done, left := action.Done{}, 0
	for _, i := range o.Preview.Items {
		id, err := pid.Parse(i.Guard)
		if err != nil {
			return cannotTell("%s: %s", i.ID, err)
		}
		r := action.Result{ID: i.ID, OK: !pid.Lives(id), Text: "replaced"}
		if !r.OK {
			r.Text = "still there"
			left++
		}
		done.Items = append(done.Items, r)
	}
	over := len(done.Items) - left
	done.Summary = count(over, "worker") + " replaced"
	switch {
	case left == 0:
		return madeOf(done)
	case over == 0:
		return notMade("all of them are still there")
	}
	return action.Standing{State: action.PartlyMade, Text: fmt.Sprintf("%s, %d still there", done.Summary, left), Done: &done}
}

// applyRestart ends one worker and waits for its successor before the next, so
// that the server always has all its workers but one.
func applyRestart(ctx context.Context, t *target, s server, o action.Order) (action.Done, error) {
	wait, cancel := context.WithTimeout(ctx, t.config.Timeout.Duration)
	defer cancel()
	full := len(s.workers)
	for _, i := range o.Preview.Items {
		id, err := pid.Parse(i.Guard)
		if err != nil {
			return action.Done{}, action.Not("%s: %s", i.ID, err)
		}
		if !pid.Lives(id) {
			continue
		}
		if err := t.replace(wait, s.master.ID, id, full); err != nil {
			standing := restartStands(s, o)
			if standing.State == action.PartlyMade {
				return action.Done{}, &action.Failure{State: action.PartlyMade, Text: err.Error(), Done: standing.Done}
			}
			return action.Done{}, err
		}
	}
	if standing := restartStands(s, o); standing.State == action.Made {
		return *standing.Done, nil
	}
	return action.Done{}, action.Not("none of these workers is there any more")
}

// replace ends one worker and waits until the server is whole again.
func (t *target) replace(ctx context.Context, master, worker pid.ID, full int) error {
	if err := pid.Signal(worker, syscall.SIGTERM); err != nil {
		return action.Not("signal worker %d: %s", worker.PID, err)
	}
	if left := pid.AwaitEnd(ctx, t.config.Timeout.Duration, worker); len(left) > 0 {
		return fmt.Errorf("worker %d was told to end, and has not finished what it does", worker.PID)
	}
	for {
		now, _, err := t.again(ctx, master)
		switch {
		case err != nil:
			return fmt.Errorf("after the end of worker %d: %w", worker.PID, err)
		case len(now.workers) >= full && allUp(now.workers):
			return nil
		case !pause(ctx):
			return fmt.Errorf("worker %d has ended, and the master has not replaced it", worker.PID)
		}
	}
}

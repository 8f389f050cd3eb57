package gunicorn

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/pid"
)

func reloadChange() change {
	return change{
		spec: action.Spec{
			Name: "gunicorn.reload", Risk: action.R2,
			Does:  "Sends HUP to the master: it reads its configuration again, starts new workers, and lets the old ones finish what they do.",
			Tells: "the same master has only workers that are younger than the decision, and they have loaded the application",
		},
		plan: planReload, stands: reloadStands, apply: applyReload,
	}
}

func planReload(_ *target, s server, _ action.Args) (action.Preview, error) {
	p := action.Preview{
		Summary: fmt.Sprintf("replaces the %s of master %d", count(len(s.workers), "worker"), s.master.PID),
		Items:   []action.Item{masterItem(s, "the same master with new workers")},
		Blast:   int64(len(s.workers)),
		Warnings: []string{
			"if the application's code does not load, gunicorn ends altogether: what is on disk now is what will run",
			"the number of workers becomes the configured one again",
		},
	}
	switch told(s.master).Preload {
	case appserver.Yes:
		p.Warnings = append(p.Warnings, "the application is preloaded: the new workers have the old code, and only a restart brings the new one")
	case appserver.Unknown:
		p.Warnings = append(p.Warnings, "whether the application is preloaded is not known: if it is, the new workers have the old code")
	}
	return p, nil
}

func reloadStands(s server, o action.Order) action.Standing {
	if !sameMaster(s, o) {
		return cannotTell("the master is another one than was approved (now %d): gunicorn was started anew, or has ended by the reload", s.master.PID)
	}
	fresh, old := s.since(o.Intended)
	done := action.Done{
		Summary: fmt.Sprintf("master %d has %s", s.master.PID, count(len(fresh), "new worker")),
		Items:   []action.Result{{ID: "master", OK: true, Text: s.String()}},
	}
	switch {
	case len(s.workers) == 0:
		return cannotTell("master %d has no worker at all", s.master.PID)
	case len(fresh) == 0:
		return notMade("all %d workers are older than the decision", len(old))
	case !allUp(fresh):
		return cannotTell("the new workers are still loading the application: ask again")
	case len(old) == 0:
		return madeOf(done)
	case o.Done != nil: // we know that the signal was sent
		done.Summary += fmt.Sprintf("; %s still at what it does", count(len(old), "old worker"))
		return madeOf(done)
	}
	return cannotTell("%d workers are new and %d old: the old ones may be finishing what they do; ask again", len(fresh), len(old))
}

func applyReload(ctx context.Context, t *target, s server, o action.Order) (action.Done, error) {
	if err := pid.Signal(s.master.ID, syscall.SIGHUP); err != nil {
		return action.Done{}, action.Not("signal master %d: %s", s.master.PID, err)
	}
	wait, cancel := context.WithTimeout(ctx, t.config.Timeout.Duration)
	defer cancel()
	sent := o
	sent.Done = &action.Done{}
	for {
		now, ended, err := t.again(wait, s.master.ID)
		if ended {
			return action.Done{}, &action.Failure{State: action.PartlyMade, Text: "gunicorn has ended by the reload: its error log says why", Done: &action.Done{Summary: "the master has ended"}}
		}
		if err != nil {
			return action.Done{}, fmt.Errorf("HUP was sent: %w", err)
		}
		_, old := now.since(o.Intended)
		if standing := reloadStands(now, sent); standing.State == action.Made && len(old) == 0 {
			return *standing.Done, nil
		} else if !pause(wait) {
			return lateReload(standing)
		}
	}
}

// lateReload is what is said of a reload whose time is over.
func lateReload(s action.Standing) (action.Done, error) {
	if s.State == action.Made {
		return *s.Done, nil
	}
	return action.Done{}, errors.New("HUP was sent, and its effect does not show yet: " + s.Text)
}

package gunicorn

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func workersChange() change {
	return change{
		spec: action.Spec{
			Name: "gunicorn.workers", Risk: action.R2,
			Does:  "Changes how many workers the master keeps, one after another, by TTIN and TTOU. A reload or restart sets the configured number again.",
			Undo:  "sets the former number",
			Tells: "the same master has so many workers",
			Params: []probe.Param{
				{Name: "count", Type: probe.Number, About: "how many there are to be"},
				action.ForParam(),
			},
		},
		plan: planWorkers, stands: workersStand, apply: applyWorkers,
	}
}

// workersItem guards the master and the number that it keeps.
func workersItem(s server, then int) action.Item {
	return action.Item{
		ID: "workers", Now: strconv.Itoa(len(s.workers)), Then: strconv.Itoa(then),
		Guard: fmt.Sprintf("%s workers %d", s.master.ID, len(s.workers)),
	}
}

// former reads the number of workers back from a guard.
func former(o action.Order) (guard string, n int) {
	for _, i := range o.Preview.Items {
		if at := strings.LastIndex(i.Guard, " workers "); i.ID == "workers" && at >= 0 {
			n, _ = strconv.Atoi(i.Guard[at+len(" workers "):])
			return i.Guard[:at], n
		}
	}
	return "", 0
}

func planWorkers(t *target, s server, a action.Args) (action.Preview, error) {
	wanted, err := t.wanted(a)
	if err != nil {
		return action.Preview{}, err
	}
	if len(s.workers) == wanted {
		return action.Preview{Already: true, Summary: fmt.Sprintf("master %d has %s already", s.master.PID, count(wanted, "worker"))}, nil
	}
	more := wanted - len(s.workers)
	p := action.Preview{
		Summary: fmt.Sprintf("%s for master %d, which has %d", count(wanted, "worker"), s.master.PID, len(s.workers)),
		Items:   []action.Item{workersItem(s, wanted)},
		Undo:    "sets the former number", Blast: int64(max(more, -more)),
		Warnings: []string{"a reload or a restart of gunicorn sets the configured number again"},
	}
	if more > 0 {
		p.Warnings = append(p.Warnings, s.memory(more)...)
	} else {
		p.Warnings = append(p.Warnings, "the oldest workers end as soon as they have finished what they do")
	}
	return p, nil
}

// wanted reads the argument.
func (t *target) wanted(a action.Args) (int, error) {
	n := a.Number("count")
	switch {
	case n != math.Trunc(n) || n < 1:
		return 0, action.Refuse("", "count must be a whole number from 1 on, not %v", n)
	case n > float64(t.config.Most):
		return 0, action.Refuse("the target's setting most allows more", "%v workers are more than the %d that are allowed", n, t.config.Most)
	}
	return int(n), nil
}

// memory warns when more workers do not fit.
func (s server) memory(more int) []string {
	if len(s.workers) == 0 {
		return nil
	}
	var rss int64
	for _, w := range s.workers {
		rss += w.RSS
	}
	each := rss / int64(len(s.workers))
	out := []string{fmt.Sprintf("each worker holds about %d MB", each>>20)}
	if free, ok := available(); ok && each*int64(more) > free*8/10 {
		out = append(out, fmt.Sprintf("the machine has %d MB left: so many more may not fit, and the kernel would kill some process", free>>20))
	}
	return out
}

// available is the memory that can be had without swapping, in bytes.
func available() (int64, bool) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kB << 10, err == nil
		}
	}
	return 0, false
}

func workersStand(s server, o action.Order) action.Standing {
	master, before := former(o)
	wanted := int(o.Args.Number("count"))
	now := len(s.workers)
	switch {
	case master != s.master.ID.String():
		return cannotTell("the master is another one than was approved (now %d, with %s)", s.master.PID, count(now, "worker"))
	case now == wanted:
		return madeOf(workersDone(s, before))
	case now == before:
		return notMade("there are %s, as before", count(now, "worker"))
	case min(before, wanted) < now && now < max(before, wanted):
		done := workersDone(s, before)
		return action.Standing{State: action.PartlyMade, Text: fmt.Sprintf("%s on the way from %d to %d", count(now, "worker"), before, wanted), Done: &done}
	}
	return cannotTell("there are %s, neither %d nor %d: somebody else changes it too", count(now, "worker"), before, wanted)
}

func workersDone(s server, before int) action.Done {
	done := action.Done{
		Summary: fmt.Sprintf("master %d has %s; it had %d", s.master.PID, count(len(s.workers), "worker"), before),
		Items:   []action.Result{{ID: "workers", OK: true, Text: strconv.Itoa(len(s.workers))}},
	}
	if args, err := workersChange().spec.Complete(map[string]any{"count": before}); err == nil {
		done.Inverse = &action.Change{Type: "gunicorn.workers", Args: args}
	}
	return done
}

// applyWorkers goes one worker at a time: the kernel merges equal signals that
// are sent faster than they are taken.
func applyWorkers(ctx context.Context, t *target, s server, o action.Order) (action.Done, error) {
	wait, cancel := context.WithTimeout(ctx, t.config.Timeout.Duration)
	defer cancel()
	_, before := former(o)
	wanted := int(o.Args.Number("count"))
	for len(s.workers) != wanted {
		sig := syscall.SIGTTIN
		if len(s.workers) > wanted {
			sig = syscall.SIGTTOU
		}
		next, err := t.step(wait, s, sig)
		if err != nil && len(s.workers) == before {
			return action.Done{}, err
		}
		if err != nil {
			done := workersDone(s, before)
			return action.Done{}, &action.Failure{State: action.PartlyMade, Text: err.Error(), Done: &done}
		}
		s = next
	}
	return workersDone(s, before), nil
}

// step sends one signal and waits until the number of workers has changed. An
// error that is no Failure leaves open whether it still will.
func (t *target) step(ctx context.Context, s server, sig syscall.Signal) (server, error) {
	if err := pid.Signal(s.master.ID, sig); err != nil {
		return s, action.Not("signal master %d: %s", s.master.PID, err)
	}
	for {
		now, _, err := t.again(ctx, s.master.ID)
		switch {
		case err != nil:
			return s, err
		case len(now.workers) != len(s.workers):
			return now, nil
		case !pause(ctx):
			return s, fmt.Errorf("master %d was told, and still has %s", s.master.PID, count(len(now.workers), "worker"))
		}
	}
}

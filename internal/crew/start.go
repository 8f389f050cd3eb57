package crew

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// mostWorkers bounds one order: each takes memory and a processor.
const mostWorkers = 8

func (c Crew) startChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: c.Queue + ".start_worker", Risk: action.R2,
			Does:  "Starts workers on this machine, as the target's settings declare them. They outlive Quell.",
			Undo:  "stops these workers with a warm shutdown: each finishes its job first",
			Tells: "the queue knows workers with the names of this order, and their processes live",
			Params: []probe.Param{
				{Name: "count", Type: probe.Number, Default: "1", About: fmt.Sprintf("how many; at most %d", mostWorkers)},
				action.ForParam(),
			},
		},
		Here: onHost, Look: c.lookStart, Stands: c.standsStart, Make: c.makeStart,
	}
}

// startGuard is what will be started, without what may be secret in it.
type startGuard struct {
	Program string `json:"program"` // digest of program, arguments and directory
	Number  int    `json:"number"`
}

func (c Crew) lookStart(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	if err := c.declared(); err != nil {
		return action.Preview{}, err
	}
	n := int(a.Number("count"))
	if n < 1 || n > mostWorkers || float64(n) != a.Number("count") {
		return action.Preview{}, action.Refuse(fmt.Sprintf("from 1 to %d", mostWorkers), "count is %s", a.Text("count"))
	}
	closed, err := c.Closed(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	if closed != "" {
		return action.Preview{}, action.Refuse("", "%s", closed)
	}
	alive, err := c.Alive(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Summary:  fmt.Sprintf("starts %s %s, beside %d that the queue knows", redisact.Count(n, "worker"), onHost(), alive),
		Warnings: []string{"it takes memory and connections of what the jobs use, and runs as the user that Quell runs as"},
	}
	program := action.Digest([]any{c.Daemon.Argv, c.Daemon.Dir})
	for i := 1; i <= n; i++ {
		p.Items = append(p.Items, action.Item{
			ID: fmt.Sprintf("worker %d", i), Now: "does not run", Then: "runs: " + strings.Join(c.Daemon.Argv, " "),
			Guard: redisact.Guard(startGuard{program, i}),
		})
	}
	return p, nil
}

// startTime is how long workers may take until their queue knows them: they
// load the application first.
const startTime = 30 * time.Second

func (c Crew) makeStart(ctx context.Context, s *redisapi.Session, o action.Order, _ []action.Item) (action.Done, error) {
	names := namesOf(o)
	for i, name := range names {
		if err := c.Daemon.Start(name); err != nil && !errors.Is(err, daemon.ErrTaken) {
			if i == 0 {
				return action.Done{}, action.Not("worker %d: %s", i+1, err)
			}
			break // what was started is seen below
		}
	}
	end := time.Now().Add(startTime)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-2*time.Second).Before(end) {
		end = deadline.Add(-2 * time.Second)
	}
	for {
		f, err := c.muster(ctx, s, names)
		switch {
		case err != nil:
			return action.Done{}, redisact.Plainly(err)
		case f.starting > 0 && time.Now().Before(end) && pause(ctx) == nil:
			continue
		case f.atWork == len(names):
			return c.started(names, f), nil
		case f.starting > 0:
			return action.Done{}, fmt.Errorf("after %s the queue does not know all of the workers yet", startTime)
		case f.atWork == 0:
			return action.Done{}, action.Not("%s", f.why)
		}
		done := c.started(names, f)
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: f.why, Done: &done}
	}
}

// pause waits a moment between two looks.
func pause(ctx context.Context) error {
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func namesOf(o action.Order) []string {
	names := make([]string, len(o.Preview.Items))
	for i := range names {
		names[i] = nameOf(o.Key, i+1)
	}
	return names
}

// mustered is how many of an order's workers are where.
type mustered struct {
	places                         []where
	never, starting, ended, atWork int
	why                            string // one of them ended, or was never started
}

func (c Crew) muster(ctx context.Context, s *redisapi.Session, names []string) (mustered, error) {
	known, err := c.Members(ctx, s, names)
	if err != nil {
		return mustered{}, err
	}
	f := mustered{places: make([]where, len(names))}
	for i, name := range names {
		_, place := c.process(name)
		_, registered := known[name]
		switch {
		case place == runs && registered:
			f.atWork++
		case place == runs || place == starting:
			place = starting
			f.starting++
		case place == never:
			f.never++
			f.why = fmt.Sprintf("worker %d was not started", i+1)
		default:
			f.ended++
			f.why = fmt.Sprintf("worker %d was started and has ended: %s", i+1, c.Daemon.LastWords(name))
		}
		f.places[i] = place
	}
	return f, nil
}

func (c Crew) started(names []string, f mustered) action.Done {
	d := action.Done{Summary: redisact.Count(f.atWork, "worker") + " started"}
	var live []any
	for i, place := range f.places {
		d.Items = append(d.Items, action.Result{ID: fmt.Sprintf("worker %d", i+1), OK: place == runs, Text: names[i] + " " + string(place)})
		if place == runs {
			live = append(live, names[i])
		}
	}
	if len(live) > 0 {
		d.Inverse = &action.Change{Type: c.Queue + ".stop_worker", Args: action.Args{"workers": live}}
	}
	return d
}

func (c Crew) standsStart(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	if err := c.declared(); err != nil {
		return redisact.Standing(action.CannotTell, nil, "%s", err), nil
	}
	names := namesOf(o)
	f, err := c.muster(ctx, s, names)
	if err != nil {
		return action.Standing{}, err
	}
	done := c.started(names, f)
	switch {
	case f.starting > 0:
		return redisact.Standing(action.CannotTell, nil, "%s, %d still starting", done.Summary, f.starting), nil
	case f.atWork == len(names):
		return redisact.Standing(action.Made, &done, "%s", done.Summary), nil
	case f.atWork > 0:
		return redisact.Standing(action.PartlyMade, &done, "%s; %s", done.Summary, f.why), nil
	}
	return redisact.Standing(action.NotMade, nil, "%s", f.why), nil
}

package crew

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func (c Crew) stopChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: c.Queue + ".stop_worker", Risk: action.R2,
			Does:  "Stops workers that " + c.Queue + ".start_worker has started on this machine, with a warm shutdown: each finishes its job first.",
			Tells: "the process (its number, start and boot) has ended",
			Params: []probe.Param{
				need("workers", probe.List, "names, as "+c.Queue+".start_worker gave them"),
			},
		},
		Here: onHost, Look: c.lookStop, Stands: c.standsStop, Make: c.makeStop,
	}
}

// wantedWorkers reads names; those that no order gave are refused.
func (c Crew) wantedWorkers(a action.Args) ([]string, error) {
	if err := c.declared(); err != nil {
		return nil, err
	}
	var names []string
	for _, v := range a.List("workers") {
		name, ok := v.(string)
		if _, place := c.process(name); !ok || place == never {
			return nil, action.Refuse("stop it where it was started", "%v was not started from here", v)
		}
		names = append(names, name)
	}
	if len(names) == 0 || len(names) > mostWorkers {
		return nil, action.Refuse(fmt.Sprintf("from 1 to %d", mostWorkers), "%d workers are named", len(names))
	}
	return names, nil
}

func (c Crew) lookStop(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	names, err := c.wantedWorkers(a)
	if err != nil {
		return action.Preview{}, err
	}
	known, err := c.Members(ctx, s, names)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	for _, name := range names {
		id, place := c.process(name)
		if place != runs {
			p.Warnings = append(p.Warnings, name+" "+string(place))
			continue
		}
		now := fmt.Sprintf("runs as process %d", id.PID)
		if m := known[name]; m.Job {
			now += ", works on a job"
			p.Warnings = append(p.Warnings, name+" works on a job, and ends when that is over")
		}
		p.Items = append(p.Items, action.Item{ID: name, Now: now, Then: "ended", Guard: id.String()})
	}
	if len(p.Items) == 0 {
		return action.Preview{Already: true, Summary: "none of these workers runs any more"}, nil
	}
	p.Summary = "stops " + redisact.Count(len(p.Items), "worker") + " " + onHost()
	return p, nil
}

// stopTime is how long workers are waited for; one that has a long job stops
// when that is over.
const stopTime = 20 * time.Second

func (c Crew) makeStop(ctx context.Context, s *redisapi.Session, o action.Order, items []action.Item) (action.Done, error) {
	names := make([]string, len(items))
	ids := make([]pid.ID, len(items))
	for i, item := range items {
		var err error
		if ids[i], err = pid.Parse(item.Guard); err != nil {
			return action.Done{}, action.Refuse("plan it again", "%s", err)
		}
		names[i] = item.ID
	}
	known, err := c.Members(ctx, s, names)
	if err != nil {
		return action.Done{}, err
	}
	for i, id := range ids {
		if known[names[i]].Stopping {
			continue // by somebody else's signal
		}
		if err := c.Daemon.Stop(names[i], id); err != nil {
			if i == 0 {
				return action.Done{}, action.Not("%s: %s", names[i], err)
			}
			return action.Done{}, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	patience := stopTime
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)-2*time.Second)
	}
	_ = pid.AwaitEnd(ctx, patience, ids...)
	return stopped(o), nil
}

// stopped says what has become of the workers of an order.
func stopped(o action.Order) action.Done {
	d := action.Done{}
	gone := 0
	for _, item := range o.Preview.Items {
		r := action.Result{ID: item.ID, OK: true, Text: "ended"}
		if id, err := pid.Parse(item.Guard); err == nil && pid.Lives(id) {
			r.OK, r.Text = false, "was asked to stop, and finishes its job first"
		} else {
			gone++
		}
		d.Items = append(d.Items, r)
	}
	d.Summary = redisact.Count(gone, "worker") + " ended"
	if left := len(d.Items) - gone; left > 0 {
		d.Summary += fmt.Sprintf(", %d to end after their jobs", left)
	}
	return d
}

func (c Crew) standsStop(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	names := make([]string, len(o.Preview.Items))
	for i, item := range o.Preview.Items {
		names[i] = item.ID
	}
	known, err := c.Members(ctx, s, names)
	if err != nil {
		return action.Standing{}, err
	}
	done := stopped(o)
	var gone, stopping int
	for i, r := range done.Items {
		switch {
		case r.OK:
			gone++
		case known[names[i]].Stopping, c.Daemon.Asked(names[i]):
			stopping++
		}
	}
	switch {
	case gone == len(names):
		return redisact.Standing(action.Made, &done, "%s", done.Summary), nil
	case stopping > 0:
		return redisact.Standing(action.CannotTell, nil, "%d finish their jobs first: ask again", stopping), nil
	case gone > 0:
		return redisact.Standing(action.PartlyMade, &done, "%s", done.Summary), nil
	}
	return redisact.Standing(action.NotMade, nil, "all of %d run", len(names)), nil
}

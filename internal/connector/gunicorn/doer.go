package gunicorn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// change is one type of change, as its file states it.
type change struct {
	spec action.Spec
	// plan says what the change would do to the server as it is.
	plan func(t *target, s server, a action.Args) (action.Preview, error)
	// stands tells from the server as it is whether an order was carried out.
	stands func(s server, o action.Order) action.Standing
	// apply does what is left of an order whose guards hold.
	apply func(ctx context.Context, t *target, s server, o action.Order) (action.Done, error)
}

// changes lists everything that this connector can change.
func changes() []change {
	return []change{reloadChange(), workersChange(), restartChange()}
}

// doer does one type of change on one gunicorn.
type doer struct {
	t      *target
	change change
}

// Preview implements action.Doer.
func (d doer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	if c.Type != d.change.spec.Name {
		return action.Preview{}, action.Refuse("", "%s was asked to do %s", d.change.spec.Name, c.Type)
	}
	s, err := d.t.look(ctx)
	if err != nil {
		return action.Preview{}, err
	}
	if s.halted() {
		return action.Preview{}, action.Refuse("send it CONT first", "master %d is halted, and heeds no signal", s.master.PID)
	}
	if err := s.mayBeSignalled(); err != nil {
		return action.Preview{}, err
	}
	p, err := d.change.plan(d.t, s, c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	p.Identity, p.Lasts = d.t.identity(), c.Args.Duration("for")
	return p, nil
}

// turnTime is how long one waits for another who changes the same server.
const turnTime = 5 * time.Second

// Apply implements action.Doer.
func (d doer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	release, err := pid.Turn(ctx, turnTime, d.t.identity())
	if err != nil {
		return action.Done{}, action.NotYet("%s: %s", d.t.identity(), err)
	}
	defer release()
	s, err := d.t.look(ctx)
	var unavailable *action.Unavailable
	switch {
	case errors.As(err, &unavailable):
		return action.Done{}, action.NotYet("%s", err)
	case err != nil:
		return action.Done{}, action.Not("%s", err)
	}
	standing := d.standing(s, o)
	if standing.State == action.Made {
		return *standing.Done, nil
	}
	if standing.State == action.CannotTell {
		return action.Done{}, action.Not("%s", standing.Text)
	}
	now, err := d.change.plan(d.t, s, o.Args)
	if err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	if why := moved(o.Preview, now); why != "" {
		return action.Done{}, action.Not("%s", why)
	}
	return d.change.apply(ctx, d.t, s, o)
}

// moved says what is no longer as it was approved. Items that are gone are
// allowed where the preview says so.
func moved(approved, now action.Preview) string {
	guards := map[string]string{}
	for _, i := range now.Items {
		guards[i.ID] = i.Guard
	}
	left := 0
	for _, i := range approved.Items {
		guard, there := guards[i.ID]
		if there && guard != i.Guard || !there && !approved.MayShrink {
			return fmt.Sprintf("%s has changed since this was approved: it was %s", i.ID, i.Now)
		}
		if there {
			left++
		}
	}
	if left == 0 {
		return "nothing of what was approved is there any more"
	}
	return ""
}

// settle is how long a Standing waits for a server that is in the middle of it.
const settle = 3 * time.Second

// Standing implements action.Doer. A server that is just replacing workers is
// looked at again for a moment.
func (d doer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	wait, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		s, err := d.t.look(ctx)
		standing := action.Standing{State: action.CannotTell}
		if err == nil {
			standing = d.standing(s, o)
		}
		// A reload takes the pidfile away for a moment.
		if standing.State != action.CannotTell || !pause(wait) {
			return standing, err
		}
	}
}

// standing asks one look at the server.
func (d doer) standing(s server, o action.Order) action.Standing {
	if now := d.t.identity(); o.Preview.Identity != now {
		return cannotTell("the target is another one: it was %s and is %s", o.Preview.Identity, now)
	}
	return d.change.stands(s, o)
}

func cannotTell(format string, args ...any) action.Standing {
	return action.Standing{State: action.CannotTell, Text: fmt.Sprintf(format, args...)}
}

func notMade(format string, args ...any) action.Standing {
	return action.Standing{State: action.NotMade, Text: fmt.Sprintf(format, args...)}
}

func madeOf(done action.Done) action.Standing {
	return action.Standing{State: action.Made, Text: done.Summary, Done: &done}
}

// masterItem is the master as an item: nothing but its being the same is
// guarded, since workers come and go by themselves.
func masterItem(s server, then string) action.Item {
	return action.Item{ID: "master", Now: s.String(), Then: then, Guard: s.master.ID.String()}
}

// sameMaster reports whether the master is the one of an item's guard.
func sameMaster(s server, o action.Order) bool {
	for _, i := range o.Preview.Items {
		if i.ID == "master" {
			return i.Guard == s.master.ID.String()
		}
	}
	return false
}

var _ action.Doer = doer{}

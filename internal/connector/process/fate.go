package process

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// fate is what has become of one instance since it was approved.
type fate string

// The fates.
const (
	made    fate = "made"
	same    fate = "as it was approved"
	half    fate = "stopped, and not started"
	other   fate = "another run than was approved, from before the decision" // somebody else was faster
	again   fate = "ended, and running again"
	unknown fate = "not known to have done so"
)

// fates are what has become of the instances of an order.
type fates struct {
	order action.Order
	now   []instance // in the order of the items; one that is no more has no name
	each  []fate
}

func (d doer) fates(o action.Order, found []instance) fates {
	byName := map[string]instance{}
	for _, i := range found {
		byName[i.name] = i
	}
	f := fates{order: o}
	for _, item := range o.Preview.Items {
		now, ok := byName[item.ID]
		if !ok { // a container that was taken away
			now = instance{state: "is no more"}
		}
		f.now = append(f.now, now)
		f.each = append(f.each, judge(d.act.verb, item.Guard, now, o.Intended))
	}
	return f
}

// judge tells from what is there now whether a verb was done.
func judge(v verb, guard string, now instance, intended time.Time) fate {
	since := pid.Since(now.started, intended)
	unchanged := now.guard() == guard
	switch v {
	case start:
		if now.runs() {
			return made
		}
		return same
	case stop:
		switch {
		case !now.runs():
			return made
		case unchanged:
			return same
		}
		return again
	case restart:
		switch {
		case unchanged:
			return same
		case !now.runs():
			return half
		case since:
			return made
		}
		return other
	}
	return judgeReload(unchanged, now, intended)
}

// judgeReload asks what the service or its manager shows of a reload. A
// process that has ended meanwhile has not been reloaded.
func judgeReload(unchanged bool, now instance, intended time.Time) fate {
	switch {
	case !now.runs():
		return half
	case !unchanged:
		return other
	case !now.wholeSince.IsZero() && pid.Since(now.wholeSince, intended):
		return made
	case !now.latest.IsZero() && !pid.Since(now.latest, intended):
		return same
	}
	return unknown
}

// standing sums the fates up.
func (f fates) standing(a act) action.Standing {
	count := map[fate]int{}
	for _, e := range f.each {
		count[e]++
	}
	n := len(f.each)
	text := fmt.Sprintf("%s: %d of %d", a.past, count[made], n)
	for k, e := range f.each {
		if e != made {
			text += fmt.Sprintf("; %s is %s: %s", f.order.Preview.Items[k].ID, e, f.now[k].now())
		}
	}
	s := action.Standing{State: action.PartlyMade, Text: text}
	switch {
	case count[made] == n:
		s.State = action.Made
	case count[again] > 0, count[unknown] > 0:
		s.State = action.CannotTell
	case a.verb == reload && count[half] > 0: // the signal, or something else, has ended it
		s.State = action.CannotTell
	case count[made]+count[half] == 0:
		s.State = action.NotMade
	}
	return s
}

// stillSo refuses an order of which an instance is not as it was approved.
func (f fates) stillSo() error {
	for n, e := range f.each {
		item := f.order.Preview.Items[n]
		if f.now[n].name == "" || f.now[n].guard() != item.Guard {
			return action.Not("%s has changed since this was approved: it was %s and now %s (%s)", item.ID, item.Now, f.now[n].now(), e)
		}
		if f.now[n].moving {
			return action.NotYet("%s is %s: its manager is busy with it", item.ID, f.now[n].state)
		}
	}
	return nil
}

// halfDone are the instances that a restart has stopped and not started; none
// where one is left that it has not done anything to, or that is busy.
func (f fates) halfDone() (stopped []instance) {
	for n, e := range f.each {
		switch {
		case e == half && f.now[n].name != "" && !f.now[n].moving:
			stopped = append(stopped, f.now[n])
		case e != made:
			return nil
		}
	}
	return stopped
}

// leftOf are the processes that outlive the runs that an order was for: those
// of a main process's session or group, which it led. Of containers and units
// nothing is known here: their managers see to them.
func leftOf(ctx context.Context, o action.Order) []pid.Process {
	led := map[int]bool{}
	for _, i := range o.Preview.Items {
		if main, err := pid.Parse(i.Guard); err == nil {
			led[main.PID] = true
		}
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return nil
	}
	var left []pid.Process
	for _, p := range tree.Processes() {
		if (led[p.Session] || led[p.Group]) && !p.Dead() {
			left = append(left, p)
		}
	}
	return left
}

// same reports whether every instance still is the run that was approved.
func (f fates) same() bool {
	for n, i := range f.now {
		if i.guard() != f.order.Preview.Items[n].Guard {
			return false
		}
	}
	return true
}

func (f fates) instances() []instance { return f.now }

// over names the instances that it was done to.
func (f fates) over() []string {
	var out []string
	for n, e := range f.each {
		if e == made || e == unknown {
			out = append(out, f.order.Preview.Items[n].ID)
		}
	}
	return out
}

func (f fates) results() []action.Result {
	out := make([]action.Result, len(f.each))
	for n, e := range f.each {
		out[n] = action.Result{ID: f.order.Preview.Items[n].ID, OK: e == made, Text: f.now[n].now()}
	}
	return out
}

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// change is one type of change, as its file states it.
type change struct {
	spec action.Spec
	// plan says what the change would do now; it reads only.
	plan func(ctx context.Context, t *target, a action.Args) (action.Preview, error)
	// stands tells from the machine alone whether an order was carried out.
	stands func(ctx context.Context, t *target, o action.Order) (action.Standing, error)
	// apply does the items of an order that are still as they were approved.
	apply func(ctx context.Context, t *target, o action.Order, items []action.Item) (action.Done, error)
}

// changes lists everything that this connector can change.
func changes() []change {
	return []change{signalChange(), portChange(), freeChange(), restoreChange()}
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	for _, c := range changes() {
		if c.spec.Name == name {
			return doer{t: t, change: c}, true
		}
	}
	return nil, false
}

// doer does one type of change on this machine.
type doer struct {
	t      *target
	change change
}

// identity says which machine it is: another boot of it has other processes.
func (t *target) identity() (string, error) {
	boot, err := pid.Boot()
	if err != nil {
		return "", &action.Unavailable{Text: err.Error()}
	}
	host, err := os.Hostname()
	if err != nil {
		return "", &action.Unavailable{Text: "find out what this machine is called: " + err.Error()}
	}
	return fmt.Sprintf("host %s, boot %s", host, boot), nil
}

// usable refuses to change a machine that is only looked at from elsewhere:
// its process numbers and paths mean others here.
func (t *target) usable() error {
	switch {
	case t.closed.Load():
		return &action.Unavailable{Text: "the target is closed"}
	case !t.config.own() || t.config.Root != "":
		return action.Refuse("run quell there", "the target shows another machine (proc is %s): nothing is changed from here", t.config.Proc)
	}
	return nil
}

// Preview implements action.Doer.
func (d doer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	if c.Type != d.change.spec.Name {
		return action.Preview{}, action.Refuse("", "%s was asked to do %s", d.change.spec.Name, c.Type)
	}
	if err := d.t.usable(); err != nil {
		return action.Preview{}, err
	}
	if err := ctx.Err(); err != nil {
		return action.Preview{}, &action.Unavailable{Text: "the time is over: " + err.Error()}
	}
	identity, err := d.t.identity()
	if err != nil {
		return action.Preview{}, err
	}
	p, err := d.change.plan(ctx, d.t, c.Args)
	if err != nil {
		return action.Preview{}, unavailable(err)
	}
	p.Identity = identity
	return d.t.redacted(p), nil
}

// unavailable is an error of looking, as the engine knows it.
func unavailable(err error) error {
	var refusal *action.Refusal
	var already *action.Unavailable
	if errors.As(err, &refusal) || errors.As(err, &already) {
		return err
	}
	return &action.Unavailable{Text: err.Error()}
}

// turnTime is how long one waits for another who carries out the same.
const turnTime = 5 * time.Second

// Apply implements action.Doer.
func (d doer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	release, err := pid.Turn(ctx, turnTime, d.change.spec.Name+" "+action.Digest(o.Preview.Items))
	if err != nil {
		return action.Done{}, action.NotYet("%s: %s", d.change.spec.Name, err)
	}
	defer release()
	standing, err := d.Standing(ctx, withoutDone(o))
	switch {
	case err != nil:
		return action.Done{}, action.Not("%s", err)
	case standing.State == action.Made:
		return *standing.Done, nil
	}
	now, err := d.Preview(ctx, o.Change)
	if err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	items, err := stillSo(o.Preview, now)
	if err != nil {
		return action.Done{}, err
	}
	return d.change.apply(ctx, d.t, o, items)
}

func withoutDone(o action.Order) action.Order {
	o.Done = nil
	return o
}

// stillSo returns the approved items that are as they were.
func stillSo(approved, now action.Preview) ([]action.Item, error) {
	if approved.Identity != now.Identity {
		return nil, action.Not("the target is another one: it was %s and is %s", approved.Identity, now.Identity)
	}
	there := map[string]action.Item{}
	for _, i := range now.Items {
		there[i.ID] = i
	}
	var left []action.Item
	for _, i := range approved.Items {
		is, ok := there[i.ID]
		switch {
		case ok && is.Guard == i.Guard:
			left = append(left, i)
		case ok:
			return nil, action.Not("%s has changed since this was approved: it was %s and is %s", i.ID, i.Now, is.Now)
		case !approved.MayShrink:
			return nil, action.Not("%s is no longer there, or must be left alone now", i.ID)
		}
	}
	if len(left) == 0 {
		return nil, action.Not("nothing of what was approved is there any more")
	}
	return left, nil
}

// Standing implements action.Doer.
func (d doer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	if err := d.t.usable(); err != nil {
		return action.Standing{}, unavailable(err)
	}
	identity, err := d.t.identity()
	if err != nil {
		return action.Standing{}, err
	}
	if identity != o.Preview.Identity {
		return cannotTell("the target is another one: it was %s and is %s", o.Preview.Identity, identity), nil
	}
	s, err := d.change.stands(ctx, d.t, o)
	if err != nil {
		return action.Standing{}, unavailable(err)
	}
	return s, nil
}

func cannotTell(format string, args ...any) action.Standing {
	return action.Standing{State: action.CannotTell, Text: fmt.Sprintf(format, args...)}
}

// summed is a Standing by what was seen of each item: ok where it was done.
func summed(done action.Done) action.Standing {
	over := 0
	for _, r := range done.Items {
		if r.OK {
			over++
		}
	}
	s := action.Standing{State: action.PartlyMade, Text: done.Summary, Done: &done}
	switch over {
	case len(done.Items):
		s.State = action.Made
	case 0:
		s.State, s.Done = action.NotMade, nil
	}
	return s
}

// redacted hides secrets in the texts of a preview. Guards hold none.
func (t *target) redacted(p action.Preview) action.Preview {
	p.Summary = t.tools.Redact.Text(p.Summary)
	for n := range p.Items {
		p.Items[n].Now = t.tools.Redact.Text(p.Items[n].Now)
	}
	for n := range p.Warnings {
		p.Warnings[n] = t.tools.Redact.Text(p.Warnings[n])
	}
	return p
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// size writes bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 10<<30:
		return fmt.Sprintf("%d GB", bytes>>30)
	case bytes >= 10<<20:
		return fmt.Sprintf("%d MB", bytes>>20)
	case bytes >= 10<<10:
		return fmt.Sprintf("%d kB", bytes>>10)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

var (
	_ action.Changer = (*target)(nil)
	_ action.Doer    = doer{}
)

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// Bounds of clearing up after a build that failed. It goes on when the time of
// the build is over, but not for long: whoever waits wants an answer.
const (
	sweepTime = 8 * time.Second
	sweepLock = 3 * time.Second
)

// leftover is an invalid index to drop; none: the zero value. standing is how
// the order stands as long as it lies there.
type leftover struct {
	name     relation
	standing action.Standing
}

// sweep ends a build that failed: it drops what the build has left, in a session
// of its own, since that of the build may be gone, and says what has become of
// the order. find names what is left, as long as anything is. Until the server
// has stopped a build whose session was cut, nothing is dropped.
func (v *visit) sweep(ctx context.Context, o action.Order, failed error, find func(context.Context, asker) (leftover, error)) (action.Done, error) {
	why := v.t.outcome(failed)
	last, err := v.t.swept(ctx, o, find)
	var failure *action.Failure
	switch {
	case err != nil && last.standing.State == action.PartlyMade:
		return action.Done{}, &action.Failure{State: action.PartlyMade, Done: last.standing.Done, Text: fmt.Sprintf("%s; %s: %s", why, last.standing.Text, err)}
	case err != nil:
		return action.Done{}, fmt.Errorf("%w; an invalid index may be left: %s", why, err.Error())
	case last.standing.State == action.Made: // it came through after all
		return *last.standing.Done, nil
	case last.standing.State == action.NotMade && !errors.As(why, &failure):
		return action.Done{}, action.NotYet("it was stopped, and nothing of it is left: %s", why)
	}
	return action.Done{}, why
}

func (t *Target) swept(ctx context.Context, o action.Order, find func(context.Context, asker) (leftover, error)) (leftover, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTime)
	defer cancel()
	v, err := t.visit(ctx, changing(bounds{lock: sweepLock, statement: sweepTime - time.Second}, false))
	if err != nil {
		return leftover{}, t.unknown(err)
	}
	defer v.close()
	if err := v.stopped(ctx, o); err != nil {
		return leftover{}, err
	}
	for {
		l, err := find(ctx, v.ask)
		if err != nil {
			return l, t.unknown(err)
		}
		if l.name == (relation{}) {
			return l, nil
		}
		if _, err := v.do(ctx, o.Key, "DROP INDEX CONCURRENTLY IF EXISTS "+l.name.quoted()); err != nil {
			return l, fmt.Errorf("drop %s: %s", l.name, t.failure(err).Reason)
		}
	}
}

// cleared drops what a stopped run of the order has left, before the order is
// finished. Its errors say that the order is as partly made as before.
func (v *visit) cleared(ctx context.Context, o action.Order, find func(context.Context, asker) (leftover, error)) (action.Standing, error) {
	last, err := v.t.swept(ctx, o, find)
	if err != nil && last.standing.State == action.PartlyMade {
		err = &action.Failure{State: action.PartlyMade, Done: last.standing.Done, Text: fmt.Sprintf("%s: %s", last.standing.Text, err)}
	}
	return last.standing, err
}

// stopped waits until no session but that of the build, if it is still ours
// and idle, works on the order.
func (v *visit) stopped(ctx context.Context, o action.Order) error {
	for {
		r, err := v.ask(ctx, `SELECT a.pid FROM pg_stat_activity a WHERE a.state = 'active' AND a.pid IN (`+underwaySQL(o)+`)`)
		if err != nil {
			return v.t.unknown(err)
		}
		if len(r.rows) == 0 {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("session %.0f of the server still builds", num(r.first(), "pid"))
		}
	}
}

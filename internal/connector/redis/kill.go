package redis

import (
	"context"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// makeKill closes each client with one command that holds all of its guard.
func makeKill(ctx context.Context, s *redisapi.Session, o action.Order, items []action.Item) (action.Done, error) {
	guards, err := redisact.ReadGuards[clientGuard](items)
	if err != nil {
		return action.Done{}, err
	}
	var cmds [][]any
	for _, g := range guards {
		// A client is of one class alone; who is of neither is not closed.
		cmds = append(cmds, g.killCommand("normal"), g.killCommand("pubsub"))
	}
	// They differ in numbers alone: where one is refused, all are.
	if _, err := s.All(ctx, cmds...); err != nil {
		return action.Done{}, err
	}
	return awaitKill(ctx, s, o)
}

// killTime is how long the server may take to close a client that it still
// writes to.
const killTime = 2 * time.Second

func awaitKill(ctx context.Context, s *redisapi.Session, o action.Order) (action.Done, error) {
	for end := time.Now().Add(killTime); ; {
		f, err := killFates(ctx, s, o)
		if err != nil {
			return action.Done{}, redisact.Plainly(err)
		}
		if f.there == 0 || time.Now().After(end) || pause(ctx, 20*time.Millisecond) != nil {
			return f.done(), nil
		}
	}
}

// fates are what has become of the approved clients.
type fates struct {
	results     []action.Result
	gone, there int
}

func killFates(ctx context.Context, s *redisapi.Session, o action.Order) (fates, error) {
	var f fates
	guards, err := redisact.ReadGuards[clientGuard](o.Preview.Items)
	if err != nil {
		return f, err
	}
	ids := make([]int64, len(guards))
	for i, g := range guards {
		ids[i] = g.ID
	}
	there, err := clientsByID(ctx, s, ids)
	if err != nil {
		return f, err
	}
	for i, id := range ids {
		r := action.Result{ID: o.Preview.Items[i].ID}
		switch c, ok := there[id]; {
		case !ok:
			r.OK, r.Text = true, "closed"
			f.gone++
		case active(c, o.Args):
			r.Text = "left alone: it has been active since"
		default:
			r.Text = "still there"
			f.there++
		}
		f.results = append(f.results, r)
	}
	return f, nil
}

func (f fates) done() action.Done {
	return action.Done{Summary: redisact.Count(f.gone, "connection") + " closed", Items: f.results}
}

func standsKill(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	f, err := killFates(ctx, s, o)
	if err != nil {
		return action.Standing{}, err
	}
	done := f.done()
	switch {
	case f.gone == 0:
		return redisact.Standing(action.NotMade, nil, "all %d are still connected", len(f.results)), nil
	case f.there > 0:
		return redisact.Standing(action.PartlyMade, &done, "%s, %d still there", done.Summary, f.there), nil
	}
	return redisact.Standing(action.Made, &done, "%s", done.Summary), nil
}

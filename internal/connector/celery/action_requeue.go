package celery

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// fromUnacked is the place of what workers have taken.
const fromUnacked = "unacked"

func (b broker) requeueChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "celery.requeue", Risk: action.R2,
			Does:  "Gives back to their queue what workers have taken and never acknowledged, as kombu does after its visibility timeout; or moves messages from one list (of dead letters) into a queue.",
			Tells: "that delivery is no longer among the unacknowledged, or the message no longer in the list",
			Params: append([]probe.Param{
				{Name: "from", Type: probe.Text, Default: fromUnacked, About: "unacked, or the name of a list"},
				{Name: "to", Type: probe.Text, Default: `""`, About: "queue to move into; unacked messages go where they were sent to"},
				{Name: "older", Type: probe.Duration, Default: "1h", About: "of the unacked, those taken at least so long ago"},
			}, messageParams()...),
		},
		Keys: true, Look: b.lookRequeue, Stands: b.standsRequeue, Make: b.makeRequeue,
	}
}

func (b broker) lookRequeue(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	w, err := readWanted(a)
	if err != nil {
		return action.Preview{}, err
	}
	if a.Text("from") == fromUnacked {
		if a.Text("to") != "" {
			return action.Preview{}, action.Refuse("leave to away", "unacknowledged messages go back where they were sent to")
		}
		return b.lookUnacked(ctx, s, w, a)
	}
	return b.lookMove(ctx, s, w, a)
}

func (b broker) makeRequeue(ctx context.Context, s *redisapi.Session, o action.Order, approved []action.Item) (action.Done, error) {
	make := b.makeMove
	if o.Args.Text("from") == fromUnacked {
		make = b.makeUnacked
	}
	if err := make(ctx, s, o, approved); err != nil {
		return action.Done{}, err
	}
	return concluded(ctx, s, o, b.standsRequeue)
}

func (b broker) standsRequeue(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	moved, err := b.moved(ctx, s, o)
	if o.Args.Text("from") == fromUnacked {
		moved, err = b.givenBack(ctx, s, o)
	}
	if err != nil {
		return action.Standing{}, err
	}
	return tally(o.Preview.Items, moved, "requeued", nil), nil
}

// lookMove shows the messages of a list that would go into a queue.
func (b broker) lookMove(ctx context.Context, s *redisapi.Session, w wanted, a action.Args) (action.Preview, error) {
	from, to := a.Text("from"), a.Text("to")
	switch {
	case !isQueue(from) || !isQueue(to):
		return action.Preview{}, action.Refuse("say from and to", "%q and %q are not two names of queues", redisapi.Clip(from), redisapi.Clip(to))
	case from == to:
		return action.Preview{}, action.Refuse("", "from and to are the same queue")
	}
	found, err := w.find(ctx, s, []string{b.prefix + from})
	if err != nil {
		return action.Preview{}, err
	}
	if len(found) == 0 {
		return action.Preview{Already: true, Summary: "none of these tasks is in " + from}, nil
	}
	return action.Preview{
		MayShrink: true, MayGrow: true, Items: items(found, "waits in "+to),
		Summary:  fmt.Sprintf("moves %s from %s to %s", redisact.Count(len(found), "task"), from, to),
		Warnings: []string{"what a task had done before it came there, it may do again"},
	}, nil
}

// move moves messages from one list to another, each wholly or not at all: to
// the end behind those that wait.
//
// KEYS: from, to. ARGV: texts, oldest first.
const move = `
local moved = 0
for i = 1, #ARGV do
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) > 0 then
    redis.call('LPUSH', KEYS[2], ARGV[i])
    moved = moved + 1
  end
end
return moved`

func (b broker) makeMove(ctx context.Context, s *redisapi.Session, o action.Order, approved []action.Item) error {
	guards, err := redisact.ReadGuards[waitingGuard](approved)
	if err != nil {
		return err
	}
	keys := []string{b.prefix + o.Args.Text("from"), b.prefix + o.Args.Text("to")}
	return inChunks(ctx, s, guards, func(_ waitingGuard, text string) []any { return []any{text} }, func(args []any) error {
		_, err := s.Run(ctx, move, keys, args...)
		return err
	})
}

// moved reports which messages of an order are no longer in their list.
func (b broker) moved(ctx context.Context, s *redisapi.Session, o action.Order) ([]bool, error) {
	guards, err := redisact.ReadGuards[waitingGuard](o.Preview.Items)
	if err != nil {
		return nil, err
	}
	still, err := texts(ctx, s, guards)
	out := make([]bool, len(guards))
	for i, g := range guards {
		_, there := still[g]
		out[i] = !there
	}
	return out, err
}

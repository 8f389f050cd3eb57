package celery

import (
	"context"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// restoreChange takes celery.drop back.
func (b broker) restoreChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "celery.restore", Risk: action.R2,
			Does:   "Takes celery.drop back: puts the copies of messages back into their queue, in their order, to be taken first.",
			Tells:  "the copy is gone, which the same script takes that puts the message back",
			Params: []probe.Param{{Name: "order", Type: probe.Text, About: "the key of the order that took them out"}},
		},
		Keys: true, Look: b.lookRestore, Stands: b.standsRestore, Make: b.makeRestore,
	}
}

// restore puts messages back at the end where workers take from.
//
// KEYS: the copies, their order. ARGV: digests, newest first.
const restore = `
local back = 0
for i = 1, #ARGV do
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if kept and kept ~= '' then
    local c = cmsgpack.unpack(kept)
    redis.call('RPUSH', c[1], c[2])
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('LREM', KEYS[2], 1, ARGV[i])
    back = back + 1
  end
end
return back`

func (b broker) lookRestore(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	key := keptKey(a.Text("order"))
	v, err := s.One(ctx, "LRANGE", key+":order", 0, mostMessages)
	if err != nil {
		return action.Preview{}, err
	}
	digests := redisapi.Texts(v)
	var cmds [][]any
	for _, d := range digests {
		cmds = append(cmds, []any{"HSTRLEN", key, d})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	for i, d := range digests {
		if replies[i].Val == int64(0) {
			p.Warnings = append(p.Warnings, "of message "+d[:12]+" no copy was kept")
			continue
		}
		p.Items = append(p.Items, action.Item{ID: "message " + d[:12], Now: "a copy is kept", Then: "back in its queue", Guard: redisact.Guard(waitingGuard{Digest: d})})
	}
	if len(p.Items) == 0 {
		return action.Preview{Already: true, Summary: "no copies of this order are kept (any more)", Warnings: p.Warnings}, nil
	}
	p.Summary = "puts " + redisact.Count(len(p.Items), "task") + " back into their queue"
	return p, nil
}

func (b broker) makeRestore(ctx context.Context, s *redisapi.Session, o action.Order, approved []action.Item) (action.Done, error) {
	guards, err := redisact.ReadGuards[waitingGuard](approved)
	if err != nil {
		return action.Done{}, err
	}
	slices.Reverse(guards)
	key := keptKey(o.Args.Text("order"))
	for i := 0; i < len(guards); i += chunk {
		var args []any
		for _, g := range guards[i:min(i+chunk, len(guards))] {
			args = append(args, g.Digest)
		}
		if _, err := s.Run(ctx, restore, []string{key, key + ":order"}, args...); err != nil {
			if i > 0 {
				err = redisact.Plainly(err) // those before it are back
			}
			return action.Done{}, err
		}
	}
	return concluded(ctx, s, o, b.standsRestore)
}

func (b broker) standsRestore(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	guards, err := redisact.ReadGuards[waitingGuard](o.Preview.Items)
	if err != nil {
		return action.Standing{}, err
	}
	var cmds [][]any
	for _, g := range guards {
		cmds = append(cmds, []any{"HEXISTS", keptKey(o.Args.Text("order")), g.Digest})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return action.Standing{}, err
	}
	moved := make([]bool, len(guards))
	for i := range guards {
		moved[i] = replies[i].Val == int64(0)
	}
	return tally(o.Preview.Items, moved, "put back", nil), nil
}

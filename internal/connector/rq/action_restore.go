package rq

import (
	"context"
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// restoreChange takes rq.drop back.
func restoreChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "rq.restore", Risk: action.R2,
			Does:  "Takes rq.drop back: puts the copies of jobs back where they were, in their order, those of a queue at its front.",
			Tells: "the copy is gone, which the same script takes that puts the job back",
			Params: []probe.Param{
				{Name: "queue", Type: probe.Text, Default: "default", About: "as it was given to rq.drop"},
				{Name: "from", Type: probe.Text, Default: "queue", About: "as it was given to rq.drop"},
				{Name: "order", Type: probe.Text, About: "the key of the order that dropped them"},
			},
		},
		Keys: true, Look: lookRestore, Stands: standsRestore, Make: makeRestore,
	}
}

// restore puts jobs back, each wholly or not at all. One that exists again is
// left, and so is its copy.
//
// KEYS: the place, the copies, their order, rq:queues. ARGV: "list" or "set",
// and the ids, last first.
const restore = `
local back = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local job, kept = 'rq:job:' .. id, redis.call('HGET', KEYS[2], id)
  if kept and kept ~= '' and redis.call('EXISTS', job) == 0 then
    local c = cmsgpack.unpack(kept)
    redis.call('RESTORE', job, math.max(c[3], 0), c[2])
    if c[4] then redis.call('RESTORE', job .. ':dependents', 0, c[4], 'REPLACE') end
    if c[5] then redis.call('RESTORE', 'rq:results:' .. id, math.max(c[6], 0), c[5], 'REPLACE') end
    if ARGV[1] == 'list' then
      redis.call('LPUSH', KEYS[1], id)
      redis.call('SADD', KEYS[4], KEYS[1])
    else
      redis.call('ZADD', KEYS[1], c[1], id)
    end
    redis.call('HDEL', KEYS[2], id)
    redis.call('LREM', KEYS[3], 1, id)
    back = back + 1
  end
end
return back`

// keptJobs lists the ids of the copies of an order, in the order in which the
// jobs stood.
func keptJobs(ctx context.Context, s *redisapi.Session, order string) ([]string, error) {
	v, err := s.One(ctx, "LRANGE", keptKey(order)+":order", 0, mostJobs)
	return redisapi.Texts(v), err
}

func lookRestore(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	place := wanted{queue: a.Text("queue"), place: a.Text("from")}
	if !slices.Contains(places, place.place) {
		return action.Preview{}, action.Refuse("", "nothing is dropped from %q", redisapi.Clip(place.place))
	}
	ids, err := keptJobs(ctx, s, a.Text("order"))
	if err != nil {
		return action.Preview{}, err
	}
	var cmds [][]any
	for _, id := range ids {
		cmds = append(cmds, []any{"EXISTS", jobPrefix + id}, []any{"HSTRLEN", keptKey(a.Text("order")), id})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	for i, id := range ids {
		switch {
		case replies[2*i+1].Val == int64(0):
			p.Warnings = append(p.Warnings, "of job "+id+" no copy was kept")
		case replies[2*i].Val == int64(1):
			p.Warnings = append(p.Warnings, "job "+id+" exists again, and is left as it is")
		default:
			p.Items = append(p.Items, action.Item{ID: id, Now: "a copy is kept", Then: "back in " + place.text(), Guard: redisact.Guard(jobGuard{ID: id, Place: place.place})})
		}
	}
	if len(p.Items) == 0 {
		return action.Preview{Already: true, Summary: "no copies of this order are kept (any more)", Warnings: p.Warnings}, nil
	}
	p.Summary = fmt.Sprintf("puts %s back into %s", redisact.Count(len(p.Items), "job"), place.text())
	return p, nil
}

func makeRestore(ctx context.Context, s *redisapi.Session, o action.Order, items []action.Item) (action.Done, error) {
	place, list := wanted{queue: o.Args.Text("queue"), place: o.Args.Text("from")}.key()
	shape := "set"
	if list {
		shape = "list"
	}
	order := o.Args.Text("order")
	keys := []string{place, keptKey(order), keptKey(order) + ":order", queuesKey}
	backwards := slices.Clone(items)
	slices.Reverse(backwards)
	for step := range slices.Chunk(backwards, batch) {
		args := []any{shape}
		for _, i := range step {
			args = append(args, i.ID)
		}
		if _, err := s.Run(ctx, restore, keys, args...); err != nil {
			if step[0].ID != backwards[0].ID {
				err = redisact.Plainly(err) // those before it are back
			}
			return action.Done{}, err
		}
		if err := pause(ctx, batchPause); err != nil {
			return action.Done{}, err
		}
	}
	standing, err := standsRestore(ctx, s, o)
	switch {
	case err != nil:
		return action.Done{}, redisact.Plainly(err)
	case standing.Done == nil:
		return action.Done{}, action.Not("none of these jobs could be put back: look again")
	}
	return *standing.Done, nil
}

func standsRestore(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	guards, err := redisact.ReadGuards[jobGuard](o.Preview.Items)
	if err != nil {
		return action.Standing{}, err
	}
	var cmds [][]any
	for _, g := range guards {
		cmds = append(cmds, []any{"HEXISTS", keptKey(o.Args.Text("order")), g.ID})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return action.Standing{}, err
	}
	same := map[string]bool{}
	for i, g := range guards {
		same[g.ID] = replies[i].Val == int64(1)
	}
	return tally(guards, same, "put back", "still only a copy", nil), nil
}

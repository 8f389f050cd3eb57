package rq

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func dropChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "rq.drop", Risk: action.R3,
			Does:     "Takes jobs out of a queue or a registry and deletes them, keeping a copy on the server for a time.",
			Undo:     "puts the copies back where they were, while they are kept; not after `keep: 0s`",
			Tells:    "the copy of the job, which is made by the same script that deletes it (quell:kept:…)",
			Destroys: "the jobs, once their copies have ended",
			Captures: []string{"rq.queues"},
			Params: append(jobParams(100),
				probe.Param{Name: "from", Type: probe.Text, Default: "queue", About: "queue, failed, deferred, scheduled, canceled or finished; running jobs are not touched"},
				probe.Param{Name: "keep", Type: probe.Duration, Default: "24h", About: "how long copies are kept, up to 7d; 0s: not at all"},
			),
		},
		Keys: true, Look: lookDrop, Stands: standsDrop, Make: makeDrop,
	}
}

// places are where jobs may be dropped from.
var places = []string{"queue", "failed", "deferred", "scheduled", "canceled", "finished"}

// Bounds of the copies: they stay in the server's memory, of which there may be
// little just now.
const (
	mostKept    = 32 << 20 // bytes
	longestKept = 7 * 24 * time.Hour
	// markKept is how long the mark of a job without a copy stays.
	markKept = 24 * time.Hour
)

// keptKey holds the copies of one order: a hash by id, and their order in a list.
func keptKey(order string) string { return "quell:kept:" + order }

// drop deletes jobs that are still the ones that were approved, each wholly or
// not at all, as Job.delete of RQ does.
//
// KEYS: the place, the copies, their order. ARGV: "list" or "set", seconds to
// keep, "copy" or "mark", and for each job id, score, enqueued_at and ended_at.
const drop = `
local dropped = 0
for i = 4, #ARGV, 4 do
  local id = ARGV[i]
  local job, deps, results = 'rq:job:' .. id, 'rq:job:' .. id .. ':dependents', 'rq:results:' .. id
  local h = redis.call('HMGET', job, 'enqueued_at', 'ended_at')
  local there = 0
  if (h[1] or '') == ARGV[i + 2] and (h[2] or '') == ARGV[i + 3] then
    if ARGV[1] == 'list' then
      there = redis.call('LREM', KEYS[1], 1, id)
    elseif redis.call('ZSCORE', KEYS[1], id) == ARGV[i + 1] then
      there = redis.call('ZREM', KEYS[1], id)
    end
  end
  if there > 0 then
    local kept = ''
    if ARGV[3] == 'copy' then
      kept = cmsgpack.pack({ARGV[i + 1], redis.call('DUMP', job), redis.call('PTTL', job), redis.call('DUMP', deps), redis.call('DUMP', results), redis.call('PTTL', results)})
    end
    redis.call('HSET', KEYS[2], id, kept)
    redis.call('RPUSH', KEYS[3], id)
    redis.call('DEL', job, deps, 'rq:job::' .. id .. ':dependencies', results)
    dropped = dropped + 1
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[2])
return dropped`

func lookDrop(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	w, err := readWanted(a, a.Text("from"))
	switch keep := a.Duration("keep"); {
	case err != nil:
		return action.Preview{}, err
	case !slices.Contains(places, w.place):
		return action.Preview{}, action.Refuse("from is one of "+redisact.Few(places, len(places)), "jobs are not dropped from %q", redisapi.Clip(w.place))
	case keep < 0 || keep > longestKept || keep > 0 && keep < time.Minute:
		return action.Preview{}, action.Refuse("from 1m to 7d, or 0s", "copies are not kept for %s", a.Text("keep"))
	}
	f, err := w.find(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true, MayGrow: true}
	p.Items, p.Warnings = f.items("deleted")
	if len(p.Items) == 0 {
		return action.Preview{Already: true, Summary: fmt.Sprintf("none of these jobs is in %s", w.text()), Warnings: p.Warnings}, nil
	}
	p.Summary = fmt.Sprintf("deletes %s from %s", redisact.Count(len(p.Items), "job"), w.text())
	return p, adviseDrop(&p, f, a)
}

// text is a place for people.
func (w wanted) text() string {
	if w.place == "queue" {
		return "queue " + w.queue
	}
	return fmt.Sprintf("the %s jobs of queue %s", w.place, w.queue)
}

func adviseDrop(p *action.Preview, f found, a action.Args) error {
	var bytes, waiting int64
	for _, j := range f.jobs {
		bytes, waiting = bytes+j.bytes, waiting+j.dependents
	}
	if waiting > 0 {
		p.Warnings = append(p.Warnings, redisact.Count(waiting, "job")+" wait for these, and will wait for ever")
	}
	if left := f.total - int64(len(f.jobs)); left > 0 {
		p.Warnings = append(p.Warnings, redisact.Count(left, "job")+" stay there")
	}
	if a.Duration("keep") == 0 {
		p.Risk, p.Undo = action.R4, "cannot be taken back: no copies are kept"
		p.Warnings = append(p.Warnings, "no copies are kept: these jobs are lost")
		return nil
	}
	if bytes > mostKept {
		return action.Refuse("drop fewer at a time, or keep: 0s", "the copies would take %d MiB of the server's memory, and at most %d are kept", bytes>>20, mostKept>>20)
	}
	p.Warnings = append(p.Warnings, "copies stay in the server's memory for "+a.Text("keep"))
	return nil
}

func makeDrop(ctx context.Context, s *redisapi.Session, o action.Order, items []action.Item) (action.Done, error) {
	guards, err := redisact.ReadGuards[jobGuard](items)
	if err != nil {
		return action.Done{}, err
	}
	place, list := wanted{queue: o.Args.Text("queue"), place: o.Args.Text("from")}.key()
	shape, how, kept := "set", "copy", o.Args.Duration("keep")
	if list {
		shape = "list"
	}
	if kept == 0 {
		how, kept = "mark", markKept
	}
	keys := []string{place, keptKey(o.Key), keptKey(o.Key) + ":order"}
	for i := 0; i < len(guards); i += batch {
		args := []any{shape, int64(kept.Seconds()), how}
		for _, g := range guards[i:min(i+batch, len(guards))] {
			args = append(args, g.ID, g.Score, g.Enqueued, g.Ended)
		}
		if _, err := s.Run(ctx, drop, keys, args...); err != nil {
			if i > 0 {
				err = redisact.Plainly(err) // those before it were dropped
			}
			return action.Done{}, err
		}
		if err := pause(ctx, batchPause); err != nil {
			return action.Done{}, err
		}
	}
	standing, err := standsDrop(ctx, s, o)
	switch {
	case err != nil:
		return action.Done{}, redisact.Plainly(err)
	case standing.Done == nil:
		return action.Done{}, action.Not("every one of these jobs has moved on since this was approved: look again")
	}
	return *standing.Done, nil
}

// standsDrop looks for the copies. Where they have ended already, it looks for
// the jobs.
func standsDrop(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	guards, err := redisact.ReadGuards[jobGuard](o.Preview.Items)
	if err != nil {
		return action.Standing{}, err
	}
	var cmds [][]any
	for _, g := range guards {
		cmds = append(cmds, []any{"HEXISTS", keptKey(o.Key), g.ID}, []any{"EXISTS", jobPrefix + g.ID})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return action.Standing{}, err
	}
	same := map[string]bool{}
	copies := false
	for i, g := range guards {
		kept, there := replies[2*i].Val == int64(1), replies[2*i+1].Val == int64(1)
		copies = copies || kept
		same[g.ID] = !kept && there
	}
	var inverse *action.Change
	if copies && o.Args.Duration("keep") > 0 {
		inverse = &action.Change{Type: "rq.restore", Args: action.Args{
			"queue": o.Args.Text("queue"), "from": o.Args.Text("from"), "order": o.Key,
		}}
	}
	return tally(guards, same, "dropped", "still there, or taken by a worker", inverse), nil
}

package rq

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func requeueChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "rq.requeue", Risk: action.R2,
			Does:   "Puts failed jobs back into their queue, as `rq requeue` does: they run again from the start.",
			Tells:  "the job is no longer in the registry of failed jobs with the time of that failure",
			Params: jobParams(100),
		},
		Keys: true, Look: lookRequeue, Stands: standsRequeue, Make: makeRequeue,
	}
}

// requeue moves jobs that are still the ones that were approved, each wholly or
// not at all, and returns how many.
//
// KEYS: registry of failed jobs, rq:queues. ARGV: now, queue, and for each job
// id, score and ended_at.
const requeue = `
local moved = 0
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  local job = 'rq:job:' .. id
  local h = redis.call('HMGET', job, 'data', 'ended_at', 'timeout', 'ttl')
  if h[1] and redis.call('ZSCORE', KEYS[1], id) == ARGV[i + 1] and (h[2] or '') == ARGV[i + 2] then
    redis.call('ZREM', KEYS[1], id)
    redis.call('HSET', job, 'status', 'queued', 'origin', ARGV[2], 'enqueued_at', ARGV[1], 'started_at', '', 'ended_at', '')
    redis.call('HDEL', job, 'exc_info')
    if not h[3] then redis.call('HSET', job, 'timeout', 180) end
    local ttl = tonumber(h[4] or '0')
    if ttl and ttl > 0 then redis.call('EXPIRE', job, ttl) end
    redis.call('SADD', KEYS[2], 'rq:queue:' .. ARGV[2])
    redis.call('RPUSH', 'rq:queue:' .. ARGV[2], id)
    moved = moved + 1
  end
end
return moved`

// batch is how many jobs one script moves: less than a millisecond of the
// server's time.
const batch = 50

func lookRequeue(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	w, err := readWanted(a, "failed")
	if err != nil {
		return action.Preview{}, err
	}
	f, err := w.find(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true, MayGrow: true}
	p.Items, p.Warnings = f.items("waits in queue " + w.queue)
	if len(p.Items) == 0 {
		return action.Preview{Already: true, Summary: "none of these jobs is among the failed ones of queue " + w.queue, Warnings: p.Warnings}, nil
	}
	p.Summary = fmt.Sprintf("puts %s back into queue %s", redisact.Count(len(p.Items), "failed job"), w.queue)
	if left := f.total - int64(len(f.jobs)); left > 0 {
		p.Warnings = append(p.Warnings, redisact.Count(left, "failed job")+" of the queue stay")
	}
	p.Warnings = append(p.Warnings, "what a job had done before it failed, it does again")
	n, err := alive(ctx, s)
	if err != nil {
		return p, err
	}
	if n == 0 {
		p.Warnings = append(p.Warnings, "no worker is alive: they will wait")
	}
	return p, nil
}

// items are the jobs that exist, and what is to be said of the others.
func (f found) items(then string) ([]action.Item, []string) {
	var items []action.Item
	var warnings []string
	for _, j := range f.jobs {
		if j.gone {
			warnings = append(warnings, "job "+j.id+" is only a name: its data has expired")
			continue
		}
		items = append(items, action.Item{ID: j.id, Now: j.text(), Then: then, Guard: redisact.Guard(j.guard())})
	}
	if len(f.lost) > 0 {
		warnings = append(warnings, "not there (any more): "+redisact.Few(f.lost, 5))
	}
	return items, warnings
}

func makeRequeue(ctx context.Context, s *redisapi.Session, o action.Order, items []action.Item) (action.Done, error) {
	guards, err := redisact.ReadGuards[jobGuard](items)
	if err != nil {
		return action.Done{}, err
	}
	queue := o.Args.Text("queue")
	for i := 0; i < len(guards); i += batch {
		now, err := s.Time(ctx)
		if err == nil {
			args := []any{now.Format(moment), queue}
			for _, g := range guards[i:min(i+batch, len(guards))] {
				args = append(args, g.ID, g.Score, g.Ended)
			}
			_, err = s.Run(ctx, requeue, []string{registry("failed", queue), queuesKey}, args...)
		}
		if err != nil && i > 0 {
			err = redisact.Plainly(err) // those before it were moved
		}
		if err != nil {
			return action.Done{}, err
		}
		if err := pause(ctx, batchPause); err != nil {
			return action.Done{}, err
		}
	}
	standing, err := standsRequeue(ctx, s, o)
	switch {
	case err != nil:
		return action.Done{}, redisact.Plainly(err)
	case standing.Done == nil:
		return action.Done{}, action.Not("every one of these jobs has moved on since this was approved: look again")
	}
	return *standing.Done, nil
}

// batchPause is for the others that the server serves.
const batchPause = 5 * time.Millisecond

// pause waits for d, or returns the context's error when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// standsRequeue looks for the failures that were approved. A job that has
// failed again since has another time, and has been requeued.
func standsRequeue(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	guards, err := redisact.ReadGuards[jobGuard](o.Preview.Items)
	if err != nil {
		return action.Standing{}, err
	}
	w := wanted{queue: o.Args.Text("queue"), place: "failed", most: len(guards)}
	for _, g := range guards {
		w.ids = append(w.ids, g.ID)
	}
	f, err := w.find(ctx, s)
	if err != nil {
		return action.Standing{}, err
	}
	now := map[string]jobGuard{}
	for _, j := range f.jobs {
		now[j.id] = j.guard()
	}
	same := map[string]bool{}
	for _, g := range guards {
		same[g.ID] = now[g.ID] == g
	}
	return tally(guards, same, "requeued", "still failed", nil), nil
}

// tally is what has become of jobs of which some are still as they were.
func tally(guards []jobGuard, same map[string]bool, past, still string, inverse *action.Change) action.Standing {
	done := action.Done{Inverse: inverse}
	n := 0
	for _, g := range guards {
		r := action.Result{ID: g.ID, OK: !same[g.ID], Text: past}
		if same[g.ID] {
			r.Text = still
		} else {
			n++
		}
		done.Items = append(done.Items, r)
	}
	done.Summary = redisact.Count(n, "job") + " " + past
	switch {
	case n == 0:
		return redisact.Standing(action.NotMade, nil, "all %d are as they were", len(guards))
	case n < len(guards):
		return redisact.Standing(action.PartlyMade, &done, "%s, %d as they were", done.Summary, len(guards)-n)
	}
	return redisact.Standing(action.Made, &done, "%s", done.Summary)
}

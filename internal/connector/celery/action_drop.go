package celery

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func (b broker) dropChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "celery.drop", Risk: action.R3,
			Does:     "Takes messages out of a queue, the oldest first, keeping a copy on the server for a time. `celery purge` takes all of them, for good.",
			Undo:     "puts the copies back where they were, while they are kept; not after `keep: 0s`",
			Tells:    "the copy of the message, which is made by the same script that takes it (quell:kept:…)",
			Destroys: "the tasks, once their copies have ended",
			Captures: []string{"celery.queues"},
			Params: append([]probe.Param{{Name: "queue", Type: probe.Text, Default: "celery", About: "name of the queue; its lists for priorities too"}},
				append(messageParams(),
					probe.Param{Name: "keep", Type: probe.Duration, Default: "24h", About: "how long copies are kept, up to 7d; 0s: not at all"})...),
		},
		Keys: true, Look: b.lookDrop, Stands: b.standsDrop, Make: b.makeDrop,
	}
}

// Bounds of the copies: they stay in the server's memory, of which there may be
// little just now.
const (
	mostKept    = 32 << 20 // bytes
	longestKept = 7 * 24 * time.Hour
	// markKept is how long the mark of a message without a copy stays.
	markKept = 24 * time.Hour
)

// keptKey holds the copies of one order: a hash by digest, and their order in a list.
func keptKey(order string) string { return "quell:kept:" + order }

// drop takes messages out of lists, each wholly or not at all. LREM compares
// them byte for byte: one that a worker has taken is no longer there.
//
// KEYS: the copies, their order. ARGV: seconds to keep, "copy" or "mark", and
// for each message its list, its digest and its text.
const drop = `
local dropped = 0
for i = 3, #ARGV, 3 do
  if redis.call('HEXISTS', KEYS[1], ARGV[i + 1]) == 0 and redis.call('LREM', ARGV[i], -1, ARGV[i + 2]) > 0 then
    redis.call('HSET', KEYS[1], ARGV[i + 1], ARGV[2] == 'copy' and cmsgpack.pack({ARGV[i], ARGV[i + 2]}) or '')
    redis.call('RPUSH', KEYS[2], ARGV[i + 1])
    dropped = dropped + 1
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return dropped`

func (b broker) lookDrop(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	w, err := readWanted(a)
	queue := a.Text("queue")
	switch keep := a.Duration("keep"); {
	case err != nil:
		return action.Preview{}, err
	case !isQueue(queue):
		return action.Preview{}, action.Refuse("", "%q is no name of a queue", redisapi.Clip(queue))
	case keep < 0 || keep > longestKept || keep > 0 && keep < time.Minute:
		return action.Preview{}, action.Refuse("from 1m to 7d, or 0s", "copies are not kept for %s", a.Text("keep"))
	}
	found, err := w.find(ctx, s, b.lists(queue))
	if err != nil {
		return action.Preview{}, err
	}
	found = found[:min(len(found), w.most)]
	if len(found) == 0 {
		return action.Preview{Already: true, Summary: "none of these tasks waits in queue " + queue}, nil
	}
	p := action.Preview{
		MayShrink: true, MayGrow: true, Items: items(found, "taken out"),
		Summary: fmt.Sprintf("takes %s out of queue %s", redisact.Count(len(found), "task"), queue),
	}
	bytes := 0
	for _, f := range found {
		bytes += len(f.text)
	}
	switch {
	case a.Duration("keep") == 0:
		p.Risk, p.Undo = action.R4, "cannot be taken back: no copies are kept"
		p.Warnings = append(p.Warnings, "no copies are kept: these tasks are lost")
	case bytes > mostKept:
		return p, action.Refuse("take fewer at a time, or keep: 0s", "the copies would take %d MiB of the server's memory, and at most %d are kept", bytes>>20, mostKept>>20)
	default:
		p.Warnings = append(p.Warnings, "copies stay in the server's memory for "+a.Text("keep"))
	}
	p.Warnings = append(p.Warnings, "whoever waits for their results, or for the rest of their chain or chord, waits for ever")
	return p, nil
}

func (b broker) makeDrop(ctx context.Context, s *redisapi.Session, o action.Order, approved []action.Item) (action.Done, error) {
	how, kept := "copy", o.Args.Duration("keep")
	if kept == 0 {
		how, kept = "mark", markKept
	}
	guards, err := redisact.ReadGuards[waitingGuard](approved)
	if err != nil {
		return action.Done{}, err
	}
	head := []any{int64(kept.Seconds()), how}
	err = inChunks(ctx, s, guards, func(g waitingGuard, text string) []any { return []any{g.List, g.Digest, text} }, func(args []any) error {
		_, err := s.Run(ctx, drop, []string{keptKey(o.Key), keptKey(o.Key) + ":order"}, append(head[:2:2], args...)...)
		return err
	})
	if err != nil {
		return action.Done{}, err
	}
	return concluded(ctx, s, o, b.standsDrop)
}

// inChunks finds the messages of guards again and hands them, some at a time
// and in the order of the guards, to run.
func inChunks(ctx context.Context, s *redisapi.Session, guards []waitingGuard, args func(waitingGuard, string) []any, run func([]any) error) error {
	known, err := texts(ctx, s, guards)
	if err != nil {
		return err
	}
	begun := false
	for i := 0; i < len(guards); i += chunk {
		var all []any
		for _, g := range guards[i:min(i+chunk, len(guards))] {
			if text, ok := known[g]; ok {
				all = append(all, args(g, text)...)
			}
		}
		if len(all) == 0 {
			continue
		}
		if err := run(all); err != nil {
			if begun {
				err = redisact.Plainly(err) // those before it were changed
			}
			return err
		}
		begun = true
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

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

// concluded says what an order has done, as its standing shows it.
func concluded(ctx context.Context, s *redisapi.Session, o action.Order, stands func(context.Context, *redisapi.Session, action.Order) (action.Standing, error)) (action.Done, error) {
	standing, err := stands(ctx, s, o)
	switch {
	case err != nil:
		return action.Done{}, redisact.Plainly(err)
	case standing.Done == nil:
		return action.Done{}, action.Not("every one of these messages has moved on since this was approved: look again")
	}
	return *standing.Done, nil
}

// standsDrop looks for the copies. Where they have ended already, it looks for
// the messages.
func (b broker) standsDrop(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	guards, err := redisact.ReadGuards[waitingGuard](o.Preview.Items)
	if err != nil {
		return action.Standing{}, err
	}
	var cmds [][]any
	for _, g := range guards {
		cmds = append(cmds, []any{"HEXISTS", keptKey(o.Key), g.Digest})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return action.Standing{}, err
	}
	still, err := texts(ctx, s, guards)
	if err != nil {
		return action.Standing{}, err
	}
	moved := make([]bool, len(guards))
	copies := false
	for i, g := range guards {
		kept := replies[i].Val == int64(1)
		_, there := still[g]
		copies = copies || kept
		moved[i] = kept || !there
	}
	var inverse *action.Change
	if copies && o.Args.Duration("keep") > 0 {
		inverse = &action.Change{Type: "celery.restore", Args: action.Args{"order": o.Key}}
	}
	return tally(o.Preview.Items, moved, "taken out", inverse), nil
}

// tally is what has become of the messages of an order.
func tally(approved []action.Item, moved []bool, past string, inverse *action.Change) action.Standing {
	done := action.Done{Inverse: inverse}
	n := 0
	for i, item := range approved {
		r := action.Result{ID: item.ID, OK: moved[i], Text: past}
		if moved[i] {
			n++
		} else {
			r.Text = "as it was"
		}
		done.Items = append(done.Items, r)
	}
	done.Summary = redisact.Count(n, "task") + " " + past
	switch {
	case n == 0:
		return redisact.Standing(action.NotMade, nil, "all %d are as they were", len(approved))
	case n < len(approved):
		return redisact.Standing(action.PartlyMade, &done, "%s, %d as they were", done.Summary, len(approved)-n)
	}
	return redisact.Standing(action.Made, &done, "%s", done.Summary)
}

package celery

import (
	"context"
	"sort"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func (b broker) queuesQuestion() question {
	number := numberField
	return question{ask: b.askQueues, spec: probe.Spec{
		Name:     "celery.queues",
		Question: "What waits, what was taken and never finished, and does anybody listen?",
		Why:      "The broker alone tells a queue that grows from one that nobody reads. Workers are not asked: that would write to the broker.",
		Cost:     "four lengths a queue, at most 50 queues; the workers' mailboxes (at most 1,000); CLIENT LIST of subscribers, and once more of all where something waits; SCAN of at most 5,000 keys for bindings",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "queues", Type: "rows", About: "name, waiting, later (of these, in the lists for priorities from 3, which workers take last)"},
			number("waiting", "messages that wait, all queues"),
			number("unacked", "messages that workers have taken: under way, fetched in advance, waiting for their time, or left by a worker that was killed"),
			number("unacked_oldest_s", "how long ago the oldest of these was taken; null without"),
			number("workers", "workers that may live: those with a mailbox, or none where nobody listens"),
			number("listeners", "connections subscribed to anything in this database; 0: no worker lives"),
			number("consumers", "connections of this database that wait for messages; null where nothing waits, so that it does not matter"),
			rowsField("others", "name, waiting: queues that the broker knows and the setting queues does not name, at most 50"),
			number("others_waiting", "messages that wait in these"),
			{Name: "names", Type: "list", About: "workers with a mailbox, at most 100; one that was killed stays"},
		},
		Outcomes: []probe.Outcome{
			{When: "waiting above 0 and listeners is 0", Means: "nobody works: celery.start_worker, or whatever runs them"},
			{When: "waiting above 0, listeners above 0 and consumers is 0", Means: "workers are connected and take nothing: all are full, or they have not come back after the broker was away"},
			{When: "others_waiting grows", Means: "tasks are routed into a queue that perhaps nobody takes from"},
			{When: "unacked above 0 and listeners is 0", Means: "workers were killed with work in hand: celery.requeue gives it back"},
			{When: "unacked_oldest_s above the visibility timeout (an hour)", Means: "a task that takes that long is given to a second worker"},
		},
	}}
}

func (b broker) database() string { return strconv.Itoa(b.db) }

func (b broker) askQueues(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	rows, waiting, err := b.queueRows(ctx, s)
	if err != nil {
		return nil, err
	}
	names, err := b.known(ctx, s)
	if err != nil {
		return nil, err
	}
	listeners, err := b.listeners(ctx, s)
	if err != nil {
		return nil, err
	}
	n, oldest, err := b.countUnacked(ctx, s)
	if err != nil {
		return nil, err
	}
	others, sum, err := b.otherQueues(ctx, s)
	if err != nil {
		return nil, err
	}
	var consumers any
	if waiting+sum > 0 {
		if consumers, err = b.consumers(ctx, s); err != nil {
			return nil, err
		}
	}
	sort.Strings(names)
	shown := []any{}
	for _, name := range names[:min(len(names), 100)] {
		shown = append(shown, redisapi.Clip(name))
	}
	workers := int64(len(names))
	if listeners == 0 {
		workers = 0
	}
	return map[string]any{
		"queues": rows, "waiting": waiting, "unacked": n, "unacked_oldest_s": oldest,
		"workers": workers, "listeners": listeners, "names": shown, "consumers": consumers, "others": others, "others_waiting": sum,
	}, nil
}

func (b broker) queueRows(ctx context.Context, s *redisapi.Session) (rows []any, waiting int64, err error) {
	var cmds [][]any
	for _, q := range b.queues {
		for _, list := range b.lists(q) {
			cmds = append(cmds, []any{"LLEN", list})
		}
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, 0, err
	}
	rows = []any{}
	for i, q := range b.queues {
		var all, later int64
		for j := range priorities {
			n, _ := replies[len(priorities)*i+j].Val.(int64)
			if all += n; j > 0 {
				later += n
			}
		}
		rows = append(rows, map[string]any{"name": q, "waiting": all, "later": later})
		waiting += all
	}
	return rows, waiting, nil
}

// countUnacked says how many were taken, and how long ago the oldest was.
func (b broker) countUnacked(ctx context.Context, s *redisapi.Session) (n int64, oldest any, err error) {
	_, index := b.unacked()
	replies, err := s.All(ctx, []any{"ZCARD", index}, []any{"ZRANGE", index, 0, 0, "WITHSCORES"})
	if err != nil {
		return 0, nil, err
	}
	n, _ = replies[0].Val.(int64)
	first := redisapi.Texts(replies[1].Val)
	if len(first) != 2 {
		return n, nil, nil
	}
	now, err := s.Time(ctx)
	taken := delivery{score: first[1]}.taken()
	return n, max(0, now.Sub(taken).Round(time.Millisecond).Seconds()), err
}

package celery

import (
	"context"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func (b broker) waitingQuestion() question {
	return question{ask: b.askWaiting, spec: probe.Spec{
		Name:     "celery.waiting",
		Question: "Which tasks wait, and how often were they tried?",
		Why:      "A queue full of one task points to what sends it; messages with many tries are work that cannot succeed; messages whose time has ended will be dropped unread.",
		Cost:     "the oldest 100 messages of each list, 50 at a time, 500 in all",
		Shape:    probe.Object,
		Fields: []probe.Field{
			numberField("sampled", "messages looked at"),
			rowsField("tasks", "most first, at most 20: task, count"),
			numberField("retried", "of the sample, those that were tried before"), numberField("most_retries", "the most tries of one; null without messages"),
			numberField("expired", "of the sample, those whose time has ended"),
			numberField("later", "of the sample, those for a time to come"),
			{Name: "retried_ids", Type: "list", About: "ids of those with three tries and more, at most 100"},
		},
		Outcomes: []probe.Outcome{
			{When: "most_retries above 3", Means: "the same tasks fail again and again: celery.drop keeps a copy and takes them out"},
			{When: "expired above 0", Means: "they waited too long: they are dropped when taken"},
		},
	}}
}

const (
	mostOfList     = 100
	mostWaitingAll = 500
)

func (b broker) askWaiting(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	var n, retried, expired, later int64
	var most any
	tasks, ids := map[string]int64{}, []any{}
	for _, q := range b.queues {
		for _, list := range b.lists(q) {
			if n >= mostWaitingAll {
				break
			}
			err := oldest(ctx, s, list, mostOfList, func(m message) bool {
				n++
				tasks[m.calls()]++
				most = larger(most, float64(m.retries))
				if m.retries > 0 || m.again {
					retried++
				}
				if m.retries >= 3 && m.id != "" && len(ids) < 100 {
					ids = append(ids, redisapi.Clip(m.id))
				}
				if m.over(now) {
					expired++
				}
				if m.later(now) {
					later++
				}
				return n < mostWaitingAll
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return map[string]any{
		"sampled": n, "tasks": counted(tasks, "task", 20), "retried": retried, "most_retries": most, "expired": expired, "later": later, "retried_ids": ids,
	}, nil
}

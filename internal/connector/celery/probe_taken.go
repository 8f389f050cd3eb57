package celery

import (
	"context"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func (b broker) takenQuestion() question {
	return question{ask: b.askTaken, spec: probe.Spec{
		Name:     "celery.taken",
		Question: "What have workers taken and not acknowledged: under way, waiting for its time, or left by a worker that was killed?",
		Why:      "The broker keeps what a killed worker had in hand as taken until the visibility timeout has passed, an hour unless told otherwise: nobody runs it meanwhile.",
		Cost:     "the oldest 200 deliveries, 50 at a time; the subscribers",
		Shape:    probe.Object,
		Fields: []probe.Field{
			numberField("unacked", "messages that were taken and not acknowledged"), numberField("sampled", "of these, looked at: the oldest"),
			numberField("later", "of the sample, those that wait for a time to come (eta, countdown)"),
			numberField("due", "the others: under way, fetched in advance, or left"),
			numberField("oldest_s", "how long ago the oldest of these was taken; null without"),
			numberField("again", "of these, given back before: a second worker has them"),
			numberField("over_limit", "of these, taken longer ago than their time limit and a minute"),
			numberField("left", "of these, left: no worker is connected, or none that was when they were taken"),
			rowsField("tasks", "of these, most first, at most 20: task, count"),
		},
		Outcomes: []probe.Outcome{
			{When: "left above 0", Means: "workers were killed with work in hand: celery.requeue gives it back"},
			{When: "again above 0", Means: "tasks that outlast the visibility timeout run twice"},
			{When: "due is far above what workers can do at once", Means: "one worker fetched in advance what others could do"},
		},
	}}
}

// skew is by how much, in seconds, the clock of a worker, which writes down when
// it took something, may differ from the server's.
const skew = 2

// mostTaken bounds the deliveries that are looked at.
const mostTaken = 200

func (b broker) askTaken(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	_, index := b.unacked()
	v, err := s.One(ctx, "ZCARD", index)
	if err != nil {
		return nil, err
	}
	n, _ := v.(int64)
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	listeners, connected, err := b.subscribed(ctx, s)
	if err != nil {
		return nil, err
	}
	up, err := s.One(ctx, "INFO", "server")
	if err != nil {
		return nil, err
	}
	uptime, _ := strconv.ParseFloat(redisapi.Fields(up)["uptime_in_seconds"], 64)
	all, err := b.deliveries(ctx, s, now.Add(time.Minute), mostTaken)
	if err != nil {
		return nil, err
	}
	var later, due, again, over, left int64
	var oldest any
	tasks := map[string]int64{}
	for _, d := range all {
		if d.later(now) {
			later++
			continue
		}
		due++
		since := max(0, now.Sub(d.taken()).Seconds())
		oldest = larger(oldest, since)
		tasks[d.calls()]++
		// A broker that was away has cut everybody off: who took it may live.
		if listeners == 0 || since > connected+skew && uptime > since {
			left++
		}
		if d.again {
			again++
		}
		if limit, ok := d.limit.(float64); ok && since > limit+60 {
			over++
		}
	}
	return map[string]any{
		"unacked": n, "sampled": int64(len(all)), "later": later, "due": due, "oldest_s": oldest, "again": again, "over_limit": over,
		"left": left, "tasks": counted(tasks, "task", 20),
	}, nil
}

package redis

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/quellhq/quell/internal/evidence"
)

// Sidekiq keeps the names of its queues in the set "queues", the jobs of each in
// a list that new ones are pushed to the left of, and its processes in the set
// "processes", with a hash each that ends by itself a minute after the last beat
// (https://github.com/sidekiq/sidekiq/wiki/API).

// sidekiqBeats is how old the last beat of a process that lives may be, in
// seconds: it beats every ten.
const sidekiqBeats = 60

// sidekiqJob is what is read of the oldest job of a queue: when it was put in,
// in seconds, or from version 8 on in milliseconds.
type sidekiqJob struct {
	Enqueued float64 `json:"enqueued_at"`
	Created  float64 `json:"created_at"`
}

func (j sidekiqJob) since(now float64) any {
	at := j.Enqueued
	if at == 0 {
		at = j.Created
	}
	if at > 1e12 {
		at /= 1000
	}
	if at <= 0 {
		return nil
	}
	return max(0, now-at)
}

func (t *target) sidekiqQueues(ctx context.Context, names []string, now float64) ([]any, *evidence.Answer) {
	rows := []any{}
	if len(names) == 0 {
		return rows, nil
	}
	var cmds [][]any
	for _, n := range names {
		cmds = append(cmds, []any{"LLEN", "queue:" + n}, []any{"LINDEX", "queue:" + n, -1}, []any{"SISMEMBER", "paused", n})
	}
	cmds = append(cmds, []any{"SSCAN", "processes", 0, "COUNT", 100})
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("LLEN", err)
		return nil, &a
	}
	listening, failed := t.sidekiqProcesses(ctx, scanned(replies[len(replies)-1]), now)
	if failed != nil {
		return nil, failed
	}
	for i, n := range names {
		r := replies[3*i:]
		waiting, _ := r[0].Val.(int64)
		row := queueRow("sidekiq", n, waiting)
		row["workers"], row["paused"] = listening[n], r[2].Val == int64(1)
		var job sidekiqJob
		if text, ok := r[1].Val.(string); ok && json.Unmarshal([]byte(text), &job) == nil {
			row["oldest_s"] = job.since(now)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// sidekiqProcesses counts, for each queue, the processes that live and take new
// jobs from it.
func (t *target) sidekiqProcesses(ctx context.Context, names []string, now float64) (map[string]int64, *evidence.Answer) {
	listening := map[string]int64{}
	var cmds [][]any
	for _, n := range names {
		cmds = append(cmds, []any{"HMGET", n, "info", "beat", "quiet"})
	}
	if len(cmds) == 0 {
		return listening, nil
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("HMGET", err)
		return nil, &a
	}
	for _, r := range replies {
		f, _ := r.Val.([]any)
		if len(f) < 3 || f[0] == nil {
			continue // its key has expired: the process is gone
		}
		info, _ := f[0].(string)
		beat, _ := f[1].(string)
		at, err := strconv.ParseFloat(beat, 64)
		if err == nil && now-at > sidekiqBeats || f[2] == "true" {
			continue
		}
		var process struct {
			Queues []string `json:"queues"`
		}
		if json.Unmarshal([]byte(info), &process) != nil {
			continue
		}
		slices.Sort(process.Queues) // a queue stands in it once for each weight
		for _, q := range slices.Compact(process.Queues) {
			listening[q]++
		}
	}
	return listening, nil
}

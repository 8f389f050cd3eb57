package rq

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func jobsQuestion() question {
	return question{ask: askJobs, spec: probe.Spec{
		Name:     "rq.jobs",
		Question: "What do the jobs in the database hold, which of them are kept for ever, and which are in no list at all?",
		Why:      "Finished jobs without an end fill the server's memory, not the workers'. A job that says that it waits and stands in no queue was lost: a worker was killed while it took it.",
		Cost:     "SCAN for at most 3,000 jobs or 400 ms in steps of 250; state, time to live and memory of each that is found; for those that may be lost, one search of their queue, bounded",
		Shape:    probe.Object,
		Fields: []probe.Field{
			numberField("keys", "keys in the database"), numberField("sampled", "jobs looked at"),
			{Name: "complete", Type: "bool", About: "these are all"},
			numberField("ended", "of these, finished, failed, stopped or canceled"),
			numberField("kept", "of these, without a time to live: they stay for ever"),
			numberField("kept_recent", "of these, ended within ten minutes: it goes on"),
			numberField("kept_share", "kept ÷ ended; null without"),
			numberField("kept_bytes", "memory of the kept and their results, scaled to all keys; null where it may not be asked"),
			numberField("memory_share", "kept_bytes ÷ used memory of the server; null as above"),
			numberField("bytes_mean", "memory of a kept job with its results; null without"),
			rowsField("functions", "of the kept, most first, at most 10: function, count"),
			rowsField("states", "state, count"),
			numberField("lost", "jobs that say they wait, for a minute and more, and stand in no queue"),
			numberField("unlisted", "jobs that failed, and stand in no registry of failed jobs"),
			{Name: "lost_ids", Type: "list", About: "ids of the lost, at most 20"},
		},
		Outcomes: []probe.Outcome{
			{When: "kept is large and memory_share above 0.1", Means: "results without an end fill the server: give jobs a result_ttl; rq.drop takes old ones out"},
			{When: "lost above 0", Means: "their worker was killed while it took them: nobody will run them"},
			{When: "unlisted above 0", Means: "the worker's own handling of failures is switched off: failures vanish"},
		},
	}}
}

// The bounds of one walk over the jobs.
const (
	mostSampled = 3000
	sampleTime  = 400 * time.Millisecond
	sampleStep  = 250
	mostSought  = 40
	soughtAhead = 20_000
)

// sampled is one job of the walk.
type sampled struct {
	id, status, origin, function string
	enqueued                     any
	ended                        any
	kept                         bool
	bytes                        int64 // −1: not known
}

func (j sampled) over() bool {
	switch j.status {
	case "finished", "failed", "stopped", "canceled":
		return true
	}
	return false
}

func askJobs(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	replies, err := s.All(ctx, []any{"DBSIZE"}, []any{"INFO", "memory"})
	if err != nil {
		return nil, err
	}
	keys := count(replies[0].Val)
	used, _ := strconv.ParseFloat(redisapi.Fields(replies[1].Val)["used_memory"], 64)
	jobs, seen, complete, err := walkJobs(ctx, s)
	if err != nil {
		return nil, err
	}
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	out := summary(jobs, now)
	out["keys"], out["sampled"], out["complete"] = keys, int64(len(jobs)), complete
	if bytes, ok := out["kept_bytes"].(float64); ok && seen > 0 {
		if !complete {
			bytes *= max(1, float64(keys)/float64(seen))
		}
		out["kept_bytes"] = bytes
		if used > 0 {
			out["memory_share"] = min(1, bytes/used)
		}
	}
	return out, strays(ctx, s, jobs, now, out)
}

// walkJobs reads a bounded part of the jobs; seen counts all keys that the walk
// came past.
func walkJobs(ctx context.Context, s *redisapi.Session) (jobs []sampled, seen int64, complete bool, err error) {
	stop, cursor, known := time.Now().Add(sampleTime), "0", map[string]bool{}
	for {
		v, err := s.One(ctx, "SCAN", cursor, "MATCH", jobPrefix+"*", "COUNT", sampleStep)
		if err != nil {
			return nil, 0, false, err
		}
		pair, _ := v.([]any)
		if len(pair) != 2 {
			return jobs, seen, false, nil
		}
		cursor, _ = pair[0].(string)
		seen += sampleStep
		var ids []string
		for _, key := range redisapi.Texts(pair[1]) {
			id := strings.TrimPrefix(key, jobPrefix)
			if !known[id] && !strings.HasSuffix(id, ":dependents") && !strings.HasSuffix(id, ":dependencies") {
				known[id] = true
				ids = append(ids, id)
			}
		}
		more, err := lookAtJobs(ctx, s, ids)
		if err != nil {
			return nil, 0, false, err
		}
		jobs = append(jobs, more...)
		if cursor == "0" {
			return jobs, seen, true, nil
		}
		if len(jobs) >= mostSampled || time.Now().After(stop) {
			return jobs, seen, false, nil
		}
	}
}

func lookAtJobs(ctx context.Context, s *redisapi.Session, ids []string) ([]sampled, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var cmds [][]any
	for _, id := range ids {
		cmds = append(cmds, []any{"HMGET", jobPrefix + id, "status", "origin", "enqueued_at", "description", "ended_at"}, []any{"TTL", jobPrefix + id},
			[]any{"MEMORY", "USAGE", jobPrefix + id}, []any{"MEMORY", "USAGE", resultPrefix + id})
	}
	replies, err := s.Do(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	var out []sampled
	for i, id := range ids {
		r := replies[4*i : 4*i+4]
		for j := range 2 {
			if err := r[j].Said(cmds[4*i+j]); err != nil {
				return nil, err
			}
		}
		f, _ := r[0].Val.([]any)
		if len(f) != 5 || f[0] == nil {
			continue
		}
		j := sampled{id: id, enqueued: f[2], ended: f[4], function: function(f[3]), kept: count(r[1].Val) == -1, bytes: count(r[2].Val) + count(r[3].Val)}
		j.status, _ = f[0].(string)
		j.origin, _ = f[1].(string)
		if r[2].Err != "" {
			j.bytes = -1
		}
		out = append(out, j)
	}
	return out, nil
}

func summary(jobs []sampled, now time.Time) map[string]any {
	var ended, kept, recent, bytes int64
	measured := true
	states, functions := map[string]int64{}, map[string]int64{}
	for _, j := range jobs {
		states[redisapi.Clip(j.status)]++
		if !j.over() {
			continue
		}
		if ended++; j.kept {
			kept++
			functions[j.function]++
			if s, ok := age(j.ended, now).(float64); ok && s <= recentFailure.Seconds() {
				recent++
			}
			measured = measured && j.bytes >= 0
			bytes += j.bytes
		}
	}
	out := map[string]any{
		"ended": ended, "kept": kept, "kept_recent": recent, "kept_share": nil, "kept_bytes": nil, "memory_share": nil, "bytes_mean": nil,
		"functions": counted(functions, "function", 10), "states": counted(states, "state", 20),
	}
	if ended > 0 {
		out["kept_share"] = float64(kept) / float64(ended)
	}
	if measured {
		out["kept_bytes"], out["memory_share"] = float64(bytes), 0.0
		if kept > 0 {
			out["bytes_mean"] = float64(bytes) / float64(kept)
		}
	}
	return out
}

// strays finds jobs whose state no list bears out.
func strays(ctx context.Context, s *redisapi.Session, jobs []sampled, now time.Time, out map[string]any) error {
	var cmds [][]any
	var sought []sampled
	for _, j := range jobs {
		if len(sought) == mostSought {
			break
		}
		since, known := age(j.enqueued, now).(float64)
		switch {
		case j.status == "queued" && known && since > 60 && j.origin != "":
			cmds = append(cmds, []any{"LPOS", queuePrefix + j.origin, j.id, "MAXLEN", soughtAhead}, []any{"LLEN", queuePrefix + j.origin}, []any{"HGET", jobPrefix + j.id, "status"})
		case j.status == "failed" && j.origin != "":
			cmds = append(cmds, []any{"ZSCORE", registry("failed", j.origin), j.id}, []any{"ZSCORE", registry("canceled", j.origin), j.id}, []any{"HGET", jobPrefix + j.id, "status"})
		default:
			continue
		}
		sought = append(sought, j)
	}
	suspects, err := nowhere(ctx, s, sought, cmds)
	if err != nil {
		return err
	}
	// A worker that takes a job from its queue writes its new state a moment
	// later: who was caught in between is asked once more.
	if len(suspects) > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takingTime):
		}
		if suspects, err = nowhere(ctx, s, sought, cmds); err != nil {
			return err
		}
	}
	lost, unlisted := []any{}, int64(0)
	for _, j := range suspects {
		if j.status == "failed" {
			unlisted++
		} else {
			lost = append(lost, redisapi.Clip(j.id))
		}
	}
	out["lost"], out["unlisted"], out["lost_ids"] = int64(len(lost)), unlisted, lost[:min(len(lost), 20)]
	return nil
}

// takingTime is far longer than a worker needs to take a job.
const takingTime = 200 * time.Millisecond

// nowhere asks where jobs are, three commands each, and gives those that still
// have their state and are in no list.
func nowhere(ctx context.Context, s *redisapi.Session, sought []sampled, cmds [][]any) ([]sampled, error) {
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	var out []sampled
	for i, j := range sought {
		r := replies[3*i : 3*i+3]
		if r[0].Val == nil && r[2].Val == j.status && (j.status == "failed" && r[1].Val == nil || j.status == "queued" && count(r[1].Val) < soughtAhead) {
			out = append(out, j)
		}
	}
	return out, nil
}

package rq

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
	"github.com/quellhq/quell/internal/traceback"
)

func failedQuestion() question {
	return question{ask: askFailed, spec: probe.Spec{
		Name:     "rq.failed",
		Question: "Which jobs failed, by which exception, and is it written down why?",
		Why:      "A queue that is empty looks healthy while every job fails. One function with its exception is a bug of that function; many with the same one are a neighbour that is down; a failure without a text is one that somebody swallowed.",
		Cost:     "the newest 50 failed jobs of each of 100 queues, 300 in all: eight fields and the newest result of each, unpacked and never run",
		Shape:    probe.Object,
		Fields: []probe.Field{
			rowsField("groups", "most jobs first, at most 30: queue, function, exception, says (its message, data masked), kind (timeout, killed, abandoned, absent, schema, import, unreadable, memory, unreachable, silent, other), count, recent, newest_s, ids (the newest ten)"),
			numberField("failed", "jobs in all registries of failed jobs"), numberField("sampled", "of these, looked at: the newest"),
			numberField("recent", "of the sample, failed within ten minutes"), numberField("newest_s", "how long ago the newest failed; null without"),
			numberField("ok", "jobs that live workers did well since their start; null without workers"),
			numberField("errors", "jobs that failed under live workers since their start; null without"),
			numberField("silent", "of the recent, those of which nothing was written down"),
			numberField("timeouts", "of the recent, those stopped at their time limit"),
			numberField("killed", "of the recent, those whose process was killed"),
			numberField("abandoned", "of the recent, those found without a worker and given up"),
			numberField("absent", "of the recent, those that missed something they name"),
			numberField("unreachable", "of the recent, those that could not reach a neighbour"),
			numberField("at_limit_s", "time limit of the newest that was stopped at it; null without"),
			{Name: "absent_ids", Type: "list", About: "ids of the recent that missed something, at most 100"},
			{Name: "lost_ids", Type: "list", About: "ids of the recent that were abandoned or killed, at most 100"},
		},
		Outcomes: []probe.Outcome{
			{When: "silent above 0", Means: "an exception was swallowed: the log and the job say nothing"},
			{When: "timeouts above 0", Means: "the limit is too short, or what they wait for became slow"},
			{When: "absent above 0", Means: "jobs name what is not there: trying again does not help"},
			{When: "killed above 0", Means: "memory ran out, or somebody killed them: see the kernel's log"},
			{When: "failed above 0 and recent is 0", Means: "old failures that nobody has looked at"},
		},
	}}
}

// The bounds of one look, and what is recent.
const (
	newestFailed  = 50
	newestInAll   = 300
	failedChunk   = 25
	recentFailure = 10 * time.Minute
)

// failure is one failed job.
type failure struct {
	queue, id, function string
	timeout             any
	ended               any // seconds ago
	traceback.Trace
}

func (f failure) recent() bool {
	s, ok := f.ended.(float64)
	return ok && s <= recentFailure.Seconds()
}

func askFailed(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	names, err := listed(ctx, s, queuesKey, queuePrefix)
	if err != nil {
		return nil, err
	}
	workers, now, err := allWorkers(ctx, s)
	if err != nil {
		return nil, err
	}
	total, found, err := newestOf(ctx, s, names)
	if err != nil {
		return nil, err
	}
	var all []failure
	for part := range slices.Chunk(found, failedChunk) {
		read, err := readFailures(ctx, s, part, now)
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	out := tallied(all)
	out["failed"], out["ok"], out["errors"] = total, nil, nil
	var ok, errs, live int64
	for _, w := range workers {
		if w.lives(now) {
			ok, errs, live = ok+w.done, errs+w.errors, live+1
		}
	}
	if live > 0 {
		out["ok"], out["errors"] = ok, errs
	}
	return out, nil
}

func newestOf(ctx context.Context, s *redisapi.Session, names []string) (total int64, found []failure, err error) {
	var cmds [][]any
	for _, n := range names {
		cmds = append(cmds, []any{"ZCARD", registry("failed", n)}, []any{"ZRANGE", registry("failed", n), -newestFailed, -1})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return 0, nil, err
	}
	for i, n := range names {
		total += count(replies[2*i].Val)
		for _, id := range redisapi.Texts(replies[2*i+1].Val) {
			found = append(found, failure{queue: n, id: id})
		}
	}
	return total, found[:min(len(found), newestInAll)], nil
}

func readFailures(ctx context.Context, s *redisapi.Session, found []failure, now time.Time) ([]failure, error) {
	var cmds [][]any
	for _, f := range found {
		cmds = append(cmds, []any{"HMGET", jobPrefix + f.id, "description", "ended_at", "started_at", "enqueued_at", "timeout", "exc_info"},
			[]any{"XREVRANGE", resultPrefix + f.id, "+", "-", "COUNT", 1})
	}
	replies, err := s.Do(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	var out []failure
	for i, one := range found {
		if err := replies[2*i].Said(cmds[2*i]); err != nil {
			return nil, err
		}
		f, _ := replies[2*i].Val.([]any)
		if len(f) != 6 || f[0] == nil && f[3] == nil {
			continue // its data has ended
		}
		one.id, one.function, one.ended = redisapi.Clip(one.id), function(f[0]), age(f[1], now)
		if n, err := strconv.ParseFloat(fmt.Sprint(f[4]), 64); err == nil && n > 0 {
			one.timeout = n
		}
		for _, since := range f[2:4] { // a job that was killed has no end
			if one.ended == nil {
				one.ended = age(since, now)
			}
		}
		one.Trace = failureText(f[5], replies[2*i+1])
		out = append(out, one)
	}
	return out, nil
}

// failureText reads why a job failed: in its newest result, or in the job itself
// as RQ before 1.12 and servers before 5 have it.
func failureText(field any, result redisapi.Reply) traceback.Trace {
	if result.Err != "" && !strings.HasPrefix(result.Err, "WRONGTYPE") {
		return traceback.Trace{Kind: "unknown"} // not permitted, or a server without streams
	}
	packed, found := streamed(result.Val)
	if !found {
		packed, found = field.(string)
	}
	if !found {
		return traceback.Trace{Kind: "silent"} // it failed, and nothing was kept
	}
	text, ok := unpack(packed)
	if !ok {
		return traceback.Trace{Kind: "unknown"}
	}
	return traceback.Read(text)
}

// streamed finds the text in an entry of a stream; found is false where there
// is no entry of a failure.
func streamed(v any) (text string, found bool) {
	entries, _ := v.([]any)
	if len(entries) == 0 {
		return "", false
	}
	entry, _ := entries[0].([]any)
	if len(entry) != 2 {
		return "", false
	}
	fields := redisapi.Texts(entry[1])
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "exc_string" {
			return fields[i+1], true
		}
	}
	return "", false
}

// tallied groups failures.
func tallied(all []failure) map[string]any {
	out := map[string]any{"newest_s": nil, "at_limit_s": nil}
	counts := map[string]int64{}
	groups, absent, lost := map[string]map[string]any{}, []any{}, []any{}
	slices.SortStableFunc(all, func(a, b failure) int { return byNumber(a.ended, b.ended) })
	for _, f := range all {
		if out["newest_s"] == nil {
			out["newest_s"] = f.ended
		}
		if f.recent() {
			counts["recent"]++
			counts[f.Kind]++
			switch f.Kind {
			case "absent":
				absent = append(absent, f.id)
			case "abandoned", "killed":
				lost = append(lost, f.id)
			case "timeout":
				if out["at_limit_s"] == nil {
					out["at_limit_s"] = f.timeout
				}
			}
		}
		key := f.queue + "\x00" + f.function + "\x00" + f.Class + "\x00" + f.Kind
		g := groups[key]
		if g == nil {
			g = map[string]any{"queue": redisapi.Clip(f.queue), "function": f.function, "exception": f.Class, "says": f.Says, "kind": f.Kind, "count": int64(0), "recent": int64(0), "newest_s": f.ended, "ids": []any{}}
			groups[key] = g
		}
		g["count"] = g["count"].(int64) + 1
		if f.recent() {
			g["recent"] = g["recent"].(int64) + 1
		}
		if ids := g["ids"].([]any); len(ids) < 10 {
			g["ids"] = append(ids, f.id)
		}
	}
	rows := []any{}
	for _, key := range sortedKeys(groups) {
		rows = append(rows, groups[key])
	}
	slices.SortStableFunc(rows, func(a, b any) int {
		return int(b.(map[string]any)["count"].(int64) - a.(map[string]any)["count"].(int64))
	})
	out["groups"], out["sampled"], out["recent"] = rows[:min(len(rows), 30)], int64(len(all)), counts["recent"]
	for field, kind := range map[string]string{
		"silent": "silent", "timeouts": "timeout", "killed": "killed", "abandoned": "abandoned", "absent": "absent", "unreachable": "unreachable",
	} {
		out[field] = counts[kind]
	}
	out["absent_ids"], out["lost_ids"] = absent[:min(len(absent), 100)], lost[:min(len(lost), 100)]
	return out
}

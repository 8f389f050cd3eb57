package rq

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func runningQuestion() question {
	return question{ask: askRunning, spec: probe.Spec{
		Name:     "rq.running",
		Question: "Which jobs are under way, for how long, and does somebody still work on them?",
		Why:      "A job whose worker was killed stays started. A slow one looks the same by its state; its worker lives and has it in hand. RQ itself ends a job at its time limit as failed, so that one that is started for ever was lost.",
		Cost:     "at most 50 jobs of each of 100 queues, 500 in all: seven fields of each, and the list of workers",
		Shape:    probe.Object,
		Fields: []probe.Field{
			rowsField("jobs", "the longest first, at most 100: id, queue, function, worker, running_s, timeout_s (null: none), heartbeat_age_s, orphaned (bool), why (empty where it is not)"),
			numberField("running", "jobs under way, all queues"), numberField("sampled", "of these, looked at"),
			numberField("orphaned", "of these, nobody works on"), numberField("worked_on", "of these, a worker alive has in hand"),
			numberField("longest_s", "how long the longest that is worked on has run; null without"),
			numberField("oldest_orphan_s", "how long ago the oldest orphan was begun; null without"),
			numberField("over_time", "worked on for longer than their time limit and a minute"),
			{Name: "orphans", Type: "list", About: "ids of the orphaned, at most 100"},
		},
		Outcomes: []probe.Outcome{
			{When: "orphaned above 0", Means: "their worker was killed with the job in hand: RQ moves them to the failed ones at its next cleaning (every 10 minutes, by a worker); then rq.requeue"},
			{When: "worked_on with a large longest_s", Means: "slow or stuck, and not lost: it waits for something"},
		},
	}}
}

// The bounds of one look.
const (
	mostOfQueue = 50
	mostRunning = 500
)

// running is one entry of the registry of started jobs.
type running struct {
	queue, member, id string
	until             float64 // when its time there ends
	fields            []any
}

// jobOf is the id of the job in a member of a registry: RQ 2 writes the id of
// the execution behind it.
func jobOf(member string) string {
	if i := strings.LastIndexByte(member, ':'); i > 0 && len(member)-i == 33 {
		return member[:i]
	}
	return member
}

func askRunning(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	names, err := listed(ctx, s, queuesKey, queuePrefix)
	if err != nil {
		return nil, err
	}
	total, all, err := started(ctx, s, names)
	if err != nil {
		return nil, err
	}
	// The workers are read behind the jobs, and the jobs once more behind the
	// workers: one that ended in between is no orphan.
	workers, now, err := allWorkers(ctx, s)
	if err != nil {
		return nil, err
	}
	known := map[string]worker{}
	for _, w := range workers {
		known[w.name] = w
	}
	var still [][]any
	for _, r := range all {
		still = append(still, []any{"ZSCORE", registry("wip", r.queue), r.member})
	}
	replies, err := s.All(ctx, still...)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"running": total, "longest_s": nil, "oldest_orphan_s": nil}
	rows, orphans := []any{}, []any{}
	var worked, over int64
	for i, r := range all {
		if replies[i].Val == nil {
			continue
		}
		row, lost := r.row(known, now)
		rows = append(rows, row)
		since, _ := row["running_s"].(float64)
		limit, limited := row["timeout_s"].(float64)
		switch {
		case lost:
			orphans = append(orphans, redisapi.Clip(r.id))
			out["oldest_orphan_s"] = larger(out["oldest_orphan_s"], row["running_s"])
		default:
			worked++
			out["longest_s"] = larger(out["longest_s"], row["running_s"])
			if limited && since > limit+60 {
				over++
			}
		}
	}
	byAge(rows)
	out["sampled"], out["orphaned"], out["worked_on"], out["over_time"] = int64(len(rows)), int64(len(orphans)), worked, over
	out["jobs"], out["orphans"] = rows[:min(len(rows), 100)], orphans[:min(len(orphans), 100)]
	return out, nil
}

func started(ctx context.Context, s *redisapi.Session, names []string) (total int64, all []running, err error) {
	var cmds [][]any
	for _, n := range names {
		cmds = append(cmds, []any{"ZCARD", registry("wip", n)}, []any{"ZRANGE", registry("wip", n), 0, mostOfQueue - 1, "WITHSCORES"})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return 0, nil, err
	}
	for i, n := range names {
		total += count(replies[2*i].Val)
		pairs := redisapi.Texts(replies[2*i+1].Val)
		for j := 0; j+1 < len(pairs) && len(all) < mostRunning; j += 2 {
			until, _ := strconv.ParseFloat(pairs[j+1], 64)
			all = append(all, running{queue: n, member: pairs[j], id: jobOf(pairs[j]), until: until})
		}
	}
	cmds = nil
	for _, r := range all {
		cmds = append(cmds, []any{"HMGET", jobPrefix + r.id, "description", "worker_name", "started_at", "last_heartbeat", "timeout", "status", "enqueued_at"})
	}
	replies, err = s.All(ctx, cmds...)
	for i := range replies {
		all[i].fields, _ = replies[i].Val.([]any)
	}
	return total, all, err
}

// row shows a started job, and whether nobody works on it.
func (r running) row(known map[string]worker, now time.Time) (row map[string]any, lost bool) {
	f := append(append([]any{}, r.fields...), make([]any, 7)...)
	name, _ := f[1].(string)
	since := age(f[2], now)
	if since == nil {
		since = age(f[6], now)
	}
	var limit any
	if text, ok := f[4].(string); ok {
		if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 {
			limit = n
		}
	}
	why := r.why(name, known, now)
	if f[5] == nil && f[0] == nil {
		why = "its data is gone"
	}
	return map[string]any{
		"id": redisapi.Clip(r.id), "queue": r.queue, "function": function(f[0]), "worker": redisapi.Clip(name), "running_s": since,
		"timeout_s": limit, "heartbeat_age_s": age(f[3], now), "orphaned": why != "", "why": why,
	}, why != ""
}

// why says why nobody works on a started job; "" where somebody may. Workers
// keep the entry's time in the future as long as they live, for half a minute
// and more ahead.
func (r running) why(name string, known map[string]worker, now time.Time) string {
	if r.until > 0 && r.until < float64(now.Unix())-5 {
		return "nobody has kept it alive"
	}
	if name == "" {
		return "" // versions that do not write down who has it
	}
	w, listed := known[name]
	switch {
	case !listed:
		return "its worker is no longer listed"
	case w.gone == true:
		return "the process of its worker has ended"
	case !w.lives(now):
		return "its worker is silent"
	case w.jobID != "" && w.jobID != r.id:
		return "its worker has another job in hand"
	}
	return ""
}

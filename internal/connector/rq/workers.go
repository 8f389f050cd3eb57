package rq

import (
	"context"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/crew"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/redisapi"
)

// aliveFor is RQ's own time to live of a worker that does not say a word.
const aliveFor = 420 * time.Second

// mostListed bounds the queues and workers that are looked at.
const mostListed = 100

// listed reads the names of a set, sorted, at most mostListed.
func listed(ctx context.Context, s *redisapi.Session, set, prefix string) ([]string, error) {
	v, err := s.One(ctx, "SSCAN", set, 0, "COUNT", mostListed)
	if err != nil {
		return nil, err
	}
	var names []string
	if pair, _ := v.([]any); len(pair) == 2 {
		for _, key := range redisapi.Texts(pair[1]) {
			names = append(names, strings.TrimPrefix(key, prefix))
		}
	}
	sort.Strings(names)
	return names[:min(len(names), mostListed)], nil
}

// worker is one worker as RQ has written it down.
type worker struct {
	name, state, queues, host, version, address string
	heartbeat, born                             any
	pid                                         int
	jobID                                       string
	done, errors                                int64
	job, stopping, dead                         bool
	gone                                        any // true, false, or nil where it cannot be told; see presence
}

// workers reads the named ones; those whose keys have ended are left out.
func readWorkers(ctx context.Context, s *redisapi.Session, names []string) ([]worker, error) {
	var cmds [][]any
	for _, n := range names {
		cmds = append(cmds, []any{"HMGET", workerPrefix + n, "last_heartbeat", "state", "queues", "hostname", "version", "birth", "current_job", "shutdown_requested_date", "death",
			"pid", "ip_address", "successful_job_count", "failed_job_count"})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	var out []worker
	for i, n := range names {
		f, _ := replies[i].Val.([]any)
		if len(f) != 13 || f[5] == nil {
			continue
		}
		text := func(i int) string { s, _ := f[i].(string); return s }
		out = append(out, worker{
			name: n, heartbeat: f[0], state: text(1), queues: text(2), host: text(3), version: text(4), born: f[5],
			jobID: text(6), job: f[6] != nil, stopping: f[7] != nil, dead: f[8] != nil,
			pid: int(count(f[9])), address: text(10), done: count(f[11]), errors: count(f[12]),
		})
	}
	return out, nil
}

// lives reports a worker that has said a word within its time, and whose
// process is not known to have ended since.
func (w worker) lives(now time.Time) bool {
	at, ok := readMoment(w.heartbeat)
	return ok && !w.dead && w.gone != true && now.Sub(at) <= aliveFor
}

// allWorkers reads every worker, and whether its process is still there.
func allWorkers(ctx context.Context, s *redisapi.Session) ([]worker, time.Time, error) {
	names, err := listed(ctx, s, workersKey, workerPrefix)
	if err != nil {
		return nil, time.Time{}, err
	}
	now, err := s.Time(ctx)
	if err != nil {
		return nil, now, err
	}
	all, err := readWorkers(ctx, s, names)
	if err != nil {
		return nil, now, err
	}
	return all, now, presence(ctx, s, all)
}

// alive counts the workers that live.
func alive(ctx context.Context, s *redisapi.Session) (int64, error) {
	all, now, err := allWorkers(ctx, s)
	var n int64
	for _, w := range all {
		if w.lives(now) {
			n++
		}
	}
	return n, err
}

func newCrew(d *daemon.Daemon) crew.Crew {
	return crew.Crew{Queue: "rq", Daemon: d, Members: members, Closed: suspended, Alive: alive}
}

func members(ctx context.Context, s *redisapi.Session, names []string) (map[string]crew.Member, error) {
	all, err := readWorkers(ctx, s, names)
	out := map[string]crew.Member{}
	for _, w := range all {
		if !w.dead {
			out[w.name] = crew.Member{Job: w.job, Stopping: w.stopping}
		}
	}
	return out, err
}

// suspended says so where workers take nothing: one that starts then ends at once.
func suspended(ctx context.Context, s *redisapi.Session) (string, error) {
	v, err := s.One(ctx, "EXISTS", suspendedKey)
	if err != nil || v != int64(1) {
		return "", err
	}
	return "RQ is suspended, so that no worker takes a job: `rq resume` ends that", nil
}

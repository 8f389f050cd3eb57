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
	name, state, queues, host, version string
	heartbeat, born                    any
	job, stopping, dead                bool
}

// workers reads the named ones; those whose keys have ended are left out.
func readWorkers(ctx context.Context, s *redisapi.Session, names []string) ([]worker, error) {
	var cmds [][]any
	for _, n := range names {
		cmds = append(cmds, []any{"HMGET", workerPrefix + n, "last_heartbeat", "state", "queues", "hostname", "version", "birth", "current_job", "shutdown_requested_date", "death"})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	var out []worker
	for i, n := range names {
		f, _ := replies[i].Val.([]any)
		if len(f) != 9 || f[5] == nil {
			continue
		}
		text := func(i int) string { s, _ := f[i].(string); return s }
		out = append(out, worker{
			name: n, heartbeat: f[0], state: text(1), queues: text(2), host: text(3), version: text(4), born: f[5],
			job: f[6] != nil, stopping: f[7] != nil, dead: f[8] != nil,
		})
	}
	return out, nil
}

// lives reports a worker that has said a word within its time.
func (w worker) lives(now time.Time) bool {
	at, ok := readMoment(w.heartbeat)
	return ok && !w.dead && now.Sub(at) <= aliveFor
}

// alive counts the workers that live.
func alive(ctx context.Context, s *redisapi.Session) (int64, error) {
	names, err := listed(ctx, s, workersKey, workerPrefix)
	if err != nil {
		return 0, err
	}
	now, err := s.Time(ctx)
	if err != nil {
		return 0, err
	}
	all, err := readWorkers(ctx, s, names)
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

package rq

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// job is what is read of one: never its data, which only Python can read, nor
// its arguments, which may be anything.
type job struct {
	id         string
	place      string // where it was found; see places
	score      string // in a registry
	calls      string // the function, without its arguments
	enqueued   string
	ended      string
	bytes      int64 // of its data
	dependents int64 // jobs that wait for it
	gone       bool  // its place names it and its hash is no more
}

// jobGuard is what makes a job the one that was approved: a job that ran again
// has other times.
type jobGuard struct {
	ID       string `json:"id"`
	Place    string `json:"place"`
	Score    string `json:"score,omitempty"`
	Enqueued string `json:"enqueued,omitempty"`
	Ended    string `json:"ended,omitempty"`
}

func (j job) guard() jobGuard { return jobGuard{j.id, j.place, j.score, j.enqueued, j.ended} }

// text is a job for people.
func (j job) text() string {
	text := j.calls
	if text == "" {
		text = "a job"
	}
	switch {
	case j.ended != "" && j.place == "failed":
		text += ", failed at " + j.ended
	case j.enqueued != "":
		text += ", enqueued at " + j.enqueued
	}
	return text
}

// mostJobs bounds one order, as each of its jobs is an item.
const mostJobs = 1000

// wanted are the jobs that the arguments name.
type wanted struct {
	queue string
	place string
	ids   []string // empty: the first of the place
	most  int
}

func jobParams(most int) []probe.Param {
	return []probe.Param{
		{Name: "queue", Type: probe.Text, Default: "default", About: "name of the queue"},
		{Name: "ids", Type: probe.List, Default: `""`, About: "ids of jobs; none: the first of them, oldest first"},
		{Name: "most", Type: probe.Number, Default: fmt.Sprint(most), About: fmt.Sprintf("no more than so many jobs; at most %d", mostJobs)},
	}
}

func readWanted(a action.Args, place string) (wanted, error) {
	w := wanted{queue: a.Text("queue"), place: place, most: int(a.Number("most"))}
	if w.queue == "" || strings.ContainsAny(w.queue, "\r\n\x00") {
		return w, action.Refuse("", "%q is no name of a queue", redisapi.Clip(w.queue))
	}
	if w.most < 1 || w.most > mostJobs {
		return w, action.Refuse(fmt.Sprintf("from 1 to %d", mostJobs), "most is %s", a.Text("most"))
	}
	seen := map[string]bool{}
	for _, v := range a.List("ids") {
		id, ok := v.(string)
		if row, isRow := v.(map[string]any); isRow {
			id, ok = row["id"].(string)
		}
		if !ok || id == "" {
			return w, action.Refuse("", "%v is no id of a job", v)
		}
		if !seen[id] {
			w.ids = append(w.ids, id)
		}
		seen[id] = true
	}
	if len(w.ids) > w.most {
		return w, action.Refuse("", "%d jobs are more than %d", len(w.ids), w.most)
	}
	return w, nil
}

// key is where the jobs of w are listed, and whether that is a list.
func (w wanted) key() (key string, list bool) {
	if w.place == "queue" {
		return queuePrefix + w.queue, true
	}
	return registry(w.place, w.queue), false
}

// found are jobs that exist, and how many there are in their place.
type found struct {
	jobs  []job
	total int64
	lost  []string // ids that were asked for and are not there
}

// find reads the jobs of w.
func (w wanted) find(ctx context.Context, s *redisapi.Session) (found, error) {
	key, list := w.key()
	length, first := []any{"ZCARD", key}, []any{"ZRANGE", key, 0, w.most - 1}
	if list {
		length, first = []any{"LLEN", key}, []any{"LRANGE", key, 0, w.most - 1}
	}
	replies, err := s.All(ctx, length, first)
	if err != nil {
		return found{}, err
	}
	f := found{total: count(replies[0].Val)}
	ids := w.ids
	if len(ids) == 0 {
		ids = redisapi.Texts(replies[1].Val)
	}
	return f, f.read(ctx, s, w, ids)
}

// read looks at jobs by id. Whether one is in a list is asked with a bound: a
// position far behind in a long queue is not found.
func (f *found) read(ctx context.Context, s *redisapi.Session, w wanted, ids []string) error {
	key, list := w.key()
	var cmds [][]any
	for _, id := range ids {
		where := []any{"ZSCORE", key, id}
		if list {
			where = []any{"LPOS", key, id, "MAXLEN", 100_000}
		}
		cmds = append(cmds, where, []any{"HMGET", jobPrefix + id, "description", "enqueued_at", "ended_at"},
			[]any{"HSTRLEN", jobPrefix + id, "data"}, []any{"SCARD", jobPrefix + id + ":dependents"})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return err
	}
	for i, id := range ids {
		r := replies[4*i : 4*i+4]
		if r[0].Val == nil {
			f.lost = append(f.lost, id)
			continue
		}
		j := job{id: id, place: w.place, bytes: count(r[2].Val), dependents: count(r[3].Val)}
		if !list {
			j.score, _ = r[0].Val.(string)
		}
		fields, _ := r[1].Val.([]any)
		if len(fields) == 3 {
			j.calls = function(fields[0])
			j.enqueued, _ = fields[1].(string)
			j.ended, _ = fields[2].(string)
		}
		j.gone = j.bytes == 0
		f.jobs = append(f.jobs, j)
	}
	return nil
}

// function is a job's description without its arguments, which may hold
// anything.
func function(v any) string {
	text, _ := v.(string)
	name, _, _ := strings.Cut(text, "(")
	return redisapi.Clip(strings.TrimSpace(name))
}

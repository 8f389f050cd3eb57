package celery

import (
	"context"
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// waiting is a message that stands in a list.
type waiting struct {
	message
	list string
}

// waitingGuard is what makes a message the one that was approved: it is named
// exactly, and a message that was delivered again is another.
type waitingGuard struct {
	List   string `json:"list"`
	Digest string `json:"digest"`
}

func (w waiting) guard() waitingGuard { return waitingGuard{w.list, digest(w.text)} }

// mostMessages bounds one order, as each message is an item; chunk what is read
// at once, since messages have any size.
const (
	mostMessages = 1000
	chunk        = 50
)

// wanted are the messages that the arguments name.
type wanted struct {
	ids  []string // none: the oldest
	task string   // none: any
	most int
}

func messageParams() []probe.Param {
	return []probe.Param{
		{Name: "ids", Type: probe.List, Default: `""`, About: "ids of tasks; none: the oldest"},
		{Name: "task", Type: probe.Text, Default: `""`, About: "name of the task; none: any"},
		{Name: "most", Type: probe.Number, Default: "100", About: fmt.Sprintf("no more than so many, of ten times as many that are looked at; at most %d", mostMessages)},
	}
}

func readWanted(a action.Args) (wanted, error) {
	w := wanted{task: a.Text("task"), most: int(a.Number("most"))}
	if w.most < 1 || w.most > mostMessages {
		return w, action.Refuse(fmt.Sprintf("from 1 to %d", mostMessages), "most is %s", a.Text("most"))
	}
	for _, v := range a.List("ids") {
		id, ok := v.(string)
		if !ok || id == "" {
			return w, action.Refuse("", "%v is no id of a task", v)
		}
		w.ids = append(w.ids, id)
	}
	if len(w.ids) > w.most {
		return w, action.Refuse("", "%d tasks are more than %d", len(w.ids), w.most)
	}
	return w, nil
}

func (w wanted) has(m message) bool {
	return (len(w.ids) == 0 || slices.Contains(w.ids, m.id)) && (w.task == "" || w.task == m.task)
}

// oldest goes over a list from its old end, where workers take from, until
// each says no or enough were looked at.
func oldest(ctx context.Context, s *redisapi.Session, list string, enough int, each func(message) (more bool)) error {
	for from := 0; from < enough; from += chunk {
		v, err := s.One(ctx, "LRANGE", list, -from-chunk, -from-1)
		if err != nil {
			return tooBig(err)
		}
		texts := redisapi.Texts(v)
		slices.Reverse(texts)
		for _, text := range texts {
			if !each(readMessage(text)) {
				return nil
			}
		}
		if len(texts) < chunk {
			return nil
		}
	}
	return nil
}

// find reads the messages of some lists that are wanted, oldest first.
func (w wanted) find(ctx context.Context, s *redisapi.Session, lists []string) ([]waiting, error) {
	var out []waiting
	for _, list := range lists {
		err := oldest(ctx, s, list, 10*w.most, func(m message) bool {
			if w.has(m) {
				out = append(out, waiting{m, list})
			}
			return len(out) < w.most
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// items are messages as items of a preview. A task that is sent twice has one
// id, and two items.
func items(found []waiting, then string) []action.Item {
	var out []action.Item
	seen := map[string]int{}
	for _, w := range found {
		id := w.name()
		if seen[id]++; seen[id] > 1 {
			id = fmt.Sprintf("%s, no. %d", id, seen[id])
		}
		out = append(out, action.Item{ID: id, Now: w.calls() + " waits", Then: then, Guard: redisact.Guard(w.guard())})
	}
	return out
}

// texts finds the messages of an order again, by their digests. Those that are
// no longer there are missing.
func texts(ctx context.Context, s *redisapi.Session, guards []waitingGuard) (map[waitingGuard]string, error) {
	lists := map[string]int{}
	for _, g := range guards {
		lists[g.List]++
	}
	out := map[waitingGuard]string{}
	for list, n := range lists {
		err := oldest(ctx, s, list, 10*mostMessages, func(m message) bool {
			g := waiting{m, list}.guard()
			if _, known := out[g]; !known && slices.Contains(guards, g) {
				out[g] = m.text
				n--
			}
			return n > 0
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

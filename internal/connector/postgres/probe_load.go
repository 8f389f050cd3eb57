package postgres

import (
	"context"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const loadSQL = `
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, a.pid, a.state, coalesce(a.wait_event_type, 'CPU') AS wait_type,
       coalesce(a.wait_event, 'CPU') AS wait_event, extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS query_s,
       coalesce(to_jsonb(a) ->> 'query_id', '') AS query_id, left(a.query, 300) AS query
FROM (SELECT NULL) one LEFT JOIN pg_stat_activity a
  ON (` + others + ` OR a.backend_type = 'parallel worker')
  AND (a.state = 'active' OR a.state LIKE 'idle in transaction%')
ORDER BY a.pid LIMIT 2000`

// looks is how often the active sessions are looked at within a window, where
// there is time: a saturated server answers late, and fewestLooks tell it too.
const (
	looks       = 5
	fewestLooks = 2
)

// seen are several looks at the active sessions.
type seen struct {
	looks  [][]map[string]any
	window float64 // seconds between the first and the last
}

// look reads the active sessions several times within a window. The questions
// of one investigation share what was read.
func (t *Target) look(ctx context.Context, q probe.Question) (seen, error) {
	v, err := t.pairs.share(ctx, pairKey{what: "looks", at: q.Now}, func(ctx context.Context) (any, error) {
		var all seen
		var first float64
		for i := range looks {
			if i > 0 {
				if err := sleep(ctx, t.pairs.window/(looks-1)); err != nil {
					return all, err
				}
			}
			began := time.Now()
			r, err := t.query(ctx, loadSQL)
			if err != nil {
				return all, err
			}
			took := time.Since(began)
			at := num(r.first(), "at")
			if i == 0 {
				first = at
			}
			all.window = at - first
			if r.first()["pid"] == nil { // nobody is active: the row only bears the time
				r.rows = nil
			}
			all.looks = append(all.looks, r.rows)
			if end, ok := ctx.Deadline(); ok && len(all.looks) >= fewestLooks && time.Until(end) < 2*took+t.pairs.window/(looks-1) {
				break // one more might not come in time
			}
		}
		return all, nil
	})
	if err != nil {
		return seen{}, err
	}
	return v.(seen), nil
}

func loadQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	all, err := t.look(ctx, q)
	if err != nil {
		return evidence.Answer{}, err
	}
	counts, statements, active := map[string]float64{}, tally{}, 0.0
	for _, look := range all.looks {
		for _, a := range look {
			if str(a, "state") != "active" {
				counts["idle_in_tx"]++
				continue
			}
			active++
			counts[loadClass(str(a, "wait_type"))]++
			statements.add(str(a, "query"), str(a, "query_id"))
		}
	}
	n := float64(len(all.looks))
	v := map[string]any{"samples": int64(len(all.looks)), "window_s": all.window, "active": active / n, "top_query": "", "top_query_id": "", "top_query_share": 0.0}
	for _, class := range []string{"cpu", "io", "lock", "lwlock", "client", "other", "idle_in_tx"} {
		v[class] = counts[class] / n
	}
	if top := statements.top(); top != nil {
		v["top_query"], v["top_query_id"], v["top_query_share"] = top.query, top.id, float64(top.n)/active
	}
	return evidence.Of(v), nil
}

// loadClass groups wait types; a session that waits for nothing computes.
func loadClass(waitType string) string {
	switch waitType {
	case "CPU":
		return "cpu"
	case "IO", "BufferPin":
		return "io"
	case "Lock":
		return "lock"
	case "LWLock":
		return "lwlock"
	case "Client":
		return "client"
	}
	return "other"
}

func waitsQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	all, err := t.look(ctx, q)
	if err != nil {
		return evidence.Answer{}, err
	}
	type wait struct {
		kind, event         string
		total, peak, inLook int
		longest             float64
		queries             tally
	}
	byWait, order, active := map[string]*wait{}, []*wait{}, 0
	for _, look := range all.looks {
		for _, a := range look {
			if str(a, "state") != "active" {
				continue
			}
			key := str(a, "wait_type") + "/" + str(a, "wait_event")
			w := byWait[key]
			if w == nil {
				w = &wait{kind: str(a, "wait_type"), event: str(a, "wait_event"), queries: tally{}}
				byWait[key], order = w, append(order, w)
			}
			active++
			w.total++
			w.inLook++
			w.longest = max(w.longest, num(a, "query_s"))
			w.queries.add(str(a, "query"), str(a, "query_id"))
		}
		for _, w := range order {
			w.peak, w.inLook = max(w.peak, w.inLook), 0
		}
	}
	sort.SliceStable(order, func(i, j int) bool {
		if order[i].total != order[j].total {
			return order[i].total > order[j].total
		}
		return order[i].kind+order[i].event < order[j].kind+order[j].event
	})
	rows := make([]any, 0, len(order))
	for _, w := range order {
		rows = append(rows, map[string]any{
			"wait_type": w.kind, "wait_event": w.event, "sessions": float64(w.total) / float64(len(all.looks)),
			"peak": int64(w.peak), "share": float64(w.total) / float64(active), "queries": int64(len(w.queries)),
			"longest_s": w.longest, "query": w.queries.top().query,
		})
	}
	return evidence.Of(rows), nil
}

// tally counts statements: by identifier where the server gives one, since
// literals differ, else by text.
type tally map[string]*tallied

type tallied struct {
	query, id string
	n         int
}

func (t tally) add(query, id string) {
	key := id
	if key == "" || key == "0" {
		key = query
	}
	if t[key] == nil {
		t[key] = &tallied{query: query, id: id}
	}
	t[key].n++
}

func (t tally) top() *tallied {
	keys := make([]string, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var top *tallied
	for _, k := range keys {
		if top == nil || t[k].n > top.n {
			top = t[k]
		}
	}
	return top
}

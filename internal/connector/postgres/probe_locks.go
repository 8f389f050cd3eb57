package postgres

import (
	"context"
	"fmt"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// lockSQL reads every session that waits for a lock, and every session that one
// of them waits for. Waiting is taken from pg_locks, which every role may read,
// not from the wait columns, which need pg_monitor. A row-lock queue waits for
// a transaction; the table it stands before is the one whose tuple lock the
// first of the queue holds. The row of kind "prepared" stands for process id 0,
// which is how the server names a prepared transaction.
var lockSQL = fmt.Sprintf(`
WITH %s, waits AS MATERIALIZED (
  SELECT DISTINCT ON (l.pid) l.pid, l.locktype, l.mode, to_jsonb(l) ->> 'waitstart' AS since,
         coalesce(l.relation, (SELECT h.relation FROM pg_locks h WHERE h.pid = l.pid AND h.granted AND h.locktype = 'tuple' LIMIT 1)) AS relation,
         coalesce(l.database, 0) AS database
  FROM pg_locks l WHERE NOT l.granted AND l.pid IS NOT NULL ORDER BY l.pid, l.locktype)
SELECT 'waiter' AS row_kind, a.pid, %[2]s, a.backend_type, a.state, %[3]s, left(a.query, 300) AS query,
       %[4]s AS xact_s, %[5]s AS state_s, %[6]s AS query_s, %[7]s AS is_ddl,
       w.locktype AS kind, w.mode,
       CASE WHEN w.relation IS NOT NULL AND w.database IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
            THEN w.relation::regclass::text ELSE '' END AS relation,
       coalesce(extract(epoch FROM clock_timestamp() - w.since::timestamptz)::float8, %[6]s, 0) AS wait_s, b.by AS blocked_by
FROM waits w JOIN blocked b USING (pid) JOIN pg_stat_activity a USING (pid)
WHERE cardinality(b.by) > 0 AND coalesce(a.application_name, '') <> '%[8]s'
UNION ALL
SELECT 'blocker', a.pid, %[2]s, a.backend_type, a.state, %[3]s, left(a.query, 300),
       %[4]s, %[5]s, %[6]s,
       %[7]s OR EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
                        AND l.mode = 'AccessExclusiveLock' AND a.backend_type = 'client backend'),
       '', '', '', 0, NULL
FROM pg_stat_activity a WHERE a.pid IN (SELECT unnest(by) FROM blocked)
UNION ALL
SELECT 'prepared', 0, p.owner, '', p.database, '', 'prepared transaction', 'prepared', '', '', 'PREPARE TRANSACTION ' || quote_literal(p.gid),
       extract(epoch FROM clock_timestamp() - p.prepared)::float8, extract(epoch FROM clock_timestamp() - p.prepared)::float8,
       extract(epoch FROM clock_timestamp() - p.prepared)::float8, false, '', '', '', 0, NULL
FROM (SELECT * FROM pg_prepared_xacts ORDER BY prepared LIMIT 1) p WHERE 0 IN (SELECT unnest(by) FROM blocked)`,
	blockedBy, whoColumns, waitColumns, age("xact_start"), stateAge(), age("query_start"), ddl, ApplicationName)

// lockGraph is who waits for whom.
type lockGraph struct {
	waiters map[int64]map[string]any // sessions that wait
	holders map[int64]map[string]any // sessions that are waited for
	behind  map[int64][]int64        // sessions that wait directly for this one
	order   []int64                  // waiters, the longest waiting first
}

func (t *Target) lockGraph(ctx context.Context) (lockGraph, error) {
	r, err := t.query(ctx, lockSQL)
	if err != nil {
		return lockGraph{}, err
	}
	g := lockGraph{waiters: map[int64]map[string]any{}, holders: map[int64]map[string]any{}, behind: map[int64][]int64{}}
	for _, row := range r.rows {
		pid := int64(num(row, "pid"))
		if str(row, "row_kind") != "waiter" {
			g.holders[pid] = row
			continue
		}
		g.waiters[pid], g.order = row, append(g.order, pid)
	}
	sort.Slice(g.order, func(i, j int) bool {
		a, b := num(g.waiters[g.order[i]], "wait_s"), num(g.waiters[g.order[j]], "wait_s")
		if a != b {
			return a > b
		}
		return g.order[i] < g.order[j]
	})
	for _, pid := range g.order {
		for _, by := range pids(g.waiters[pid]["blocked_by"]) {
			g.behind[by] = append(g.behind[by], pid)
		}
	}
	return g, nil
}

// pids reads a list of process ids; parallel workers can make one come twice.
func pids(v any) []int64 {
	items, _ := v.([]any)
	seen := map[int64]bool{}
	var out []int64
	for _, item := range items {
		if pid, ok := item.(int64); ok && !seen[pid] {
			seen[pid], out = true, append(out, pid)
		}
	}
	return out
}

// roots are the sessions that are waited for and wait for nobody, the one with
// most victims first.
func (g lockGraph) roots() []int64 {
	var roots []int64
	size := map[int64]int{}
	for pid := range g.behind {
		if g.waiters[pid] == nil {
			victims, _ := g.victims(pid)
			roots, size[pid] = append(roots, pid), len(victims)
		}
	}
	sort.Slice(roots, func(i, j int) bool {
		if size[roots[i]] != size[roots[j]] {
			return size[roots[i]] > size[roots[j]]
		}
		return roots[i] < roots[j]
	})
	return roots
}

// victims are all who wait behind a session, the longest waiting first, and the
// length of the longest shortest chain.
func (g lockGraph) victims(root int64) (found []int64, depth int) {
	level := map[int64]int{root: 0}
	for queue := []int64{root}; len(queue) > 0; queue = queue[1:] {
		for _, pid := range g.behind[queue[0]] {
			if _, known := level[pid]; !known {
				level[pid] = level[queue[0]] + 1
				depth = max(depth, level[pid])
				queue = append(queue, pid)
			}
		}
	}
	for _, pid := range g.order {
		if _, behind := level[pid]; behind && pid != root {
			found = append(found, pid)
		}
	}
	return found, depth
}

// maxVictims bounds the list of process ids of one root.
const maxVictims = 50

func lockRootsQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	g, err := t.lockGraph(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	rows := []any{}
	var held []map[string]any
	for _, pid := range g.roots() {
		root := g.root(pid)
		rows, held = append(rows, root), append(held, root)
	}
	return evidence.Of(rows, hiddenNote(held)...), nil
}

// root describes one session at the head of a queue.
func (g lockGraph) root(pid int64) map[string]any {
	victims, depth := g.victims(pid)
	out := map[string]any{"pid": pid}
	for _, name := range []string{"user", "application", "database", "client", "backend_type", "state", "wait_type", "wait_event", "query", "xact_s", "state_s", "query_s", "is_ddl"} {
		out[name] = g.holders[pid][name] // nil for a session that has just gone
	}
	out["is_wraparound_vacuum"] = wraparound(str(g.holders[pid], "query"))
	direct := g.behind[pid]
	out["victims"], out["direct"], out["depth"] = int64(len(victims)), int64(len(direct)), int64(depth)
	out["longest_wait_s"] = num(g.waiters[victims[0]], "wait_s")
	kinds, queries, relations := tally{}, tally{}, tally{}
	var victimPids []any
	for i, v := range victims {
		w := g.waiters[v]
		kinds.add(str(w, "kind"), "")
		queries.add(str(w, "query"), "")
		if r := str(w, "relation"); r != "" {
			relations.add(r, "")
		}
		if i < maxVictims {
			victimPids = append(victimPids, v)
		}
	}
	out["wait_kind"], out["wait_kinds"] = kinds.top().query, sortedKeys(kinds)
	out["mode"], out["relation"] = str(g.waiters[direct[0]], "mode"), ""
	if top := relations.top(); top != nil {
		out["relation"] = top.query
	}
	top := queries.top()
	out["victim_pids"], out["victim_queries"] = victimPids, int64(len(queries))
	out["same_query_share"], out["victim_query"] = float64(top.n)/float64(len(victims)), top.query
	g.addQueuedDDL(out, victims)
	return out
}

// addQueuedDDL names the schema change among the victims that most of the
// others wait behind.
func (g lockGraph) addQueuedDDL(out map[string]any, victims []int64) {
	out["ddl_queued"], out["ddl_pid"], out["ddl_query"], out["ddl_queued_behind"] = false, nil, "", int64(0)
	for _, v := range victims {
		if !truth(g.waiters[v], "is_ddl") {
			continue
		}
		behind, _ := g.victims(v)
		if out["ddl_queued"] == false || int64(len(behind)) > out["ddl_queued_behind"].(int64) {
			out["ddl_queued"], out["ddl_pid"], out["ddl_query"], out["ddl_queued_behind"] = true, v, str(g.waiters[v], "query"), int64(len(behind))
		}
	}
}

func lockWaitsQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	g, err := t.lockGraph(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	rootsOf := map[int64][]any{}
	for _, root := range g.roots() {
		victims, _ := g.victims(root)
		for _, v := range victims {
			rootsOf[v] = append(rootsOf[v], root)
		}
	}
	limit, rows, notes := limitOf(q, 100), []any{}, []string(nil)
	for i, pid := range g.order {
		if i == limit {
			notes = []string{fmt.Sprintf("cut at %d rows: %d sessions wait", limit, len(g.order))}
			break
		}
		w := g.waiters[pid]
		behind, _ := g.victims(pid)
		row := map[string]any{"pid": pid, "roots": []any{}, "blocked_by": w["blocked_by"], "queued_behind": int64(len(behind))}
		if rootsOf[pid] != nil {
			row["roots"] = rootsOf[pid]
		}
		for _, name := range []string{"user", "application", "database", "client", "kind", "mode", "relation", "wait_s", "is_ddl", "query"} {
			row[name] = w[name]
		}
		rows = append(rows, row)
	}
	return evidence.Of(rows, notes...), nil
}

// The lock table is made for this many entries per session and prepared
// transaction; entries on the fast path do not take a place in it.
const lockTableSQL = `
SELECT (SELECT count(*) FROM pg_locks WHERE NOT fastpath) AS held,
       current_setting('max_locks_per_transaction')::int
         * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) AS slots`

func locksQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	g, err := t.lockGraph(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	table, err := t.query(ctx, lockTableSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	count := map[string]int64{"relation": 0, "row": 0, "advisory": 0, "other": 0, "ddl_waiting": 0, "queued_behind_ddl": 0}
	for _, pid := range g.order {
		w := g.waiters[pid]
		switch kind := str(w, "kind"); kind {
		case "relation", "advisory":
			count[kind]++
		case "tuple", "transactionid":
			count["row"]++
		default:
			count["other"]++
		}
		if truth(w, "is_ddl") {
			behind, _ := g.victims(pid)
			count["ddl_waiting"]++
			count["queued_behind_ddl"] = max(count["queued_behind_ddl"], int64(len(behind)))
		}
	}
	v := table.first()
	for name, n := range count {
		v[name] = n
	}
	v["waiting"], v["longest_wait_s"], v["deepest"] = int64(len(g.order)), 0.0, int64(0)
	if len(g.order) > 0 {
		v["longest_wait_s"] = num(g.waiters[g.order[0]], "wait_s")
	}
	roots := g.roots()
	v["roots"] = int64(len(roots))
	for _, root := range roots {
		_, depth := g.victims(root)
		v["deepest"] = max(v["deepest"].(int64), int64(depth))
	}
	v["fill_share"] = ratio(num(v, "held"), num(v, "slots"), 1)
	return evidence.Of(v), nil
}

func sortedKeys(t tally) []any {
	keys := make([]string, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]any, len(keys))
	for i, k := range keys {
		out[i] = k
	}
	return out
}

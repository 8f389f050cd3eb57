package postgres

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// explainedMost is how many statements are put before the planner.
const explainedMost = 10

// fewRows is the share of a table up to which an index pays: above about a
// tenth the planner itself prefers to read everything. Own value.
const fewRows = 0.1

// candidate is one index that may be missing.
type candidate struct {
	row     map[string]any
	columns []string
	share   float64
	scans   float64
}

func missingIndexesQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	minRows := 10000.0
	if n, ok := number64(q.Args["min_rows"]); ok {
		minRows = n
	}
	tables, hot, notes, err := t.bothSamples(ctx, q)
	if err != nil {
		return evidence.Answer{}, err
	}
	active, err := t.activeStatements(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	big := map[string]tableStats{}
	for _, s := range tables {
		if s.rows >= minRows {
			big[s.schema+"."+s.name] = s
		}
	}
	f := finder{t: t, big: big, columns: map[string]map[string]bool{}, done: map[string]bool{}}
	if len(big) > 0 {
		if f.hidden, err = t.hiddenTables(ctx); err != nil {
			return evidence.Answer{}, err
		}
		notes = append(notes, f.statements(ctx, append(active, hot...))...)
		f.scanned()
		if err := f.foreignKeys(ctx); err != nil {
			notes = append(notes, "foreign keys: "+t.failure(err).Reason)
		}
	}
	sort.SliceStable(f.found, func(i, j int) bool { return f.found[i].before(f.found[j]) })
	rows := []any{}
	for _, c := range f.found[:min(len(f.found), limitOf(q, 20))] {
		rows = append(rows, c.row)
	}
	return evidence.Of(rows, notes...), nil
}

func (c candidate) before(o candidate) bool {
	for _, name := range []string{"proved", "hot"} {
		if truth(c.row, name) != truth(o.row, name) {
			return truth(c.row, name)
		}
	}
	if c.share != o.share {
		return c.share > o.share
	}
	if c.scans != o.scans {
		return c.scans > o.scans
	}
	return str(c.row, "schema")+str(c.row, "table") < str(o.row, "schema")+str(o.row, "table")
}

// bothSamples reads tables and statements at the same time, so that both
// pauses are one.
func (t *Target) bothSamples(ctx context.Context, q probe.Question) ([]tableStats, []statement, []string, error) {
	type answer struct {
		hot []statement
		err error
	}
	done := make(chan answer, 1)
	go func() {
		hot, err := t.hotStatements(ctx, q, explainedMost)
		done <- answer{hot, err}
	}()
	tables, err := t.tableStats(ctx, q)
	statements := <-done
	if err != nil {
		return nil, nil, nil, err
	}
	var missing *missingError
	switch {
	case errors.As(statements.err, &missing):
		return tables, nil, []string{missing.answer.Reason + ": only statements that run at this moment were looked at"}, nil
	case statements.err != nil:
		return nil, nil, nil, statements.err
	}
	return tables, statements.hot, nil, nil
}

// activeNow are statements that run at this moment, one for each identifier;
// those that are as long as the server keeps are cut, and of no use.
const activeNow = `
SELECT DISTINCT ON (coalesce(to_jsonb(a) ->> 'query_id', a.query)) coalesce(to_jsonb(a) ->> 'query_id', '') AS query_id, a.query,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 * 1000 AS ms
FROM pg_stat_activity a
WHERE ` + others + ` AND a.state = 'active' AND a.datname = current_database() AND a.wait_event_type IS DISTINCT FROM 'Lock'
  AND octet_length(a.query) < pg_size_bytes(current_setting('track_activity_query_size')) - 1
  AND clock_timestamp() - a.query_start > interval '50 ms'
ORDER BY coalesce(to_jsonb(a) ->> 'query_id', a.query), a.query_start LIMIT 5`

func (t *Target) activeStatements(ctx context.Context) ([]statement, error) {
	r, err := t.query(ctx, activeNow)
	if err != nil {
		return nil, err
	}
	var out []statement
	for _, row := range r.rows {
		out = append(out, statement{id: str(row, "query_id"), query: str(row, "query"), calls: 1, ms: num(row, "ms"), lifeCalls: 1, lifeMS: num(row, "ms"), window: 1})
	}
	return out, nil
}

// finder collects candidates.
type finder struct {
	t       *Target
	big     map[string]tableStats      // by schema.table
	hidden  map[string]bool            // names of tables that our role may not read, and so not explain
	columns map[string]map[string]bool // of each table looked at
	done    map[string]bool            // tables with a proved candidate, and table+columns found
	found   []candidate
}

// statements explains statements and keeps scans of big tables.
func (f *finder) statements(ctx context.Context, all []statement) []string {
	failed := 0
	for _, s := range all {
		question, ok := asSelect(s.query)
		if !ok {
			continue
		}
		plan, err := f.plan(ctx, question)
		if err != nil {
			if isContext(err) || isConnect(err) {
				return []string{"stopped early: " + f.t.failure(err).Reason}
			}
			failed++
			if err := f.fromText(ctx, s, question); err != nil {
				return []string{"stopped early: " + f.t.failure(err).Reason}
			}
			continue
		}
		for _, sc := range scansOf(plan) {
			table, ok := f.big[sc.schema+"."+sc.table]
			if !ok || sc.rows > fewRows*table.rows {
				continue
			}
			if err := f.add(ctx, s, sc, table); err != nil {
				failed++
			}
		}
	}
	if failed > 0 {
		return []string{fmt.Sprintf("%d of %d statements could not be explained: not read-only beyond doubt, not visible to our role, or not complete", failed, len(all))}
	}
	return nil
}

// errHidden is a statement about a table that our role may not read. The server
// would refuse to explain it, and write an error into its log.
var errHidden = errors.New("it reads a table that is not visible to our role")

func (f *finder) plan(ctx context.Context, question string) (map[string]any, error) {
	tokens, syntax := lex(question)
	for _, tok := range tokens {
		if syntax == nil && tok.name() && f.hidden[tok.text] {
			return nil, errHidden
		}
	}
	return f.t.explainPlan(ctx, question)
}

// unreadableSQL lists tables that our role may not read.
const unreadableSQL = `
SELECT DISTINCT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
  AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')) LIMIT 20000`

func (t *Target) hiddenTables(ctx context.Context) (map[string]bool, error) {
	r, err := t.query(ctx, unreadableSQL)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, row := range r.rows {
		names[str(row, "name")] = true
	}
	return names, nil
}

func (f *finder) add(ctx context.Context, s statement, sc scan, table tableStats) error {
	columns, indexed, err := f.describe(ctx, table)
	if err != nil {
		return err
	}
	w := columnsOf(sc.condition, sc.alias, columns, sc.sorted)
	wants := append(append([]string{}, w.equal...), first(w.ordered, 1)...)
	if sc.sorted {
		wants = w.ordered
	}
	if w.either {
		wants = first(wants, 1)
	}
	wants = first(wants, 3)
	if len(wants) > 0 && indexed[wants[0]] {
		return nil // an index begins with it: the planner had the choice
	}
	key := table.schema + "." + table.name + " " + strings.Join(wants, ",")
	if f.done[key] {
		return nil
	}
	f.done[key], f.done[table.schema+"."+table.name] = true, true
	reasons := []any{fmt.Sprintf("the planner reads all of %s.%s (about %.0f rows) for this statement and keeps about %.0f", table.schema, table.name, table.rows, sc.rows),
		"condition: " + cut(sc.condition, 200)}
	if sc.sorted {
		reasons[0] = fmt.Sprintf("the planner sorts all of %s.%s (about %.0f rows) for the first rows of an order", table.schema, table.name, table.rows)
	}
	if sc.walked {
		reasons[0] = fmt.Sprintf("the planner walks through %s.%s (about %.0f rows) in the order of an index that does not know the condition; about %.0f rows fit", table.schema, table.name, table.rows, sc.rows)
	}
	if len(w.inside) > 0 {
		reasons = append(reasons, "the column "+strings.Join(w.inside, ", ")+" stands inside an expression: only an index on that expression helps")
	}
	if len(w.pattern) > 0 {
		reasons = append(reasons, "the column "+strings.Join(w.pattern, ", ")+" is compared with a pattern: an ordinary index does not help, one of pg_trgm may")
	}
	if w.either {
		reasons = append(reasons, "the condition has an OR: each side needs an index of its own")
	}
	if n := table.seqPerSecond; n > 0 {
		reasons = append(reasons, fmt.Sprintf("the table was scanned from end to end %.1f times a second", n))
	}
	row := f.row("statement", table, wants, reasons)
	row["query_id"], row["query"], row["share"] = s.id, cut(s.query, 1000), s.share
	row["expected_rows"], row["proved"] = sc.rows, true
	row["mean_ms"] = ratio(s.lifeMS, s.lifeCalls, 0)
	if s.calls > 0 {
		row["mean_ms"] = s.ms / s.calls
	}
	row["hot"] = s.calls > 0 || table.seqPerSecond > 0
	f.found = append(f.found, candidate{row: row, columns: wants, share: s.share, scans: table.seqPerSecond})
	return nil
}

func first(items []string, n int) []string { return items[:min(len(items), n)] }

// row is what all kinds of candidates share.
func (f *finder) row(kind string, table tableStats, columns []string, reasons []any) map[string]any {
	listed, quotedColumns := make([]any, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		listed[i], quotedColumns[i] = c, quoteIdent(c)
	}
	ddl := ""
	if len(columns) > 0 {
		ddl = fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s.%s (%s)", quoteIdent(table.schema), quoteIdent(table.name), strings.Join(quotedColumns, ", "))
	}
	return map[string]any{
		"kind": kind, "schema": table.schema, "table": table.name, "columns": listed, "ddl": ddl,
		"rows": table.rows, "size_bytes": table.size, "seq_scans_per_s": table.seqScans, "seq_rows_per_s": table.seqRows,
		"seq_scans_total": table.now["seq_scan"], "query_id": "", "query": "", "mean_ms": nil, "share": 0.0,
		"expected_rows": nil, "proved": false, "hot": table.seqPerSecond > 0, "reasons": reasons,
	}
}

// scanned adds big tables that are read from end to end within the window and
// for which no statement was found.
func (f *finder) scanned() {
	names := make([]string, 0, len(f.big))
	for name := range f.big {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		table := f.big[name]
		rows, _ := number64(table.seqRows)
		// Each worker of a parallel scan is counted as a scan of its own, and reads
		// its share of the rows: a tenth of the table is far more than a LIMIT reads.
		if f.done[name] || table.seqPerSecond == 0 || rows/table.seqPerSecond < table.rows/10 {
			continue
		}
		f.found = append(f.found, candidate{scans: table.seqPerSecond, row: f.row("statement", table, nil, []any{
			fmt.Sprintf("%s was scanned from end to end %.1f times a second, by statements that could not be told", name, table.seqPerSecond)})})
	}
}

// describeSQL reads the columns of a table and which of them a valid, complete
// index begins with.
const describeSQL = `
SELECT a.attname::text AS name,
       EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum) AS leads
FROM pg_attribute a WHERE a.attrelid = %.0f AND a.attnum > 0 AND NOT a.attisdropped LIMIT 1600`

func (f *finder) describe(ctx context.Context, table tableStats) (columns, leads map[string]bool, err error) {
	r, err := f.t.query(ctx, fmt.Sprintf(describeSQL, table.oid))
	if err != nil {
		return nil, nil, err
	}
	columns, leads = map[string]bool{}, map[string]bool{}
	for _, row := range r.rows {
		columns[str(row, "name")] = true
		leads[str(row, "name")] = truth(row, "leads")
	}
	return columns, leads, nil
}

// A foreign key needs an index on the child whose first columns are the key's,
// in any order.
const foreignKeySQL = `
SELECT n.nspname::text AS schema, c.relname::text AS "table", k.conname::text AS name, k.confrelid::regclass::text AS parent,
       (SELECT array_agg(a.attname::text ORDER BY o.at) FROM unnest(k.conkey) WITH ORDINALITY o(num, at)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.num) AS columns
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND NOT EXISTS (
  SELECT 1 FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND (i.indpred IS NULL OR i.indpred::text LIKE '%NULLTEST%')
    AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
ORDER BY c.relpages DESC, 1, 2, 3 LIMIT 100`

func (f *finder) foreignKeys(ctx context.Context) error {
	r, err := f.t.query(ctx, foreignKeySQL)
	if err != nil {
		return err
	}
	for _, fk := range r.rows {
		table, ok := f.big[str(fk, "schema")+"."+str(fk, "table")]
		if !ok {
			continue
		}
		var columns []string
		items, _ := fk["columns"].([]any)
		for _, c := range items {
			if name, ok := c.(string); ok {
				columns = append(columns, name)
			}
		}
		key := table.schema + "." + table.name + " " + strings.Join(columns, ",")
		if f.done[key] {
			continue
		}
		f.done[key] = true
		f.found = append(f.found, candidate{scans: table.seqPerSecond, row: f.row("foreign key", table, columns, []any{
			fmt.Sprintf("foreign key %s to %s has no index: a delete or key change there scans all of %s", str(fk, "name"), str(fk, "parent"), table.name)})})
	}
	return nil
}

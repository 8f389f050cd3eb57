package postgres

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// statementsAt finds the extension: its schema differs from place to place, and
// its columns were renamed in versions 1.8 (Postgres 13) and 1.11 (Postgres 17).
const statementsAt = `
SELECT quote_ident(n.nspname) AS schema, split_part(e.extversion, '.', 1)::int * 100 + split_part(e.extversion, '.', 2)::int AS version
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`

// statementSource is where pg_stat_statements lives and what its columns are called.
type statementSource struct {
	schema                string
	total, mean, max, ioR string
}

func (t *Target) statementSource(ctx context.Context) (statementSource, error) {
	r, err := t.query(ctx, statementsAt)
	if err != nil {
		return statementSource{}, err
	}
	if len(r.rows) == 0 {
		return statementSource{}, &missingError{noStatements(false)}
	}
	s := statementSource{schema: str(r.first(), "schema"), total: "total_exec_time", mean: "mean_exec_time", max: "max_exec_time", ioR: "blk_read_time"}
	switch version := num(r.first(), "version"); {
	case version < 108:
		s.total, s.mean, s.max = "total_time", "mean_time", "max_time"
	case version >= 111:
		s.ioR = "shared_blk_read_time"
	}
	return s, nil
}

// missingError is an answer that says why there is none.
type missingError struct{ answer evidence.Answer }

func (e *missingError) Error() string { return e.answer.Reason }

// sampleSQL reads the counters of this database's statements without their
// texts, which the server keeps in a file. Our own statements are known by
// their mark and are picked out later, with the texts.
func (s statementSource) sampleSQL() string {
	return fmt.Sprintf(`
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, s.userid::text || '/' || s.queryid::text AS key,
       s.userid, s.queryid::text AS query_id, sum(s.calls)::float8 AS calls, sum(s.%[2]s)::float8 AS total_ms, max(s.%[3]s)::float8 AS max_ms,
       sum(s.rows)::float8 AS rows, sum(s.shared_blks_hit)::float8 AS hit, sum(s.shared_blks_read)::float8 AS read,
       sum(s.temp_blks_written)::float8 AS temp, sum(s.%[4]s)::float8 AS read_ms,
       (SELECT d.xact_commit + d.xact_rollback FROM pg_stat_database d WHERE d.datname = current_database()) AS xacts,
       current_setting('track_io_timing')::bool AS timed,
       coalesce(current_setting('pg_stat_statements.track_utility', true), 'off')::bool AS utility
FROM %[1]s.pg_stat_statements(false) s
WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL
GROUP BY s.userid, s.queryid ORDER BY total_ms DESC LIMIT %[5]d`, s.schema, s.total, s.max, s.ioR, ownRows)
}

// textSQL reads the texts of some statements.
func (s statementSource) textSQL(ids []string) string {
	return fmt.Sprintf(`
SELECT s.userid::text || '/' || s.queryid::text AS key, left(max(s.query), %[1]d) AS query, max(r.rolname)::text AS "user",
       bool_or(s.query ~* '%[3]s') AS ends
FROM %[2]s.pg_stat_statements(true) s LEFT JOIN pg_roles r ON r.oid = s.userid
WHERE (s.queryid = ANY ('{%[4]s}'::bigint[]) OR s.query ~* '%[3]s') AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
GROUP BY s.userid, s.queryid`, longestText, s.schema, endOfTransaction, strings.Join(ids, ","))
}

// endOfTransaction is the text of a statement that ends a transaction. Those
// are counted to the call; the server's own count of transactions is written
// down only once a second by each session, and lags behind a window of a second.
const endOfTransaction = `^\s*(commit|end|rollback|abort)\M(?!\s+(transaction\s+|work\s+)?to\M)`

// longestText bounds the text of a statement that is kept; statements that are
// to be explained must be whole.
const longestText = 20000

// statement is one row of pg_stat_statements, now and over its life.
type statement struct {
	key, id, user, query string
	window               float64 // seconds
	calls, ms            float64 // within the window
	rows, hit, read      float64
	temp, readMS         float64
	lifeCalls, lifeMS    float64
	max                  float64
	timed, isNew, reset  bool
	xacts                float64 // transactions of the database within the window, late by up to a second; -1 when unknown
	ends                 float64 // statements within the window that ended a transaction
	utility              bool    // such statements are counted at all
	share                float64 // of execution time in the window, our own left out
}

// hotStatements are the statements that ran within the window, most time
// first, then those with the highest total, up to want in all; with their texts.
func (t *Target) hotStatements(ctx context.Context, q probe.Question, want int) ([]statement, error) {
	source, err := t.statementSource(ctx)
	if err != nil {
		return nil, err
	}
	before, after, err := t.sampled(ctx, q, "statements", source.sampleSQL(), hardlyBusy)
	if err != nil {
		return nil, err
	}
	all := compareStatements(before, after)
	calls := map[string]float64{}
	for _, s := range all {
		calls[s.key] = s.calls
	}
	// Our own may be among the first: ask for some more texts than are wanted.
	all = all[:min(len(all), want+ownStatements)]
	if len(all) == 0 {
		return nil, nil
	}
	ids := make([]string, len(all))
	for i, s := range all {
		ids[i] = s.id
	}
	texts, err := t.query(ctx, source.textSQL(ids))
	if err != nil {
		return nil, err
	}
	byStatement := byKey(texts.rows, func(r map[string]any) string { return str(r, "key") })
	ends := 0.0
	for _, row := range texts.rows {
		if truth(row, "ends") {
			ends += calls[str(row, "key")]
		}
	}
	kept, total := all[:0], 0.0
	for _, s := range all {
		s.ends = ends
		s.query, s.user = str(byStatement[s.key], "query"), str(byStatement[s.key], "user")
		if strings.HasPrefix(s.query, strings.TrimSpace(Mark)) {
			continue
		}
		total += s.ms
		kept = append(kept, s)
	}
	for i := range kept {
		if total > 0 {
			kept[i].share = kept[i].ms / total
		}
	}
	return kept[:min(len(kept), want)], nil
}

// hardlyBusy reports that statements kept less than a quarter of a connection
// busy, our own included. What takes long and comes seldom has then hardly ended
// within the window: a second says little of such a server.
func hardlyBusy(before, after sample) bool {
	ms := 0.0
	for _, s := range compareStatements(before, after) {
		ms += s.ms
	}
	return ms < 0.25*1000*(after.at-before.at)
}

// ownStatements is more than the number of different statements of ours.
const ownStatements = 60

func compareStatements(before, after sample) []statement {
	window := after.at - before.at
	old := byKey(before.rows, func(r map[string]any) string { return str(r, "key") })
	var out []statement
	for _, now := range after.rows {
		was, known := old[str(now, "key")]
		if !known {
			was = map[string]any{"calls": 0.0, "total_ms": 0.0, "rows": 0.0, "hit": 0.0, "read": 0.0, "temp": 0.0, "read_ms": 0.0}
		}
		s := statement{key: str(now, "key"), id: str(now, "query_id"), window: window, lifeCalls: num(now, "calls"),
			lifeMS: num(now, "total_ms"), max: num(now, "max_ms"), timed: truth(now, "timed"), utility: truth(now, "utility"), isNew: !known, xacts: -1}
		calls, ok := grown(was, now, "calls")
		if s.reset = !ok; ok {
			s.calls = calls
			s.ms, _ = grown(was, now, "total_ms")
			s.rows, _ = grown(was, now, "rows")
			s.hit, _ = grown(was, now, "hit")
			s.read, _ = grown(was, now, "read")
			s.temp, _ = grown(was, now, "temp")
			s.readMS, _ = grown(was, now, "read_ms")
		}
		if len(before.rows) > 0 {
			if x, ok := grown(before.rows[0], now, "xacts"); ok {
				s.xacts = x
			}
		}
		out = append(out, s)
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].ms != out[j].ms {
			return out[i].ms > out[j].ms
		}
		if out[i].lifeMS != out[j].lifeMS {
			return out[i].lifeMS > out[j].lifeMS
		}
		return out[i].key < out[j].key
	})
	return out
}

func statementsQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	hot, err := t.hotStatements(ctx, q, limitOf(q, 30))
	if err != nil {
		return asAnswer(err)
	}
	rows := []any{}
	for _, s := range hot {
		if s.calls > 0 {
			rows = append(rows, s.row())
		}
	}
	return evidence.Of(rows), nil
}

const blockBytes = 8192

func (s statement) row() map[string]any {
	before := s.lifeCalls - s.calls
	row := map[string]any{
		"query_id": s.id, "user": s.user, "query": cut(s.query, 1000),
		"calls": s.calls, "calls_per_s": s.calls / s.window, "calls_per_transaction": nil,
		"mean_ms": s.ms / s.calls, "lifetime_mean_ms": s.lifeMS / s.lifeCalls, "lifetime_calls": s.lifeCalls, "max_ms": s.max,
		"slowdown": nil, "share": s.share, "busy": s.ms / 1000 / s.window, "rows_per_call": s.rows / s.calls,
		"blocks_per_call": (s.hit + s.read) / s.calls, "blocks_read_per_call": s.read / s.calls,
		"temp_bytes_per_s": s.temp * blockBytes / s.window, "read_ms_per_call": nil,
		"is_read": isRead(s.query), "is_new": s.isNew, "window_s": s.window,
	}
	switch {
	case s.utility && s.ends == 0:
		row["calls_per_transaction"] = 1.0 // nobody opens transactions: each call is one
	case s.ends > 0 || s.xacts > 0:
		row["calls_per_transaction"] = max(s.calls/max(s.ends, s.xacts), 0)
	}
	if meanBefore := (s.lifeMS - s.ms) / before; before > 0 && meanBefore > 0 {
		row["slowdown"] = s.ms / s.calls / meanBefore
	}
	if s.timed {
		row["read_ms_per_call"] = s.readMS / s.calls
	}
	return row
}

// isRead reports whether a statement begins as a question does.
func isRead(query string) bool {
	tokens, _ := lex(query)
	if len(tokens) == 0 || tokens[0].kind != word {
		return false
	}
	switch tokens[0].text {
	case "select", "with", "values", "table":
		return true
	}
	return false
}

// cut shortens a text to n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// asAnswer turns a missingError into its answer.
func asAnswer(err error) (evidence.Answer, error) {
	if missing, ok := err.(*missingError); ok { //nolint:errorlint // never wrapped: made and read in this package
		return missing.answer, nil
	}
	return evidence.Answer{}, err
}

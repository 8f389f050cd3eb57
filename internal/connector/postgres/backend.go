package postgres

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// sessionGuard tells one session at one moment from every other: the server
// gives a process id again when its session is gone, and a session that has
// gone on to another statement is no longer the one that was looked at.
type sessionGuard struct {
	PID         int64  `json:"pid"`
	Started     string `json:"started"`     // backend_start
	Transaction string `json:"transaction"` // xact_start; empty outside of one
	Statement   string `json:"statement"`   // query_start; empty before the first
	State       string `json:"state"`
	Digest      string `json:"digest"` // of the statement's text
}

// digestSQL is a digest of a statement's text that holds none of it.
const digestSQL = "to_hex(hashtextextended(a.query, 0))"

// sql is the condition under which a (pg_stat_activity) with r (its role) is
// the session of the guard, and one that may be signalled.
func (g sessionGuard) sql() string {
	same := func(column, value string) string {
		if value == "" {
			return column + " IS NULL"
		}
		return column + " = " + quoteText(value) + "::timestamptz"
	}
	return strings.Join([]string{
		fmt.Sprintf("a.pid = %d AND a.pid <> pg_backend_pid()", g.PID),
		same("a.backend_start", g.Started), same("a.xact_start", g.Transaction), same("a.query_start", g.Statement),
		"a.state = " + quoteText(g.State), digestSQL + " = " + quoteText(g.Digest),
		"a.backend_type = 'client backend' AND NOT r.rolsuper",
		"a.application_name IS DISTINCT FROM " + quoteText(ApplicationName),
	}, " AND ")
}

// backend is a server process as it is now.
type backend struct {
	guard                              sessionGuard
	kind                               string // backend_type
	user, database, application, query string
	client                             string
	superuser, ours, mayRead, maySig   bool
}

// backends reads the processes with the wanted ids.
func backends(ctx context.Context, ask asker, wanted []wantedSession) (map[int64]*backend, error) {
	ids := make([]string, len(wanted))
	for i, w := range wanted {
		ids[i] = strconv.FormatInt(w.pid, 10)
	}
	r, err := ask(ctx, fmt.Sprintf(`
SELECT a.pid, a.backend_type, %s, coalesce(a.state, '') AS state, a.backend_start::text, coalesce(a.xact_start::text, '') AS xact_start,
       coalesce(a.query_start::text, '') AS query_start, %s AS digest, left(a.query, 200) AS query, coalesce(r.rolsuper, false) AS superuser,
       a.pid = pg_backend_pid() OR coalesce(a.application_name, '') = '%s' AS ours,
       a.state IS NOT NULL AS may_read,
       coalesce(pg_has_role(a.usesysid, 'USAGE'), false) OR pg_has_role('pg_signal_backend', 'USAGE') AS may_signal
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid WHERE a.pid IN (%s)`, whoColumns, digestSQL, ApplicationName, strings.Join(ids, ", ")))
	if err != nil {
		return nil, err
	}
	there := map[int64]*backend{}
	for _, row := range r.rows {
		b := &backend{
			guard: sessionGuard{
				PID: int64(num(row, "pid")), Started: str(row, "backend_start"), Transaction: str(row, "xact_start"),
				Statement: str(row, "query_start"), State: str(row, "state"), Digest: str(row, "digest"),
			},
			kind: str(row, "backend_type"), user: str(row, "user"), database: str(row, "database"), application: str(row, "application"),
			client: str(row, "client"), query: str(row, "query"), superuser: truth(row, "superuser"), ours: truth(row, "ours"),
			mayRead: truth(row, "may_read"), maySig: truth(row, "may_signal"),
		}
		there[b.guard.PID] = b
	}
	return there, nil
}

// text says who a session is and what it does, without anything that changes
// by itself as time passes.
func (b backend) text() string {
	who := b.user + " on " + b.database + " from " + b.client
	if b.application != "" {
		who += " (" + b.application + ")"
	}
	since := b.guard.Statement
	if b.guard.Transaction != "" {
		since = b.guard.Transaction
	}
	return fmt.Sprintf("%s, %s, since %s: %s", who, b.guard.State, since, strings.Join(strings.Fields(b.query), " "))
}

// guarded says why a session is not signalled; nil where it may be.
func (k signal) guarded(w wantedSession, b backend) *action.Refusal {
	pid := fmt.Sprintf("pid %d", b.guard.PID)
	switch {
	case b.kind == "walsender":
		return action.Refuse("stop the standby or the subscriber instead", "%s sends the log to a standby or a subscriber", pid)
	case b.kind == "autovacuum worker":
		return action.Refuse("it gives way to a lock by itself, unless it keeps the database from wraparound", "%s is an autovacuum", pid)
	case b.kind == "parallel worker":
		return action.Refuse("name the session that it works for", "%s is a parallel worker of another session", pid)
	case b.kind != "client backend":
		return action.Refuse("", "%s is a process of the server itself (%s)", pid, b.kind)
	case b.ours:
		return action.Refuse("", "%s is a session of Quell", pid)
	case b.superuser:
		return action.Refuse("ask whoever it belongs to; a superuser can end it in psql", "%s is a superuser's session (%s)", pid, b.user)
	case !b.mayRead:
		return action.Refuse("GRANT pg_monitor TO our role", "%s: our role may not see what it does", pid)
	case !b.maySig:
		return action.Refuse("GRANT pg_signal_backend TO our role", "%s: our role may not signal sessions of %s", pid, b.user)
	case w.other(b) != "":
		return action.Refuse("ask again who is to be signalled", "%s is another session than the one that was seen (%s)", pid, w.other(b))
	case !k.ends && b.guard.State != "active":
		return action.Refuse("postgres.terminate ends the session and what it holds", "%s runs no statement that could be cancelled: it is %s", pid, b.guard.State)
	}
	return nil
}

// wantedSession is a session that an argument names, with what is known of it.
type wantedSession struct {
	pid   int64
	row   map[string]any
	guard sessionGuard // of an approved item
}

// maxSessions bounds one order: more than that is no list, it is everybody.
const maxSessions = 500

func wantedSessions(list []any) ([]wantedSession, error) {
	var out []wantedSession
	seen := map[int64]bool{}
	for _, v := range list {
		row, _ := v.(map[string]any)
		if row != nil {
			v = row["pid"]
		}
		pid, ok := pidOf(v)
		if !ok {
			return nil, action.Refuse("give rows that have a pid, or process ids", "sessions: %v is no process id", v)
		}
		if !seen[pid] {
			seen[pid] = true
			out = append(out, wantedSession{pid: pid, row: row})
		}
	}
	if len(out) == 0 {
		return nil, action.Refuse("the question that names them found none", "sessions is empty")
	}
	if len(out) > maxSessions {
		return nil, action.Refuse("choose fewer", "sessions has %d sessions, and at most %d are signalled at once", len(out), maxSessions)
	}
	return out, nil
}

func pidOf(v any) (int64, bool) {
	if n, is := v.(int); is {
		v = int64(n)
	}
	n, ok := number64(v)
	if text, is := v.(string); is {
		f, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		n, ok = float64(f), err == nil
	}
	return int64(n), ok && n >= 1 && n <= math.MaxInt32 && n == math.Trunc(n)
}

// other says in what a session differs from the one in the evidence; "" where
// it may well be the same. Evidence without these columns says nothing.
func (w wantedSession) other(b backend) string {
	for _, is := range []struct{ column, now string }{
		{"user", b.user}, {"usename", b.user}, {"database", b.database}, {"datname", b.database},
	} {
		if was, ok := w.row[is.column].(string); ok && was != is.now {
			return is.column + " is " + is.now + ", not " + was
		}
	}
	return ""
}

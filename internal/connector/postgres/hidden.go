package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// sessionQuestions speak of what all sessions do. The server keeps that from a
// role without pg_read_all_stats: rows are there, their state is not. An empty
// answer to such a role is then no answer at all.
var sessionQuestions = map[string]func(value any) bool{
	"postgres.lock_roots":          emptyRows,
	"postgres.lock_waits":          emptyRows,
	"postgres.idle_in_transaction": emptyRows,
	"postgres.long_statements":     emptyRows,
	"postgres.horizon":             emptyRows,
	"postgres.locks":               noWaiting,
	"postgres.activity":            mostlyHidden,
	"postgres.sessions":            mostlyHidden,
	"postgres.load":                always,
	"postgres.waits":               always,
	"sql":                          emptyRows, // of fences that read pg_stat_activity
}

func always(any) bool { return true }

func emptyRows(v any) bool {
	rows, ok := v.([]any)
	return ok && len(rows) == 0
}

func noWaiting(v any) bool {
	object, ok := v.(map[string]any)
	return ok && num(object, "waiting") == 0
}

// mostlyHidden reports rows of which more than half bear no state.
func mostlyHidden(v any) bool {
	rows, _ := v.([]any)
	hidden, all := 0.0, 0.0
	for _, r := range rows {
		row, _ := r.(map[string]any)
		n := 1.0
		if _, grouped := row["sessions"]; grouped {
			n = num(row, "sessions")
		}
		all += n
		if row["state"] == nil {
			hidden += n
		}
	}
	return hidden*2 > all
}

const hiddenSQL = `SELECT current_user::text AS role, count(*) FILTER (WHERE a.query = '<insufficient privilege>')::float8 AS hidden, count(*)::float8 AS sessions
FROM pg_stat_activity a WHERE a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()`

// hidden remembers for a moment how many sessions our role may not look into,
// so that ten questions of one investigation ask once.
type hidden struct {
	mu     sync.Mutex
	at     time.Time
	answer map[string]any
}

// rememberHidden is how long that is.
const rememberHidden = 5 * time.Second

// whole turns an answer that only looks complete into a refusal, with the grant
// that would make it complete.
func (t *Target) whole(ctx context.Context, question string, a evidence.Answer) (evidence.Answer, error) {
	blind, ok := sessionQuestions[question]
	if !ok || !a.Known() || !blind(a.Value) {
		return a, nil
	}
	t.hidden.mu.Lock()
	defer t.hidden.mu.Unlock()
	if t.hidden.answer == nil || t.tools.Now().Sub(t.hidden.at) > rememberHidden {
		r, err := t.query(ctx, hiddenSQL)
		if err != nil {
			return a, err
		}
		t.hidden.answer, t.hidden.at = r.first(), t.tools.Now()
	}
	n := num(t.hidden.answer, "hidden")
	if n == 0 {
		return a, nil
	}
	return evidence.Not(evidence.Denied,
		fmt.Sprintf("our role may not see what %.0f of %.0f sessions do", n, num(t.hidden.answer, "sessions")),
		"GRANT pg_monitor TO "+quoteIdent(str(t.hidden.answer, "role"))), nil
}

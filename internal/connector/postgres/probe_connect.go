package postgres

import (
	"context"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const identitySQL = `
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num,
       pg_is_in_recovery() AS in_recovery,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
       (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS is_superuser,
       pg_has_role('pg_read_all_stats', 'MEMBER') AS has_monitor,
       pg_backend_pid() AS pid`

// recent is how long an opened session stands for the question whether
// sessions are let in.
const recent = 5 * time.Second

// connectQuestion is answered whatever happens: a refusal is what it asks for.
// Only our own limits and an interruption leave it without a value.
func connectQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	a, err := t.tryConnect(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	value := map[string]any{
		"ok": a.err == nil, "spoke": a.err == nil, "refusal": "", "sqlstate": "", "message": "",
		"connect_s": a.took.Seconds(), "host": t.cfg.conn.Host, "port": int64(t.cfg.conn.Port),
		"database": t.cfg.conn.Database, "user": t.cfg.conn.User, "tls": nil,
		"version": nil, "version_num": nil, "in_recovery": nil, "read_only": nil,
		"is_superuser": nil, "has_monitor": nil, "pooler": nil,
	}
	if a.err == nil {
		value["tls"] = a.tls
		identity, err := t.query(ctx, identitySQL)
		if err == nil {
			for _, name := range []string{"version", "version_num", "in_recovery", "read_only", "is_superuser", "has_monitor"} {
				value[name] = identity.first()[name]
			}
			value["pooler"] = t.pooled(ctx, identity.first())
			return evidence.Of(value), nil
		}
		if !refusable(err) {
			return evidence.Answer{}, err
		}
		if kind, _, _ := refusal(err); kind == RefusalTimeout {
			// We were let in. That a statement then had no turn in time, on a slow
			// way with one session for all questions, is no refusal.
			return evidence.Of(value), nil
		}
		a.err = err
	}
	kind, sqlstate, message := refusal(a.err)
	value["ok"], value["refusal"], value["sqlstate"], value["message"] = false, kind, sqlstate, message
	value["spoke"] = sqlstate != ""
	return evidence.Of(value), nil
}

// refusable tells the server's failures from ours (budget, interruption, closed).
func refusable(err error) bool {
	kind, sqlstate, _ := refusal(err)
	return sqlstate != "" || kind == RefusalTimeout || kind == RefusalBroken
}

// pooled reports whether the process that answers is another one than the one
// we logged in to: a pooler gives out made-up process ids.
func (t *Target) pooled(ctx context.Context, identity map[string]any) any {
	s := t.session
	if s.take(ctx) != nil {
		return nil
	}
	defer s.give()
	if s.conn == nil {
		return nil
	}
	return s.conn.PID() != uint32(num(identity, "pid"))
}

// tryConnect opens a session, or reports on the one that was opened just now.
// Where an older session stands, a second one is tried and closed again: the
// old one would hide that new ones are refused.
func (t *Target) tryConnect(ctx context.Context) (attempt, error) {
	s := t.session
	if err := s.take(ctx); err != nil {
		return attempt{}, err
	}
	defer s.give()
	alive := s.conn != nil && !s.conn.IsClosed()
	if !alive || t.tools.Now().Sub(s.opened.at) < recent {
		_, err := t.connect(ctx)
		if s.opened.at.IsZero() || err != nil && !isConnect(err) {
			return attempt{}, err
		}
		return s.opened, nil
	}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return attempt{}, err
	}
	defer leave()
	conn, a := s.dial(ctx, t.tools.Now)
	if conn != nil {
		_ = conn.Close(ctx)
	}
	return a, nil
}

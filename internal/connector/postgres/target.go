package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Target is one database on one server.
type Target struct {
	cfg     config
	tools   connector.Tools
	session *session
	pairs   *pairs
	ask     map[string]answerer
	hidden  hidden
}

// answerer answers one built-in question.
type answerer func(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error)

// open makes a target; nothing is dialled before the first question.
func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	cfg, err := readConfig(s)
	if err != nil {
		return nil, err
	}
	tools = tools.Filled()
	t := &Target{cfg: cfg, tools: tools, ask: answerers(), pairs: newPairs(cfg.window)}
	t.session = newSession(cfg, tools.Gate.Limits().Bytes)
	return t, nil
}

// Ask implements probe.Prober.
func (t *Target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	a, err := t.answer(ctx, q)
	if err != nil {
		return t.failure(err)
	}
	a.Value = t.cfg.redact.Value(t.tools.Redact.Value(a.Value))
	return a
}

func (t *Target) answer(ctx context.Context, q probe.Question) (evidence.Answer, error) {
	switch q.Lang {
	case "sql":
		a, err := t.fence(ctx, q)
		if err != nil || !strings.Contains(strings.ToLower(q.Text.Source()), "pg_stat_activity") {
			return a, err
		}
		return t.whole(ctx, q.Lang, a)
	case "probe":
		if ask, ok := t.ask[q.Builtin]; ok {
			a, err := ask(ctx, t, q)
			if err != nil {
				return a, err
			}
			return t.whole(ctx, q.Builtin, a)
		}
		return evidence.Not(evidence.Invalid, "there is no question "+q.Builtin, ""), nil
	}
	return evidence.Not(evidence.Invalid, "Postgres does not answer "+q.Lang, ""), nil
}

// Close implements connector.Target.
func (t *Target) Close() error {
	t.session.close()
	return nil
}

// margin is kept back from a deadline for the way back of the answer.
const margin = 100 * time.Millisecond

// query runs a statement of our own in a read-only transaction, in one round
// trip, and returns the rows of its last result.
func (t *Target) query(ctx context.Context, sql string) (result, error) {
	return t.within(ctx, func(ctx context.Context, s *session, budget time.Duration) (result, error) {
		return s.exec(ctx, prelude(budget, systemPath)+Mark+sql+epilogue, t.own())
	})
}

// transaction runs statements of our own in one read-only transaction, where one
// statement depends on another.
func (t *Target) transaction(ctx context.Context, path string, steps func(ctx context.Context, s *session) (result, error)) (result, error) {
	return t.within(ctx, func(ctx context.Context, s *session, budget time.Duration) (result, error) {
		if _, err := s.exec(ctx, prelude(budget, path), t.own()); err != nil {
			return result{}, err
		}
		return steps(ctx, s)
	})
}

func (t *Target) caps() caps {
	l := t.tools.Gate.Limits()
	return caps{rows: l.Rows, bytes: l.Bytes}
}

// ownRows bounds what a built-in question reads for itself: pg_stat_statements
// holds 5000 rows by default, and all of them are needed for a share.
const ownRows = 10000

// own are the caps on built-in questions' own reading; what they answer is
// bounded by their limit.
func (t *Target) own() caps {
	return caps{rows: max(ownRows, t.tools.Gate.Limits().Rows), bytes: t.tools.Gate.Limits().Bytes}
}

// within takes the session, passes the gate, and runs work with a deadline
// that the server knows too. A session that turns out to be dead is opened
// again, once: what runs here changes nothing, so it may run twice.
func (t *Target) within(ctx context.Context, work func(context.Context, *session, time.Duration) (result, error)) (result, error) {
	s := t.session
	if err := s.take(ctx); err != nil {
		return result{}, err
	}
	defer s.give()
	for try := 0; ; try++ {
		fresh, err := t.connect(ctx)
		if err != nil {
			return result{}, err
		}
		r, err := t.once(ctx, work)
		if err == nil || fresh || try > 0 || !sessionLost(err) || ctx.Err() != nil {
			return r, err
		}
	}
}

// connect opens the session where there is none; each attempt passes the gate.
func (t *Target) connect(ctx context.Context) (fresh bool, err error) {
	s := t.session
	if s.closed || s.conn != nil && !s.conn.IsClosed() || s.opened.err != nil && t.tools.Now().Sub(s.opened.at) < remember {
		return s.open(ctx, t.tools.Now)
	}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return s.open(ctx, t.tools.Now)
}

func (t *Target) once(ctx context.Context, work func(context.Context, *session, time.Duration) (result, error)) (result, error) {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return result{}, err
	}
	defer leave()
	budget := t.tools.Gate.Limits().Timeout
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)-margin)
	}
	if budget <= 0 {
		return result{}, fmt.Errorf("no time left: %w", context.DeadlineExceeded)
	}
	ctx, cancel := context.WithTimeout(ctx, budget+margin)
	defer cancel()
	r, err := work(ctx, t.session, budget)
	t.session.rollback(ctx)
	return r, err
}

// sessionLost reports whether a session that worked before has gone.
func sessionLost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P05" || pg.Code == "25P03" || pg.Code[:2] == "08"
	}
	return broke(err)
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quellhq/quell/internal/action"
)

// visit is a session of its own, opened for one change and closed after it. An
// action neither waits for the questions of a diagnosis nor counts in their
// budget: it may be what makes the server answer again.
type visit struct {
	t       *Target
	s       *session
	claimed bool
}

// asker runs one statement that reads, in a READ ONLY transaction.
type asker func(ctx context.Context, sql string) (result, error)

// visit opens a session; more are settings that it starts with.
func (t *Target) visit(ctx context.Context, more map[string]string) (*visit, error) {
	cfg := t.cfg
	cfg.conn = t.cfg.conn.Copy()
	maps.Copy(cfg.conn.RuntimeParams, more)
	s := &session{cfg: cfg}
	conn, a := s.dial(ctx, t.tools.Now)
	for try := 0; conn == nil && isFull(a.err) && try < fullTries && t.session.yield(ctx); try++ {
		conn, a = s.dial(ctx, t.tools.Now)
	}
	if conn == nil && strings.Contains(a.err.Error(), "unsupported startup parameter") {
		return nil, behindPooler("it refuses the settings of a session that changes something")
	}
	if conn == nil {
		return nil, &connectError{a.err}
	}
	s.conn = conn
	return &visit{t: t, s: s}, nil
}

// fullTries is how often a full server is asked again after the session of the
// questions gave up its place; the server needs a moment to see that.
const fullTries = 10

// isFull reports a refusal for want of a place.
func isFull(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53300"
}

// yield closes the session that the questions use, so that its place is free;
// the next question opens another. It waits a moment and reports whether it
// makes sense to try again.
func (s *session) yield(ctx context.Context) bool {
	if s.take(ctx) != nil {
		return false
	}
	defer s.give()
	if s.conn != nil && !s.conn.IsClosed() {
		closing, cancel := context.WithTimeout(ctx, drainTime)
		_ = s.conn.Close(closing)
		cancel()
		s.conn = nil
	}
	return pause(ctx, 50*time.Millisecond) == nil
}

// pause waits for d, or returns the context's error when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask implements asker.
func (v *visit) ask(ctx context.Context, sql string) (result, error) {
	budget := v.t.tools.Gate.Limits().Timeout
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)-margin)
	}
	if budget <= 0 {
		return result{}, fmt.Errorf("no time left: %w", context.DeadlineExceeded)
	}
	ctx, cancel := context.WithTimeout(ctx, budget+margin)
	defer cancel()
	r, err := v.s.exec(ctx, prelude(budget, systemPath)+Mark+sql+epilogue, v.t.own())
	v.s.rollback(ctx)
	return r, err
}

// askBare is ask in a session as it comes, without the settings that we give
// our own questions: they would hide the server's. Statements for it name
// everything in full.
func (v *visit) askBare(ctx context.Context, sql string) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, v.t.tools.Gate.Limits().Timeout)
	defer cancel()
	r, err := v.s.exec(ctx, Mark+"BEGIN READ ONLY;"+Mark+sql+epilogue, v.t.own())
	v.s.rollback(ctx)
	return r, err
}

// transact runs one statement that changes something in a transaction with
// bounds of its own.
func (v *visit) transact(ctx context.Context, key, sql string) error {
	_, err := v.do(ctx, key, fmt.Sprintf(`BEGIN READ WRITE; SELECT pg_catalog.set_config('lock_timeout', '2000', true), pg_catalog.set_config('statement_timeout', '30000', true),
pg_catalog.set_config('synchronous_commit', 'local', true), pg_catalog.set_config('standard_conforming_strings', 'on', true); %s; COMMIT`, sql))
	v.s.rollback(ctx)
	return err
}

// do runs one statement that changes something, in a transaction of its own.
// The order's key stands in a comment before it, for the server's log and for
// who looks at pg_stat_activity meanwhile.
func (v *visit) do(ctx context.Context, key, sql string) (result, error) {
	return v.s.exec(ctx, Mark+"/* "+plainKey(key)+" */ "+sql, v.t.own())
}

// plainKey is a key without anything that could end a comment.
func plainKey(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, key)
}

func (v *visit) close() {
	if v.s.conn == nil || v.s.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if v.claimed { // the server takes a moment to end a session: who asks next would see it at work
		_, _ = v.s.exec(ctx, Mark+"SELECT pg_catalog.pg_advisory_unlock_all()", v.t.own())
	}
	_ = v.s.conn.Close(ctx)
}

// bounds are the longest waits that the server itself keeps to, should we be gone.
type bounds struct{ lock, statement time.Duration }

// ownSetting says on the server that a session is one of ours that changes something.
// It is a setting that no pooler knows: one that stands in between refuses it,
// or heeded misses it.
const ownSetting = "quell.change"

// changing are the settings of a session that changes something. They go with
// the login, since a SET would stay behind in a pooler's session; a pooler
// that does not pass them on is found out by heeded. rolePath leaves the
// search path to the role: definitions of indexes may need it.
func changing(b bounds, rolePath bool) map[string]string {
	settings := map[string]string{
		ownSetting:                      "1",
		"default_transaction_read_only": "off", "default_transaction_isolation": "read committed",
		// a standby that is gone must not hold up its own mitigation
		"synchronous_commit": "local",
		"statement_timeout":  millis(b.statement), "lock_timeout": millis(b.lock),
		"idle_in_transaction_session_timeout": "10000",
		"standard_conforming_strings":         "on", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres",
		"TimeZone": "UTC", "extra_float_digits": "1", "bytea_output": "hex",
	}
	if !rolePath {
		settings["search_path"] = "pg_catalog"
	}
	return settings
}

func millis(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

// heeded checks that the session is what we asked for.
func (v *visit) heeded(ctx context.Context, settings map[string]string) error {
	r, err := v.s.exec(ctx, Mark+"SELECT s.name, s.setting FROM pg_catalog.pg_settings s WHERE s.name IN ('statement_timeout', 'lock_timeout') UNION ALL SELECT '"+
		ownSetting+"', pg_catalog.current_setting('"+ownSetting+"', true)", v.t.own())
	if err != nil {
		return err
	}
	for _, row := range r.rows {
		if want, asked := settings[str(row, "name")]; asked && str(row, "setting") != want {
			return behindPooler(fmt.Sprintf("%s is %q and not what was asked for", str(row, "name"), str(row, "setting")))
		}
	}
	return nil
}

// behindPooler refuses a session that may be another one at the next statement:
// what we set would stay behind in it for others, and a lock too.
func behindPooler(how string) error {
	return action.Refuse("point the target at the server itself", "a pooler stands in between: %s", how)
}

// claim takes the order for this session: two processes, or a session that a
// killed process left behind at work, do not carry out the same one.
func (v *visit) claim(ctx context.Context, o action.Order) error {
	r, err := v.s.exec(ctx, fmt.Sprintf(Mark+"SELECT pg_catalog.pg_try_advisory_lock(%d, %d) AS ours", claimSpace, int32(claimOf(o))), v.t.own())
	if err != nil {
		return err
	}
	if !truth(r.first(), "ours") {
		return action.NotYet("another session works on this order")
	}
	v.claimed = true
	return nil
}

// claimSpace sets our advisory locks apart from the application's: "quel".
const claimSpace = 0x7175656c

// claimOf is the number of the advisory lock for an order.
func claimOf(o action.Order) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(o.Key + " " + action.Digest(o.Change)))
	return h.Sum32()
}

// underwaySQL finds the session that works on an order.
func underwaySQL(o action.Order) string {
	return fmt.Sprintf("SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %d AND l.objid = %d AND l.objsubid = 2 ORDER BY l.pid",
		claimSpace, claimOf(o))
}

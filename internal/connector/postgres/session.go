package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// session is the one connection that a target keeps. It is opened on the first
// question, opened again when it broke, and used by one question at a time.
type session struct {
	cfg  config
	turn chan struct{} // holds one token: whoever has it may use what follows

	conn   *pgconn.PgConn
	opened attempt // the last attempt to open a session, good or bad
	dials  dials
	closed bool
	// leaving are ended sessions of which the server is still being told to
	// stop the statement under way.
	leaving []<-chan struct{}
}

// attempt is one try to open a session.
type attempt struct {
	at   time.Time // when it ended
	took time.Duration
	err  error // nil when a session was opened
	tls  bool
}

// remember is how long a failed attempt stands for all questions: dozens are
// asked at once, and each would otherwise wait for its own refusal.
const remember = 3 * time.Second

// drainTime is how long the rest of an answer that was cut may take to arrive
// before the connection is given up.
const drainTime = 300 * time.Millisecond

func newSession(cfg config, maxBytes int) *session {
	s := &session{cfg: cfg, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	conn := cfg.conn
	conn.DialFunc = s.dials.dial
	build := conn.BuildFrontend
	conn.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		f := build(r, w)
		// A single row larger than the whole answer may be never is read into memory.
		f.SetMaxBodyLen(maxBytes + 1<<20)
		return f
	}
	return s
}

// take waits for the turn to use the session.
func (s *session) take(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *session) give() { s.turn <- struct{}{} }

// open makes sure that there is a session. The caller has the turn. fresh
// reports that it was opened by this call.
func (s *session) open(ctx context.Context, now func() time.Time) (fresh bool, err error) {
	if s.closed {
		return false, errClosed
	}
	if s.conn != nil && !s.conn.IsClosed() {
		return false, nil
	}
	if s.opened.err != nil && now().Sub(s.opened.at) < remember {
		return false, &connectError{s.opened.err}
	}
	conn, a := s.dial(ctx, now)
	if ctx.Err() != nil && a.err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return false, ctx.Err()
	}
	s.opened = a
	if a.err != nil {
		return false, &connectError{a.err}
	}
	s.conn = conn
	return true, nil
}

func (s *session) dial(ctx context.Context, now func() time.Time) (*pgconn.PgConn, attempt) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.connectTimeout)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, s.cfg.conn)
	if err != nil && networkRefusal(err) == RefusalTimeout {
		if met := stranger(ctx, s.cfg.conn.Host, s.cfg.conn.Port); met != nil {
			err = met
		}
	}
	a := attempt{at: now(), took: time.Since(start), err: err}
	if conn != nil {
		_, a.tls = conn.Conn().(*tls.Conn)
	}
	return conn, a
}

// drop gives up a session whose state is not known.
func (s *session) drop(ctx context.Context) {
	if s.conn == nil {
		return
	}
	_ = s.conn.Conn().Close()
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_ = s.conn.Close(ctx)
	s.conn = nil
}

// close ends the session and everything that was dialled. It may be called twice.
func (s *session) close() {
	<-s.turn
	defer s.give()
	if s.closed {
		return
	}
	s.closed = true
	if s.conn != nil && !s.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		_ = s.conn.Close(ctx)
		cancel()
	}
	s.conn = nil
	s.leave()
	s.dials.closeAll()
}

// leave waits until the server has been told to stop what we no longer wait
// for. Without it a statement that Ctrl-C ended for us would go on there until
// its own timeout, since this process is about to end.
func (s *session) leave() {
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	for _, done := range s.leaving {
		select {
		case <-done:
		case <-timer.C:
			return
		}
	}
	s.leaving = nil
}

// Mark stands before every statement of ours, so that the server's own
// statistics can tell our load from the application's.
const Mark = "/* quell */ "

// prelude begins a transaction that can change nothing and cannot outlive its
// deadline: even if this process freezes, the server ends it. A lock is waited
// for only briefly, since a question queued behind a schema change would show
// up as one more victim. The settings go through one SELECT, not SET, because
// pg_stat_statements keeps every SET with another number as a statement of its
// own and would throw out the application's.
func prelude(budget time.Duration, path string) string {
	ms := max(budget.Milliseconds(), 20)
	var b strings.Builder
	b.WriteString(Mark + "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;" + Mark + "SELECT ")
	for _, s := range []struct{ name, value string }{
		{"statement_timeout", fmt.Sprint(ms)},
		{"lock_timeout", fmt.Sprint(min(ms, lockWait.Milliseconds()))},
		{"idle_in_transaction_session_timeout", fmt.Sprint(max(2*ms, 1000))},
		{"standard_conforming_strings", "on"}, {"DateStyle", "ISO, MDY"}, {"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"}, {"extra_float_digits", "1"}, {"bytea_output", "hex"},
	} {
		fmt.Fprintf(&b, "pg_catalog.set_config('%s', '%s', true), ", s.name, s.value)
	}
	b.WriteString("pg_catalog.set_config('search_path', " + path + ", true);")
	return b.String()
}

// epilogue ends the transaction. A READ ONLY transaction has nothing to commit;
// ended by ROLLBACK, the server would count it among the failed ones, and on a
// quiet server our questions would look like the errors of an application.
const epilogue = ";" + Mark + "COMMIT"

// lockWait is the longest wait for a lock.
const lockWait = 500 * time.Millisecond

// Search paths of built-in questions and of SQL fences. Built-in questions see
// the system's own names only. A fence sees its role's path, with the system's
// names first and temporary ones last, so that nothing can stand in their place.
const (
	systemPath = `'pg_catalog'`
	fencePath  = `'pg_catalog, ' || CASE pg_catalog.current_setting('search_path') WHEN '' THEN ''
		ELSE pg_catalog.current_setting('search_path') || ', ' END || 'pg_temp'`
)

// dials knows every network connection of a target, those for cancel requests
// included, so that closing the target leaves none behind.
type dials struct {
	mu     sync.Mutex
	live   map[*dialled]struct{}
	closed bool
}

type dialled struct {
	net.Conn
	owner *dials
}

func (d *dialled) Close() error {
	d.owner.mu.Lock()
	delete(d.owner.live, d)
	d.owner.mu.Unlock()
	return d.Conn.Close()
}

func (d *dials) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	own := &dialled{Conn: conn, owner: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if d.live == nil {
		d.live = map[*dialled]struct{}{}
	}
	d.live[own] = struct{}{}
	return own, nil
}

func (d *dials) closeAll() {
	d.mu.Lock()
	d.closed = true
	live := make([]*dialled, 0, len(d.live))
	for c := range d.live {
		live = append(live, c)
	}
	d.mu.Unlock()
	for _, c := range live {
		_ = c.Close()
	}
}

// exec sends statements in one round trip and reads all their results; the
// last result that has columns is returned.
func (s *session) exec(ctx context.Context, sql string, caps caps) (result, error) {
	reader := s.conn.Exec(ctx, sql)
	var out result
	for reader.NextResult() {
		r, err := caps.read(reader.ResultReader(), func() { s.cancel(ctx) })
		if err != nil {
			_ = reader.Close()
			return out, err
		}
		if len(r.columns) > 0 {
			out = r
		}
	}
	err := reader.Close()
	if out.cut && isCancel(err) {
		err = nil
	}
	return out, err
}

// cancel asks the server to stop the statement that is under way.
func (s *session) cancel(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, drainTime)
	defer stop()
	_ = s.conn.CancelRequest(ctx)
}

// rollback ends the transaction, and gives the session up if that fails.
func (s *session) rollback(ctx context.Context) {
	if s.conn == nil {
		return
	}
	if s.conn.IsClosed() {
		s.leaving = append(s.leaving, s.conn.CleanupDone())
		s.conn = nil
		return
	}
	if s.conn.TxStatus() == 'I' {
		return
	}
	if ctx.Err() != nil {
		s.drop(ctx)
		return
	}
	if _, err := s.conn.Exec(ctx, Mark+"ROLLBACK").ReadAll(); err != nil {
		s.drop(ctx)
	}
}

func isCancel(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014" && strings.Contains(pg.Message, "user request")
}

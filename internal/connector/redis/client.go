package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// A client is our one connection to the server. Commands of several questions
// take turns on it, so what we count of our own doings is in the order in
// which the server did them, and can be taken off its counters exactly.
type client struct {
	at   address
	gate *connector.Gate
	now  func() time.Time

	turn chan struct{} // holds one token: whoever has it owns what follows
	link *link
	last *visit // of the latest successful knock
	fail *failed
	own  own
	gone bool // closed for good
}

// link is one live connection in the client library's hands.
type link struct {
	rdb  *goredis.Client
	conn *cappedConn
}

// failed remembers why the last knock failed, for the questions that waited
// behind it: a server that hangs is not knocked at twelve times in a row.
type failed struct {
	err error
	at  time.Time
}

// remember is how long a failed knock answers for those that come after it.
const remember = 3 * time.Second

// own counts what we did to the server ourselves.
type own struct {
	calls        map[string]int64 // by commandstats name: "info", "config|get"
	errors       map[string]int64 // by first word: "NOPERM"
	total        int64
	hits, misses int64 // key lookups that the server counts as such
}

func (o own) copy() own {
	c := own{calls: make(map[string]int64, len(o.calls)), errors: make(map[string]int64, len(o.errors)),
		total: o.total, hits: o.hits, misses: o.misses}
	for k, v := range o.calls {
		c.calls[k] = v
	}
	for k, v := range o.errors {
		c.errors[k] = v
	}
	return c
}

// reply is what one command got: a value or the server's error text.
type reply struct {
	val any
	err string
}

var (
	errClosed = errors.New("the target was closed")
	errTooBig = errors.New("the answer is larger than the limit for one answer")
)

func newClient(at address, tools connector.Tools) *client {
	c := &client{at: at, gate: tools.Gate, now: tools.Now, turn: make(chan struct{}, 1),
		own: own{calls: map[string]int64{}, errors: map[string]int64{}}}
	c.turn <- struct{}{}
	return c
}

func (c *client) take(ctx context.Context) error {
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *client) give() { c.turn <- struct{}{} }

// do sends commands in one round trip and returns their replies in order. An
// error means that nothing came back; what the server refused stands in the
// replies. It passes the gate once.
func (c *client) do(ctx context.Context, cmds ...[]any) ([]reply, error) {
	got, err := c.exchange(ctx, cmds...)
	return got.replies, err
}

// exchanged is one round trip with its circumstances.
type exchanged struct {
	replies []reply
	before  own           // what we had done to the server until then
	took    time.Duration // of the round trip alone, without waiting for our turn
	visit   *visit        // of the connection that carried it
}

// exchange is do, with the circumstances.
func (c *client) exchange(ctx context.Context, cmds ...[]any) (exchanged, error) {
	if err := c.take(ctx); err != nil {
		return exchanged{}, err
	}
	defer c.give()
	l, err := c.connected(ctx)
	if err != nil {
		return exchanged{}, err
	}
	leave, err := c.gate.Enter(ctx)
	if err != nil {
		return exchanged{}, err
	}
	defer leave()
	got := exchanged{before: c.own.copy(), visit: c.last}
	start := time.Now()
	got.replies, err = c.send(ctx, l, cmds)
	got.took = time.Since(start)
	if err != nil {
		c.drop()
		return exchanged{}, err
	}
	c.count(cmds, got.replies)
	return got, nil
}

// connected returns the live link, knocking first where there is none. The
// caller has the turn.
func (c *client) connected(ctx context.Context) (*link, error) {
	if c.gone {
		return nil, errClosed
	}
	if c.link != nil {
		return c.link, nil
	}
	if c.fail != nil && c.now().Sub(c.fail.at) < remember {
		return nil, c.fail.err
	}
	leave, err := c.gate.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	v, err := c.at.knock(ctx)
	if err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		c.fail = &failed{err: err, at: c.now()}
		return nil, err
	}
	c.fail, c.last = nil, v
	c.link = newLink(v.conn, c.gate.Limits().Bytes)
	return c.link, nil
}

// newLink hands an open connection to the client library: no pool, no
// retries, no second dial. Protocol 2 keeps replies the same on all servers.
func newLink(conn net.Conn, limit int) *link {
	capped := &cappedConn{Conn: conn, limit: int64(limit)}
	var used atomic.Bool
	rdb := goredis.NewClient(&goredis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			if used.Swap(true) {
				return nil, net.ErrClosed
			}
			return capped, nil
		},
		Protocol: 2, MaxRetries: -1, PoolSize: 1, DisableIdentity: true,
		ContextTimeoutEnabled: true, ConnMaxIdleTime: -1,
	})
	return &link{rdb: rdb, conn: capped}
}

// send runs the commands as one pipeline within the gate's time limit.
func (c *client) send(ctx context.Context, l *link, cmds [][]any) (replies []reply, err error) {
	// The library trusts lengths that the peer names; a peer that lies about
	// them must not take us down.
	defer func() {
		if p := recover(); p != nil {
			replies, err = nil, fmt.Errorf("the answer could not be read: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, c.gate.Limits().Timeout)
	defer cancel()
	l.conn.reset()
	pipe := l.rdb.Pipeline()
	queued := make([]*goredis.Cmd, len(cmds))
	for i, args := range cmds {
		queued[i] = pipe.Do(ctx, args...)
	}
	_, execErr := pipe.Exec(ctx)
	if l.conn.over.Load() {
		return nil, errTooBig
	}
	replies = make([]reply, len(cmds))
	for i, q := range queued {
		val, err := q.Result()
		var said goredis.Error
		switch {
		case err == nil:
			replies[i].val = plain(val)
		case errors.Is(err, goredis.Nil):
		case errors.As(err, &said):
			replies[i].err = clip(said.Error())
		default:
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, execErr
		}
	}
	return replies, nil
}

func (c *client) count(cmds [][]any, replies []reply) {
	for i, args := range cmds {
		name := statName(args)
		c.own.calls[name]++
		c.own.total++
		if e := replies[i].err; e != "" {
			word, _, _ := strings.Cut(e, " ")
			c.own.errors[word]++
		}
		// TYPE and PTTL of a key count as lookups, hit or miss; MEMORY USAGE
		// and SCAN do not (measured on Redis 7.0.15).
		switch name {
		case "type":
			c.look(replies[i].val != "none")
		case "pttl", "ttl":
			n, _ := replies[i].val.(int64)
			c.look(n != -2)
		case "strlen", "llen", "scard", "zcard", "hlen", "xlen":
			n, _ := replies[i].val.(int64)
			c.look(n > 0)
		}
	}
}

func (c *client) look(hit bool) {
	if hit {
		c.own.hits++
	} else {
		c.own.misses++
	}
}

// statName is the name under which INFO commandstats counts a command.
func statName(args []any) string {
	name := strings.ToLower(fmt.Sprint(args[0]))
	if containers[name] && len(args) > 1 {
		return name + "|" + strings.ToLower(fmt.Sprint(args[1]))
	}
	return name
}

// drop closes the link; the next question knocks anew. The caller has the turn.
func (c *client) drop() {
	if c.link != nil {
		_ = c.link.rdb.Close()
		_ = c.link.conn.Close()
		c.link = nil
	}
}

func (c *client) close() {
	<-c.turn
	defer c.give()
	c.gone = true
	c.drop()
}

// cappedConn bounds the bytes that one round trip may bring.
type cappedConn struct {
	net.Conn
	limit int64
	got   atomic.Int64
	over  atomic.Bool
}

func (c *cappedConn) reset() { c.got.Store(0); c.over.Store(false) }

func (c *cappedConn) Read(p []byte) (int, error) {
	if c.got.Load() > c.limit {
		c.over.Store(true)
		return 0, errTooBig
	}
	n, err := c.Conn.Read(p)
	c.got.Add(int64(n))
	return n, err
}

// plain turns a reply into plain data.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, string:
		return v
	case float64:
		return finite(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[fmt.Sprint(k)] = plain(x)
		}
		return out
	case error:
		return clip(v.Error())
	}
	return fmt.Sprint(v)
}

// answer turns the error of do into an answer.
func (c *client) answer(what string, err error) evidence.Answer {
	what += " at " + c.at.addr
	var r *refusal
	if errors.As(err, &r) {
		return r.answer("connect to "+c.at.addr, c.at)
	}
	switch {
	case errors.Is(err, errClosed):
		return evidence.Not(evidence.NotAsked, errClosed.Error(), "")
	case errors.Is(err, errTooBig):
		return evidence.Not(evidence.Refused, what+": "+errTooBig.Error(), "")
	}
	return connector.Failure(what, err)
}

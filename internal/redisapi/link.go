package redisapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Link is one live connection in the client library's hands. One goroutine at
// a time may use it.
type Link struct {
	rdb  *goredis.Client
	conn *cappedConn
}

// Reply is what one command got: a value or the server's error text. A value
// is nil, a bool, an int64, a float64, a string, a list or a map of them.
type Reply struct {
	Val any
	Err string
}

// ErrTooBig says that an answer was larger than the link's limit. What the
// command did is not known, and the link is of no more use.
var ErrTooBig = errors.New("the answer is larger than the limit for one answer")

// NewLink hands an open connection to the client library: no pool, no
// retries, no second dial. limit bounds the bytes of one round trip. Protocol 2
// keeps replies the same on all servers.
func NewLink(conn net.Conn, limit int) *Link {
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
	return &Link{rdb: rdb, conn: capped}
}

// Send runs commands as one pipeline within the time allowed and returns their
// replies in order. What the server refused stands in the replies. An error
// means that not everything came back: what the commands did is not known, and
// the link has to be closed.
func (l *Link) Send(ctx context.Context, within time.Duration, cmds ...[]any) (replies []Reply, err error) {
	// The library trusts lengths that the peer names; a peer that lies about
	// them must not take us down.
	defer func() {
		if p := recover(); p != nil {
			replies, err = nil, fmt.Errorf("the answer could not be read: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	l.conn.reset()
	pipe := l.rdb.Pipeline()
	queued := make([]*goredis.Cmd, len(cmds))
	for i, args := range cmds {
		queued[i] = pipe.Do(ctx, args...)
	}
	_, execErr := pipe.Exec(ctx)
	if l.conn.over.Load() {
		return nil, ErrTooBig
	}
	replies = make([]Reply, len(cmds))
	for i, q := range queued {
		err := q.Err()
		var said goredis.Error
		switch {
		case err == nil:
			replies[i].Val = plain(q.Val())
		case q.Val() != nil && (errors.Is(err, goredis.Nil) || errors.As(err, &said)):
			// Where the first command is refused, or has nothing to answer, the
			// library gives its error to all that have none.
			replies[i].Val = plain(q.Val())
		case errors.Is(err, goredis.Nil):
		case errors.As(err, &said):
			replies[i].Err = Clip(said.Error())
		default:
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, execErr
		}
	}
	return replies, nil
}

// Close ends the connection. It may be called twice.
func (l *Link) Close() {
	_ = l.rdb.Close()
	_ = l.conn.Close()
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
		return 0, ErrTooBig
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
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil // evidence holds no NaN and no infinity
		}
		return v
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
		return Clip(v.Error())
	}
	return fmt.Sprint(v)
}

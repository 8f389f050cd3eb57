package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/redisapi"
)

// A client is our one connection to the server. Commands of several questions
// take turns on it, so what we count of our own doings is in the order in
// which the server did them, and can be taken off its counters exactly.
type client struct {
	at   redisapi.Address
	gate *connector.Gate
	now  func() time.Time

	turn chan struct{} // holds one token: whoever has it owns what follows
	link *redisapi.Link
	last *redisapi.Visit // of the latest successful knock
	fail *failed
	own  own
	gone bool // closed for good
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

var errClosed = errors.New("the target was closed")

func newClient(at redisapi.Address, tools connector.Tools) *client {
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
func (c *client) do(ctx context.Context, cmds ...[]any) ([]redisapi.Reply, error) {
	got, err := c.exchange(ctx, cmds...)
	return got.replies, err
}

// exchanged is one round trip with its circumstances.
type exchanged struct {
	replies []redisapi.Reply
	before  own             // what we had done to the server until then
	took    time.Duration   // of the round trip alone, without waiting for our turn
	visit   *redisapi.Visit // of the connection that carried it
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
	got.replies, err = l.Send(ctx, redisapi.Patience(c.gate), cmds...)
	got.took = time.Since(start)
	if redisapi.TimedOut(err) {
		c.gate.Unanswered()
	}
	if err != nil {
		c.drop()
		return exchanged{}, err
	}
	c.count(cmds, got.replies)
	return got, nil
}

// connected returns the live link, knocking first where there is none. The
// caller has the turn.
func (c *client) connected(ctx context.Context) (*redisapi.Link, error) {
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
	v, err := c.at.Knock(ctx)
	if err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		c.fail = &failed{err: err, at: c.now()}
		return nil, err
	}
	c.fail, c.last = nil, v
	c.link = redisapi.NewLink(v.Conn, c.gate.Limits().Bytes)
	return c.link, nil
}

func (c *client) count(cmds [][]any, replies []redisapi.Reply) {
	for i, args := range cmds {
		name := statName(args)
		c.own.calls[name]++
		c.own.total++
		if e := replies[i].Err; e != "" {
			word, _, _ := strings.Cut(e, " ")
			c.own.errors[word]++
		}
		// TYPE and PTTL of a key count as lookups, hit or miss; MEMORY USAGE
		// and SCAN do not (measured on Redis 7.0.15).
		switch name {
		case "type":
			c.look(replies[i].Val != "none")
		case "pttl", "ttl":
			n, _ := replies[i].Val.(int64)
			c.look(n != -2)
		case "strlen", "llen", "scard", "zcard", "hlen", "xlen":
			n, _ := replies[i].Val.(int64)
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
		c.link.Close()
		c.link = nil
	}
}

func (c *client) close() {
	<-c.turn
	defer c.give()
	c.gone = true
	c.drop()
}

// answer turns the error of do into an answer.
func (c *client) answer(what string, err error) evidence.Answer {
	if errors.Is(err, errClosed) {
		return evidence.Not(evidence.NotAsked, errClosed.Error(), "")
	}
	return redisapi.Failed(what, err, c.at)
}

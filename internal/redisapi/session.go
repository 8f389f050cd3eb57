package redisapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// Session is one connection that is opened for one purpose and closed after
// it. One goroutine at a time may use it.
type Session struct {
	At      Address
	limits  connector.Limits
	gate    *connector.Gate
	link    *Link
	broken  bool // a round trip did not come back
	release func(broken bool)
}

// Open gets in. With a gate every round trip passes it; a change has none: it
// may be what makes the server answer again, so it neither waits for the
// questions of a diagnosis nor counts in their budget. Errors: those of Knock,
// or of the gate.
func Open(ctx context.Context, at Address, limits connector.Limits, gate *connector.Gate) (*Session, error) {
	s := &Session{At: at, limits: limits, gate: gate}
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if gate != nil {
		at.Within = min(at.Within, gate.Patience())
	}
	v, err := at.Knock(ctx)
	if gate != nil && TimedOut(err) {
		gate.Unanswered()
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	s.link = NewLink(v.Conn, limits.Bytes)
	s.release = func(bool) { s.link.Close() }
	return s, nil
}

// Borrowed is a session over a link that somebody else keeps. release is called
// once, when the session is closed; broken says that the link is of no more use.
func Borrowed(at Address, limits connector.Limits, link *Link, release func(broken bool)) *Session {
	return &Session{At: at, limits: limits, link: link, release: release}
}

func (s *Session) enter(ctx context.Context) (func(), error) {
	if s.gate == nil {
		return func() {}, ctx.Err()
	}
	return s.gate.Enter(ctx)
}

// patience is how long one round trip may take.
func (s *Session) patience() time.Duration {
	if s.gate == nil {
		return s.limits.Timeout
	}
	return Patience(s.gate)
}

// AnswerTime is how long a round trip may take where nobody has given the target
// more time than usual: a Redis that says nothing for so long hangs.
const AnswerTime = 3500 * time.Millisecond

// Patience is how long the next round trip through a gate may take.
func Patience(gate *connector.Gate) time.Duration {
	if gate.Limits().Timeout > connector.DefaultLimits().Timeout {
		return gate.Patience()
	}
	return min(gate.Patience(), AnswerTime)
}

// TimedOut reports an error of a knock or of a round trip that nothing came of in time.
func TimedOut(err error) bool {
	var refused *Refusal
	if errors.As(err, &refused) && refused.Kind == KindTimeout {
		return true
	}
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// Do sends commands in one round trip and returns their replies in order. An
// error means that what they did is not known.
func (s *Session) Do(ctx context.Context, cmds ...[]any) ([]Reply, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	replies, err := s.link.Send(ctx, s.patience(), cmds...)
	if s.gate != nil && TimedOut(err) {
		s.gate.Unanswered()
	}
	s.broken = s.broken || err != nil
	return replies, err
}

// All is Do where no command may be refused: the first refusal is its error.
func (s *Session) All(ctx context.Context, cmds ...[]any) ([]Reply, error) {
	if len(cmds) == 0 {
		return nil, ctx.Err()
	}
	replies, err := s.Do(ctx, cmds...)
	for i := 0; err == nil && i < len(replies); i++ {
		err = replies[i].Said(cmds[i])
	}
	return replies, err
}

// One sends one command. What the server refused is a *Said.
func (s *Session) One(ctx context.Context, cmd ...any) (any, error) {
	replies, err := s.All(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return replies[0].Val, nil
}

// Run runs a Lua script on the server. What it had done before a command of it
// was refused stays done.
func (s *Session) Run(ctx context.Context, script string, keys []string, args ...any) (any, error) {
	return s.One(ctx, Script(script, keys, args...)...)
}

// Script is the command that runs a Lua script.
func Script(text string, keys []string, args ...any) []any {
	cmd := make([]any, 0, 3+len(keys)+len(args))
	cmd = append(cmd, "EVAL", text, len(keys))
	for _, k := range keys {
		cmd = append(cmd, k)
	}
	return append(cmd, args...)
}

// Time is the server's clock, in microseconds.
func (s *Session) Time(ctx context.Context) (time.Time, error) {
	v, err := s.One(ctx, "TIME")
	if err != nil {
		return time.Time{}, err
	}
	var sec, micro int64
	pair := append(Texts(v), "", "")
	if _, err := fmt.Sscan(pair[0]+" "+pair[1], &sec, &micro); err != nil {
		return time.Time{}, fmt.Errorf("read the server's clock: %w", err)
	}
	return time.Unix(sec, micro*1000).UTC(), nil
}

// Close ends it. It may be called twice.
func (s *Session) Close() {
	if s.release != nil {
		s.release(s.broken)
		s.release = nil
	}
}

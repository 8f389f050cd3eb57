package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// troubleSpan is over how long visitors are asked whether all is well.
const troubleSpan = 3 * time.Second

// Trouble says what of the fault is still felt, by those whom it concerns: the
// visitors, and the shop's process itself. It is empty where its effect is
// gone, whether or not its cause is. Quell's own judgement is held against it.
func (s *Shop) Trouble(ctx context.Context) (string, error) {
	var t truth
	if err := s.tell(ctx, http.MethodGet, "/demo/truth", &t); err != nil {
		return "", fmt.Errorf("ask the shop how it is: %w", err)
	}
	s.mu.Lock()
	usual := s.usual
	s.mu.Unlock()
	f := s.visitors.felt(troubleSpan)
	switch {
	case f.visits < 10:
		return fmt.Sprintf("only %d visitors got an answer within %s", f.visits, troubleSpan), nil
	case f.failed*50 > f.visits: // one in fifty: a restart may have met some
		return fmt.Sprintf("%d of %d visitors got an error", f.failed, f.visits), nil
	case f.p95 > max(3*usual.p95, noticeable):
		return fmt.Sprintf("one visitor in twenty waits for over %s, usual is %s", f.p95.Round(time.Millisecond), usual.p95.Round(time.Millisecond)), nil
	case t.Lost*2 > t.Pool:
		return fmt.Sprintf("%d of %d connections are lost", t.Lost, t.Pool), nil
	case t.Blocked:
		return "a transaction still holds others up", nil
	case t.Workers == 0:
		return "no worker is alive", nil
	case t.Hopeless > 0:
		return fmt.Sprintf("%d jobs that cannot succeed are still tried", t.Hopeless), nil
	case t.Waiting > 50:
		return fmt.Sprintf("%d jobs wait", t.Waiting), nil
	case t.Kept > atticSize/2:
		return fmt.Sprintf("the process still holds %d MB for nothing", t.Kept>>20), nil
	}
	return "", nil
}

// noticeable is from when on a visitor calls an answer slow.
const noticeable = 100 * time.Millisecond

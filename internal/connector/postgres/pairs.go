package postgres

import (
	"context"
	"sync"
	"time"
)

// pairs shares readings that take time between the questions of one
// investigation: two samples of counters with a pause between them, or several
// looks at the active sessions. Pauses that begin while another one runs end
// with it where that leaves enough time, so all questions wait once, together,
// and hold neither the session nor the gate meanwhile.
type pairs struct {
	window time.Duration
	mu     sync.Mutex
	known  map[pairKey]*reading
	end    time.Time // when the running pause ends
}

// pairKey names a reading: what is read, and for which investigation.
type pairKey struct {
	what string
	at   time.Time
}

type reading struct {
	done  chan struct{}
	value any
	err   error
}

// shortest is the least part of the window that a joined pause must last.
const shortest = 0.7

// keep is how many readings are remembered: more than one investigation asks for.
const keep = 32

func newPairs(window time.Duration) *pairs {
	return &pairs{window: window, known: map[pairKey]*reading{}}
}

// share runs read for the first who asks for the key; all others get what came
// of it. A failure is not remembered.
func (p *pairs) share(ctx context.Context, key pairKey, read func(context.Context) (any, error)) (any, error) {
	for {
		found, first := p.find(key)
		if first {
			found.value, found.err = read(ctx)
			if found.err != nil {
				p.mu.Lock()
				delete(p.known, key)
				p.mu.Unlock()
			}
			close(found.done)
			return found.value, found.err
		}
		select {
		case <-found.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if found.err == nil || ctx.Err() != nil || !isContext(found.err) {
			return found.value, found.err
		}
		// The one who asked ran out of time, and we have not: ask again.
	}
}

func (p *pairs) find(key pairKey) (found *reading, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.known[key]; ok {
		return found, false
	}
	if len(p.known) >= keep {
		p.forget()
	}
	found = &reading{done: make(chan struct{})}
	p.known[key] = found
	return found, true
}

// forget drops the readings that are complete. The caller holds the lock.
func (p *pairs) forget() {
	for key, r := range p.known {
		select {
		case <-r.done:
			delete(p.known, key)
		default:
		}
	}
}

// wait pauses until the end of the window that is running, if that is far
// enough, else for a whole window.
func (p *pairs) wait(ctx context.Context) error {
	return sleep(ctx, p.pause(time.Now()))
}

func (p *pairs) pause(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := p.end.Sub(now); left >= time.Duration(shortest*float64(p.window)) {
		return left
	}
	p.end = now.Add(p.window)
	return p.window
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package connector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Limits bound what one round of questions may do to one target. Zero fields take
// the defaults of DefaultLimits.
type Limits struct {
	Concurrency int           // requests under way at once
	Requests    int           // requests of a round
	Busy        time.Duration // time spent in requests, summed over all of a round
	Timeout     time.Duration // longest single request
	Rows        int           // rows, streams or lines kept of one answer
	Bytes       int           // bytes kept of one answer
}

// defaultLimits are chosen so that a sick target feels us less than one more
// client: two requests at once, none longer than five seconds.
var defaultLimits = Limits{
	Concurrency: 2, Requests: 400, Busy: 30 * time.Second,
	Timeout: 5 * time.Second, Rows: 2000, Bytes: 8 << 20,
}

// DefaultLimits returns the limits that hold where nothing else is said.
func DefaultLimits() Limits { return defaultLimits }

func (l Limits) filled() Limits {
	d := defaultLimits
	pick := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	pick(&l.Concurrency, d.Concurrency)
	pick(&l.Requests, d.Requests)
	pick(&l.Rows, d.Rows)
	pick(&l.Bytes, d.Bytes)
	if l.Busy <= 0 {
		l.Busy = d.Busy
	}
	if l.Timeout <= 0 {
		l.Timeout = d.Timeout
	}
	return l
}

// ErrBudget is returned by Enter when a target has had all the requests, or
// all the time, that its limits allow in a round.
var ErrBudget = errors.New("the budget for this target is used up")

// ErrBackedOff is returned by Enter when a target answers slower and slower.
var ErrBackedOff = errors.New("backed off: the target answers slower and slower")

// Gate stands before a target: every single request (a statement, a command,
// an HTTP call) passes through Enter. It bounds how many are under way and how
// many there may be, and backs off from a target that slows down under us. It
// is safe for concurrent use.
type Gate struct {
	limits Limits
	slots  chan struct{}

	mu       sync.Mutex
	requests int
	busy     time.Duration
	begun    Cost          // what had been spent when the round began
	base     time.Duration // the fastest answer so far: what this target can do
	slowRun  int           // answers in a row that were slower than the one before and far above base
	last     time.Duration
	silent   time.Time // when a request last used up all of its time
	backoffs int
}

// NewGate returns a gate with the given limits.
func NewGate(limits Limits) *Gate {
	limits = limits.filled()
	return &Gate{limits: limits, slots: make(chan struct{}, limits.Concurrency)}
}

// Begin starts a round of questions: what earlier ones have spent is not held
// against it, and a target that had slowed down is tried again. A change is
// verified by many small rounds, and each is bounded by itself.
func (g *Gate) Begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun = Cost{Requests: g.requests, Busy: g.busy}
	g.slowRun = 0
}

// Limits returns the limits in force.
func (g *Gate) Limits() Limits { return g.limits }

// Where a request has just been left without an answer, others only look whether
// that is still so (own values).
const (
	brief     = time.Second
	sameRound = 10 * time.Second
)

// Patience is how long the next request may take: the limit, or a brief time where
// the target is silent.
func (g *Gate) Patience() time.Duration {
	if g.Silent() {
		return min(g.limits.Timeout, brief)
	}
	return g.limits.Timeout
}

// Silent reports whether the target has left a request without an answer within
// this round of questions.
func (g *Gate) Silent() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.silent.IsZero() && time.Since(g.silent) < sameRound
}

// Unanswered notes that a request was left without an answer.
func (g *Gate) Unanswered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent = time.Now()
}

// A target suffers when answers take both this long and this many times its
// own best, several times in a row with no recovery. Then each request waits
// as long as the last answer took before it starts; after twice as many, no
// further request starts. Own values: chosen so that a delay injected at a
// proxy (0.3 s per answer, growing) is noticed within ten requests, and a
// steady slow link (no growth) never is.
const (
	slowAbsolute = 250 * time.Millisecond
	slowFactor   = 5
	slowRunWait  = 4
	slowRunStop  = 8
	maxWait      = time.Second
)

// Enter waits for a place and returns the function that gives it back; the
// caller calls it exactly once when the request is over. Errors: ErrBudget,
// ErrBackedOff (both wrapped with details), or the context's.
func (g *Gate) Enter(ctx context.Context) (leave func(), err error) { return g.enter(ctx, g.note) }

// EnterBulk is Enter for work whose time depends on its size, such as reading a
// file: it counts for the budget, and says nothing of how the target feels.
func (g *Gate) EnterBulk(ctx context.Context) (leave func(), err error) { return g.enter(ctx, g.spend) }

func (g *Gate) enter(ctx context.Context, note func(time.Duration)) (leave func(), err error) {
	wait, err := g.admit()
	if err != nil {
		return nil, err
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			<-g.slots
			return nil, ctx.Err()
		}
	}
	start := time.Now()
	var once sync.Once
	return func() {
		once.Do(func() {
			note(time.Since(start))
			<-g.slots
		})
	}, nil
}

func (g *Gate) admit() (wait time.Duration, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.requests-g.begun.Requests >= g.limits.Requests:
		return 0, fmt.Errorf("%w: %d requests were made", ErrBudget, g.requests-g.begun.Requests)
	case g.busy-g.begun.Busy >= g.limits.Busy:
		return 0, fmt.Errorf("%w: it spent %s on us", ErrBudget, (g.busy - g.begun.Busy).Round(time.Millisecond))
	case g.slowRun >= slowRunStop:
		return 0, fmt.Errorf("%w (best answer %s, last %s)", ErrBackedOff,
			g.base.Round(time.Millisecond), g.last.Round(time.Millisecond))
	}
	g.requests++
	if g.slowRun >= slowRunWait {
		g.backoffs++
		return min(g.last, maxWait), nil
	}
	return 0, nil
}

func (g *Gate) spend(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy += took
}

func (g *Gate) note(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy += took
	if g.base == 0 || took < g.base {
		g.base = took
	}
	slow := took >= slowAbsolute && took >= slowFactor*g.base
	switch {
	case slow && took >= g.last*9/10:
		g.slowRun++
	case !slow:
		g.slowRun = 0
	}
	g.last = took
}

// Cost is what an investigation did to a target.
type Cost struct {
	Requests int           `json:"requests"`
	Busy     time.Duration `json:"busy_ns"`            // time spent in requests, summed
	Backoffs int           `json:"backoffs,omitempty"` // requests that waited because the target slowed down
}

// Cost returns what has passed through the gate so far.
func (g *Gate) Cost() Cost {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Cost{Requests: g.requests, Busy: g.busy, Backoffs: g.backoffs}
}

package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is one way in which the shop can break.
type Fault struct {
	Name  string // as in `quell demo --fault NAME`
	Title string // one line for a list
	Story string // what somebody did, as a post-mortem would say
	// Truth holds the ids of conditions that name the cause: one of them should
	// come first.
	Truth []string
	// Alone says that other shops in the same process would feel it, through
	// its processor time or its memory: no other fault should run beside it.
	Alone bool

	// let breaks the shop and returns what mends it.
	let func(*Shop) (mend func(), err error)
}

// bugs are mistakes in the shop's code, each off until a fault turns it on.
type bugs struct {
	leak, stampede, onePerRow, workerPanic, retryForever, memoryLeak, endlessCache atomic.Bool
}

// Faults lists all faults, in the order of `quell demo --list`.
func Faults() []Fault {
	return []Fault{
		{
			Name: "pool-leak", Title: "an error path keeps its database connection",
			Story: "A clean-up of the price code lost one Close: whoever brings a coupon that is not valid takes a connection of the pool along.",
			Truth: []string{"app/pool#connections-are-taken-and-never-given-back"},
			let:   turnOn(func(b *bugs) *atomic.Bool { return &b.leak }, func(s *Shop) { s.db.forgive() }),
		},
		{
			Name: "pool-too-small", Title: "the pool has fewer connections than the traffic needs",
			Story: "To spare the database, somebody set the pool of the shop to a single connection.",
			Truth: []string{"app/pool#the-pool-is-smaller-than-the-traffic-needs"},
			let: func(s *Shop) (func(), error) {
				s.db.pool.SetMaxOpenConns(1)
				return func() { s.db.pool.SetMaxOpenConns(poolSize); s.db.pool.SetMaxIdleConns(poolSize) }, nil
			},
		},
		{
			Name: "missing-index", Alone: true, Title: "an index is dropped, and one statement reads its whole table",
			Story: "A migration dropped an index that a tool had called unused: the list of a customer's orders now reads every order there is.",
			Truth: []string{"app/slow#one-statement-became-slow"},
			let: func(s *Shop) (func(), error) {
				if err := s.run(`DROP INDEX orders_by_customer`); err != nil {
					return nil, err
				}
				return func() { s.mustRun(ordersIndex) }, nil
			},
		},
		{
			Name: "lock-pileup", Title: "a transaction holds a lock, and all writers queue behind it",
			Story: "A stock report opened a transaction, changed a row, and went on computing with the lock in its hand.",
			Truth: []string{"app/pool#statements-wait-for-a-lock"},
			let:   (*Shop).holdLock,
		},
		{
			Name: "slow-dependency", Title: "the payment provider answers slowly",
			Story: "The payment provider has a bad day: each charge takes over a second.",
			Truth: []string{"app/slow#a-service-that-it-calls-is-slow"},
			let: func(s *Shop) (func(), error) {
				s.provider.delay.Store(int64(1300 * time.Millisecond))
				return func() { s.provider.delay.Store(0) }, nil
			},
		},
		{
			Name: "dependency-down", Title: "the payment provider refuses all charges",
			Story: "The payment provider answers every charge with 503.",
			Truth: []string{"app/release#a-service-that-it-calls-fails"},
			let: func(s *Shop) (func(), error) {
				s.provider.broken.Store(true)
				return func() { s.provider.broken.Store(false) }, nil
			},
		},
		{
			Name: "cache-stampede", Alone: true, Title: "the hot entry of the cache expires, and everyone computes it anew",
			Story: "A new cache setting gave the front page two seconds to live, and took out the lock that let only one request compute it.",
			Truth: []string{"app/slow#everyone-computes-the-same-expired-entry"},
			let: turnOn(func(b *bugs) *atomic.Bool { return &b.stampede }, func(s *Shop) {
				s.cache.drop("front")
			}, func(s *Shop) { s.cache.drop("front") }),
		},
		{
			Name: "n-plus-one", Title: "a list asks the database once per row",
			Story: "The list of orders now loads the lines of each order, and the product of each line, with a statement of their own.",
			Truth: []string{"app/slow#one-request-sends-many-statements"},
			let:   turnOn(func(b *bugs) *atomic.Bool { return &b.onePerRow }),
		},
		{
			Name: "traffic-spike", Alone: true, Title: "many more visitors than usual",
			Story: "The shop was on the evening news.",
			Truth: []string{"app/release#far-more-requests-than-usual"},
			let: func(s *Shop) (func(), error) {
				s.visitors.crowd.Store(20)
				return func() { s.visitors.crowd.Store(1) }, nil
			},
		},
		{
			Name: "bad-release", Title: "a new version fails on what the old one could do",
			Story: "Version " + nextVersion + " went out, with new price rules that know only one of the coupons.",
			Truth: []string{"app/release#the-new-version-has-a-fault"},
			let: func(s *Shop) (func(), error) {
				s.deploy(nextVersion)
				return func() { s.deploy(firstVersion) }, nil
			},
		},
		{
			Name: "dead-worker", Title: "the job workers die, and the queue grows",
			Story: "A change in the receipt templates makes every worker panic on its next job, and nothing starts a new one.",
			Truth: []string{"app/jobs#no-worker-is-alive"},
			let: turnOn(func(b *bugs) *atomic.Bool { return &b.workerPanic }, func(s *Shop) {
				s.queue.dismiss()
				s.hire(s.life, workers)
			}),
		},
		{
			Name: "poison-job", Title: "jobs that can never succeed are tried for ever",
			Story: "Some jobs name orders that do not exist. Each failure puts them back to the head of the queue, so nothing else gets its turn.",
			Truth: []string{"app/jobs#jobs-that-cannot-succeed-are-tried-again-and-again"},
			let: turnOn(func(b *bugs) *atomic.Bool { return &b.retryForever }, func(s *Shop) {
				s.queue.drop(func(j job) bool { return j.order < 0 })
			}, func(s *Shop) {
				for n := range workers {
					s.queue.addFirst(job{order: -1 - int64(n), added: time.Now()})
				}
			}),
		},
		{
			Name: "memory-leak", Alone: true, Title: "every request leaves something behind in memory",
			Story: "A debugging aid keeps a copy of every request in a list that nobody empties.",
			Truth: []string{"app/memory#memory-is-never-given-back"},
			let:   turnOn(func(b *bugs) *atomic.Bool { return &b.memoryLeak }, func(s *Shop) { s.attic.clear() }),
		},
		{
			Name: "unbounded-cache", Alone: true, Title: "a cache without a limit, with keys that never repeat",
			Story: "Whole pages are cached by their full address. It has a tracking code in it, so no page is ever found again, and none is thrown out.",
			Truth: []string{"app/memory#a-cache-in-the-process-has-no-limit"},
			let: turnOn(func(b *bugs) *atomic.Bool { return &b.endlessCache }, func(s *Shop) {
				s.cache.drop("page")
				s.attic.clear()
			}),
		},
	}
}

// turnOn makes a fault of a switch, with what else mending and breaking takes.
func turnOn(which func(*bugs) *atomic.Bool, more ...func(*Shop)) func(*Shop) (func(), error) {
	return func(s *Shop) (func(), error) {
		which(&s.bugs).Store(true)
		if len(more) > 1 {
			more[1](s)
		}
		return func() {
			which(&s.bugs).Store(false)
			if len(more) > 0 {
				more[0](s)
			}
		}, nil
	}
}

// Break lets the named fault in. A shop that is broken already, or a name
// that no fault has, is an error.
func (s *Shop) Break(name string) error {
	s.broken.Lock()
	defer s.broken.Unlock()
	if s.fault != nil {
		return fmt.Errorf("the shop is broken already, by %s: mend it first", s.fault.Name)
	}
	for _, f := range Faults() {
		if f.Name == name {
			undo, err := f.let(s)
			if err != nil {
				return fmt.Errorf("let in %s: %w", name, err)
			}
			s.fault, s.undo = &f, undo
			return nil
		}
	}
	return fmt.Errorf("no fault is called %q: there are %s", name, strings.Join(faultNames(), ", "))
}

func faultNames() []string {
	var names []string
	for _, f := range Faults() {
		names = append(names, f.Name)
	}
	return names
}

// Mend takes the fault out again. A shop that is not broken stays as it is.
func (s *Shop) Mend() error {
	s.broken.Lock()
	defer s.broken.Unlock()
	if s.fault == nil {
		return nil
	}
	s.undo()
	s.fault, s.undo = nil, nil
	return nil
}

// holdLock opens a transaction that changes a row, and keeps it open.
func (s *Shop) holdLock() (func(), error) {
	conn, err := s.db.pool.Conn(s.life)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(s.life, nil)
	if err == nil {
		_, err = tx.ExecContext(s.life, `UPDATE products SET stock = stock WHERE id = 1`)
	}
	if err != nil {
		_ = conn.Close() // the first error tells
		return nil, err
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			_ = tx.Rollback() // nothing was meant to stay
			_ = conn.Close()
		})
	}, nil
}

// run changes the schema, as a migration does.
func (s *Shop) run(text string) error {
	ctx, cancel := context.WithTimeout(s.life, 10*time.Second)
	defer cancel()
	_, err := s.db.pool.ExecContext(ctx, text)
	return err
}

func (s *Shop) mustRun(text string) {
	if err := s.run(text); err != nil && s.life.Err() == nil {
		s.log.error("could not be mended", "error", err.Error())
	}
}

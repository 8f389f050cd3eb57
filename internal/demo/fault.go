package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// Alone says that other shops on the same machine would feel it, through its
	// processor time: no other fault should run beside it.
	Alone bool

	// One of these lets the fault in and takes it out: in the shop's process, in
	// what is deployed, or around the shop.
	let, mend func(*server) error
	release   func(d *deployed, on bool)
	around    func(s *Shop, on bool)
}

// Faults lists all faults, in the order of `quell demo --list`.
func Faults() []Fault {
	return []Fault{
		{
			Name: "pool-leak", Title: "an error path keeps its database connection",
			Story: "A clean-up of the price code lost one Close: whoever brings a coupon that is not valid takes a connection of the pool along.",
			Truth: []string{"app/pool#connections-are-taken-and-never-given-back"},
			let:   wake("leak"), mend: sleep("leak", func(s *server) { s.db.forgive() }),
		},
		{
			Name: "pool-too-small", Title: "the pool has fewer connections than the traffic needs",
			Story: "To spare the database, somebody set the pool of the shop to a single connection.",
			Truth: []string{"app/pool#the-pool-is-smaller-than-the-traffic-needs"},
			let:   func(s *server) error { return s.setPool(1) },
			mend:  func(s *server) error { return s.setPool(poolSize) },
		},
		{
			Name: "missing-index", Alone: true, Title: "an index is dropped, and one statement reads its whole table",
			Story: "A migration dropped an index that a tool had called unused: the list of a customer's orders now reads every order there is.",
			Truth: []string{"app/slow#one-statement-became-slow"},
			let:   func(s *server) error { return s.run(`DROP INDEX orders_by_customer`) },
			mend:  func(s *server) error { return s.run(ordersIndex) },
		},
		{
			Name: "lock-pileup", Title: "a transaction holds a lock, and all writers queue behind it",
			Story: "A stock report opened a transaction, changed a row, and went on computing with the lock in its hand.",
			Truth: []string{"app/pool#statements-wait-for-a-lock"},
			let:   (*server).beginBlocker,
			mend:  func(s *server) error { s.endBlocker(); return nil },
		},
		{
			Name: "slow-dependency", Title: "the payment provider answers slowly",
			Story: "The payment provider has a bad day: each charge takes over a second.",
			Truth: []string{"app/slow#a-service-that-it-calls-is-slow"},
			around: func(s *Shop, on bool) {
				s.provider.delay.Store(0)
				if on {
					s.provider.delay.Store(int64(1300 * time.Millisecond))
				}
			},
		},
		{
			Name: "dependency-down", Title: "the payment provider refuses all charges",
			Story:  "The payment provider answers every charge with 503.",
			Truth:  []string{"app/release#a-service-that-it-calls-fails"},
			around: func(s *Shop, on bool) { s.provider.broken.Store(on) },
		},
		{
			Name: "cache-stampede", Alone: true, Title: "the hot entry of the cache expires, and everyone computes it anew",
			Story: "A new cache setting gave the front page two seconds to live, and took out the lock that let only one request compute it.",
			Truth: []string{"app/slow#everyone-computes-the-same-expired-entry"},
			let:   wake("stampede", func(s *server) { s.cache.drop("front") }),
			mend:  sleep("stampede", func(s *server) { s.cache.drop("front") }),
		},
		{
			Name: "n-plus-one", Title: "a list asks the database once per row",
			Story: "The list of orders now loads the lines of each order, and the product of each line, with a statement of their own.",
			Truth: []string{"app/slow#one-request-sends-many-statements"},
			let:   wake("one-per-row"), mend: sleep("one-per-row"),
		},
		{
			Name: "traffic-spike", Alone: true, Title: "many more visitors than usual",
			Story: "The shop was on the evening news.",
			Truth: []string{"app/release#far-more-requests-than-usual"},
			around: func(s *Shop, on bool) {
				s.visitors.crowd.Store(1)
				if on {
					s.visitors.crowd.Store(20)
				}
			},
		},
		{
			Name: "bad-release", Title: "a new version fails on what the old one could do",
			Story: "Version " + nextVersion + " went out, with new price rules that know only one of the coupons.",
			Truth: []string{"app/release#the-new-version-has-a-fault"},
			release: func(d *deployed, on bool) {
				d.Releases = slices.DeleteFunc(d.Releases, func(r release) bool { return r.Version == nextVersion })
				d.Previous = false
				if on {
					d.Releases = append(d.Releases, release{Version: nextVersion, Bugs: []string{"price-rules"}})
				}
			},
		},
		{
			Name: "dead-worker", Title: "the job workers die, and the queue grows",
			Story: "A change in the receipt templates makes every worker panic on its next job, and nothing starts a new one.",
			Truth: []string{"app/jobs#no-worker-is-alive"},
			let:   wake("worker-panic"),
			mend:  sleep("worker-panic", func(s *server) { s.hire(s.life, workers-s.queue.state().alive) }),
		},
		{
			Name: "poison-job", Title: "jobs that can never succeed are tried for ever",
			Story: "Some jobs name orders that do not exist. Each failure puts them back to the head of the queue, so nothing else gets its turn.",
			Truth: []string{"app/jobs#jobs-that-cannot-succeed-are-tried-again-and-again"},
			let: wake("retry-forever", func(s *server) {
				for n := range workers {
					s.queue.addFirst(job{order: -1 - int64(n), added: time.Now()})
				}
			}),
			mend: sleep("retry-forever"),
		},
		{
			Name: "memory-leak", Title: "every request leaves something behind in memory",
			Story: "A debugging aid keeps a copy of every request in a list that nobody empties.",
			Truth: []string{"app/memory#memory-is-never-given-back"},
			let:   wake("memory-leak"), mend: sleep("memory-leak", func(s *server) { s.attic.clear() }),
		},
		{
			Name: "unbounded-cache", Title: "a cache without a limit, with keys that never repeat",
			Story: "Whole pages are cached by their full address. It has a tracking code in it, so no page is ever found again, and none is thrown out.",
			Truth: []string{"app/memory#a-cache-in-the-process-has-no-limit"},
			let:   wake("endless-cache"),
			mend:  sleep("endless-cache", func(s *server) { s.cache.drop("page"); s.attic.clear() }),
		},
	}
}

// wake turns a bug on, with what else that takes.
func wake(bug string, more ...func(*server)) func(*server) error { return turn(bug, true, more) }

// sleep turns it off.
func sleep(bug string, more ...func(*server)) func(*server) error { return turn(bug, false, more) }

func turn(bug string, on bool, more []func(*server)) func(*server) error {
	return func(s *server) error {
		if err := s.setBug(bug, on); err != nil {
			return err
		}
		for _, f := range more {
			f(s)
		}
		return nil
	}
}

func faultNamed(name string) (*Fault, error) {
	var names []string
	for _, f := range Faults() {
		if f.Name == name {
			return &f, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("no fault is called %q: there are %s", name, strings.Join(names, ", "))
}

// blocker is a session whose transaction holds others up.
type blocker struct {
	conn  *sql.Conn
	tx    *sql.Tx
	since time.Time
}

// beginBlocker opens a transaction that changes a row, and keeps it open.
func (s *server) beginBlocker() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocker != nil {
		return errors.New("there is one already")
	}
	conn, err := s.db.pool.Conn(s.life)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(s.life, nil)
	if err == nil {
		_, err = tx.ExecContext(s.life, `UPDATE products SET stock = stock WHERE id = 1`)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	s.blocker = &blocker{conn, tx, time.Now()}
	return nil
}

func (s *server) endBlocker() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocker == nil {
		return
	}
	_ = s.blocker.tx.Rollback() // nothing was meant to stay
	_ = s.blocker.conn.Close()
	s.blocker = nil
}

// run changes the schema, as a migration does.
func (s *server) run(text string) error {
	ctx, cancel := context.WithTimeout(s.life, 10*time.Second)
	defer cancel()
	_, err := s.db.pool.ExecContext(ctx, text)
	return err
}

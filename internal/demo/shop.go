// Package demo is a small shop that runs inside the process: an HTTP API, a
// real SQL database behind a real bounded pool, a cache, a job queue, a payment
// provider on a port of its own, JSON logs, /metrics, and visitors. Faults are
// switches in its code, each a mistake that people make; nothing that Quell
// sees of it is scripted.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Name is what the shop calls itself in its metrics and logs.
const Name = "shop"

// Options say how the shop runs. The zero value works.
type Options struct {
	Seed uint64  // of the visitors' choices and of the goods; 0 means 1
	Rate float64 // requests per second; 0 means 120
	Dir  string  // for the database and the log; empty means a new temporary directory, removed by Close
	// Orders is how many past orders the database starts with; 0 means 400,000.
	// Fewer make a scan of the table too quick to notice.
	Orders int
	// RoundTrip is how far away the database is: each statement takes so much
	// longer, with its connection held. 0 means 5ms, the next region.
	RoundTrip time.Duration
}

func (o Options) filled() Options {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Rate <= 0 {
		o.Rate = 120
	}
	if o.Orders <= 0 {
		o.Orders = 400_000
	}
	if o.RoundTrip <= 0 {
		o.RoundTrip = 5 * time.Millisecond
	}
	return o
}

// Limits of the shop, as its operator might have chosen them.
const (
	poolSize       = 10                      // connections of the database pool
	poolTimeout    = time.Second             // how long a request waits for one
	lockTimeout    = 1200 * time.Millisecond // how long a statement waits for a lock
	requestTimeout = 4 * time.Second
	maxInFlight    = 96 // requests at once; more get 503
	workers        = 3
)

// Shop is a running shop. Its methods may be called by several goroutines.
type Shop struct {
	opts Options
	dir  string
	own  bool // dir is ours to remove

	log      *journal
	meter    *meter
	db       *database
	cache    *cache
	queue    *queue
	provider *provider
	payments *payments
	visitors *visitors
	server   *http.Server
	address  string

	bugs     bugs
	release  atomic.Pointer[release]
	inFlight atomic.Int64
	requests atomic.Int64 // so far; their ids
	attic    attic        // what the memory faults keep
	broken   sync.Mutex
	fault    *Fault // guarded by broken
	undo     func() // ends what the fault started; guarded by broken

	life   context.Context // ends with the shop; for what no request owns
	cancel context.CancelFunc
	closed sync.Once
}

// release is one deployed version of the shop's code.
type release struct {
	version string
	started time.Time
}

// Start opens the shop and lets visitors in. It is ready to serve when Start
// returns; ctx ends it, and so does Close.
func Start(ctx context.Context, options Options) (*Shop, error) {
	s := &Shop{opts: options.filled()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Shop) open(ctx context.Context) error {
	s.dir = s.opts.Dir
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "quell-demo-")
		if err != nil {
			return fmt.Errorf("make a directory for the shop: %w", err)
		}
		s.dir, s.own = dir, true
	}
	life, cancel := context.WithCancel(ctx)
	s.life, s.cancel = life, cancel
	s.release.Store(&release{version: firstVersion, started: time.Now()})

	var err error
	if s.log, err = openJournal(filepath.Join(s.dir, "shop.json"), s.version); err != nil {
		return err
	}
	s.meter = newMeter()
	if s.db, err = openDatabase(life, filepath.Join(s.dir, "shop.db"), s.opts, s.meter, s.log); err != nil {
		return err
	}
	s.cache = newCache(s.meter)
	if s.provider, err = startProvider(); err != nil {
		return err
	}
	s.payments = newPayments(s.provider.address, s.meter, s.log)
	s.queue = newQueue(s.meter, s.log)
	s.gauges()
	if err := s.warm(life); err != nil {
		return err
	}
	s.hire(life, workers)
	if err := s.listen(life); err != nil {
		return err
	}
	s.visitors = invite(life, "http://"+s.address, s.opts)
	return nil
}

// hire starts n job workers.
func (s *Shop) hire(ctx context.Context, n int) {
	s.queue.start(ctx, n, s.work)
}

func (s *Shop) listen(ctx context.Context) error {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open a port for the shop: %w", err)
	}
	s.address = socket.Addr().String()
	s.server = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go s.server.Serve(socket) //nolint:errcheck // it ends with ErrServerClosed when Close says so
	s.log.info("listening", "address", s.address)
	return nil
}

// Close sends the visitors away, stops everything, and removes what the shop
// wrote unless Options.Dir was given. It may be called twice.
func (s *Shop) Close() error {
	var problems []error
	s.closed.Do(func() {
		if s.visitors != nil {
			s.visitors.leave()
		}
		problems = append(problems, s.Mend())
		if s.cancel != nil {
			s.cancel()
		}
		if s.server != nil {
			problems = append(problems, s.server.Close())
		}
		if s.queue != nil {
			s.queue.stop()
		}
		if s.payments != nil {
			s.payments.close()
		}
		if s.provider != nil {
			problems = append(problems, s.provider.close())
		}
		if s.db != nil {
			problems = append(problems, s.db.close())
		}
		if s.log != nil {
			problems = append(problems, s.log.close())
		}
		if s.own {
			problems = append(problems, os.RemoveAll(s.dir))
		}
	})
	return errors.Join(problems...)
}

func (s *Shop) version() string { return s.release.Load().version }

// deploy replaces the running version, as a roll-out on one machine does.
func (s *Shop) deploy(version string) {
	old := s.release.Swap(&release{version: version, started: time.Now()})
	s.log.info("started", "previous", old.version)
}

const (
	firstVersion = "1.8.0"
	nextVersion  = "1.8.1"
)

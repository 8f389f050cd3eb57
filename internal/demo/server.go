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

// Limits of the shop, as its operator might have chosen them.
const (
	poolSize       = 10                      // connections of the database pool
	poolTimeout    = time.Second             // how long a request waits for one
	lockTimeout    = 1200 * time.Millisecond // how long a statement waits for a lock
	requestTimeout = 4 * time.Second
	maxInFlight    = 96 // requests at once; more get 503
	workers        = 3
)

// processName is what the shop's process is called.
const processName = "demo-shop"

// server is the shop's process: everything that is gone when it ends, and the
// files that stay.
type server struct {
	dir      string
	settings settings

	log      *journal
	meter    *meter
	db       *database
	cache    *cache
	queue    *queue
	payments *payments
	http     *http.Server
	socket   *net.TCPListener
	started  time.Time

	bugs     bugs
	running  release
	mu       sync.Mutex
	deployed deployed // guarded by mu
	blocker  *blocker // guarded by mu
	later    atomic.Bool
	inFlight atomic.Int64
	requests atomic.Int64 // so far; their ids
	attic    attic        // what the memory faults keep
	heir     *os.File     // the socket, for the process that follows us; guarded by mu
	renewal  chan struct{}

	life context.Context // ends with the process; for what no request owns
}

// Serve is the shop's process: it serves what the directory says until ctx ends
// or whoever has opened the shop is gone.
func Serve(ctx context.Context, dir string) error {
	s := &server{dir: dir, started: time.Now(), renewal: make(chan struct{}, 1)}
	if err := load(s.path(settingsFile), &s.settings); err != nil {
		return fmt.Errorf("no shop was opened in %s: %w", dir, err)
	}
	ctx, line, err := tied(ctx, s.settings.Lifeline)
	if err != nil {
		return err
	}
	defer line.Close()
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	s.life = life
	// Quell ends nothing that is called like itself. Where names of processes
	// cannot be changed so, it will not restart the shop.
	_ = os.WriteFile("/proc/self/comm", []byte(processName), 0)
	if err := s.open(); err != nil {
		return errors.Join(err, s.close())
	}
	select {
	case <-ctx.Done():
		return s.close()
	case <-s.renewal:
		return errors.Join(s.close(), s.renew())
	}
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *server) open() error {
	if err := s.readDeployed(); err != nil {
		return err
	}
	var err error
	if s.log, err = openJournal(s.path(logFile), s.version()); err != nil {
		return err
	}
	s.meter = newMeter()
	if s.db, err = openDatabase(s.life, s.path(databaseFile), s.settings, s.meter, s.log); err != nil {
		return err
	}
	s.db.resize(s.deployed.PoolSize)
	s.cache = newCache(s.meter)
	s.payments = newPayments(s.settings.Provider, s.meter, s.log)
	s.queue = newQueue(s.meter, s.log)
	if err := s.queue.read(s.path(jobsFile)); err != nil {
		return err
	}
	s.gauges()
	if err := s.warm(s.life); err != nil {
		return err
	}
	s.hire(s.life, workers)
	return s.listen()
}

// hire starts n job workers.
func (s *server) hire(ctx context.Context, n int) { s.queue.start(ctx, n, s.work) }

func (s *server) listen() error {
	var err error
	if s.socket, err = inherited(); s.socket == nil && err == nil {
		s.socket, err = bind(s.life, s.settings.Address)
	}
	if err != nil {
		return fmt.Errorf("open the shop's port: %w", err)
	}
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return s.life },
	}
	go s.http.Serve(s.socket) //nolint:errcheck // it ends when close says so, or when an heir takes the socket
	s.log.info("started", "address", s.settings.Address)
	return nil
}

// bind opens the shop's port. It is tried for a while: a visitor who knocked
// while nobody was there may hold it for a moment.
func bind(ctx context.Context, address string) (*net.TCPListener, error) {
	for n := 0; ; n++ {
		socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err == nil {
			return socket.(*net.TCPListener), nil
		}
		if n == 50 {
			return nil, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// lastRequests is how long requests that are under way may take when the
// process ends.
const lastRequests = time.Second

// close ends everything in order, and keeps the jobs that wait.
func (s *server) close() error {
	var problems []error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			problems = append(problems, s.http.Close())
		}
	}
	if s.queue != nil {
		s.queue.stop()
		problems = append(problems, s.queue.write(s.path(jobsFile)))
	}
	if s.payments != nil {
		s.payments.close()
	}
	if s.db != nil {
		s.endBlocker()
		problems = append(problems, s.db.close())
	}
	if s.log != nil {
		problems = append(problems, s.log.close())
	}
	return errors.Join(problems...)
}

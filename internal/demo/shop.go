// Package demo is a small shop that quell breaks and mends: an HTTP API, a real
// SQL database behind a real bounded pool, a cache, a job queue, JSON logs and
// /metrics, all in a process of its own; and around it, in ours, a payment
// provider on a port of its own, and visitors. Faults are switches in its code,
// each a mistake that people make; nothing that Quell sees of it is scripted.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Name is what the shop calls itself in its metrics and logs.
const Name = "shop"

// Options say how the shop runs. Command is needed.
type Options struct {
	// Command is the program, with its arguments, that runs the shop's process:
	// it gets a directory as one more argument, and calls Serve with it.
	Command []string
	Seed    uint64  // of the visitors' choices and of the goods; 0 means 1
	Rate    float64 // requests per second; 0 means 120
	Dir     string  // for the database and the log; empty means a new temporary directory, removed by Close
	// Orders is how many past orders the database starts with; 0 means 400,000.
	// Fewer make a scan of the table too quick to notice.
	Orders int
	// RoundTrip is how far away the database is: each statement takes so much
	// longer, with its connection held. 0 means 5ms, the next region.
	RoundTrip time.Duration
}

func (o Options) filled() (Options, error) {
	if len(o.Command) == 0 {
		return o, errors.New("say which program runs the shop")
	}
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
	return o, nil
}

// Shop is a running shop with what is around it. Its methods may be called by
// several goroutines.
type Shop struct {
	dir      string // of the shop: database, log, pidfile, settings
	own      bool   // dir is ours to remove
	settings settings
	command  []string

	life     *lifeline
	provider *provider
	visitors *visitors
	client   *http.Client

	mu    sync.Mutex
	fault *Fault // guarded by mu
	usual felt   // what visitors felt before the fault; guarded by mu

	closed sync.Once
}

// Start opens the shop and lets visitors in. It is ready to serve when Start
// returns; ctx ends it, and so does Close.
func Start(ctx context.Context, options Options) (*Shop, error) {
	o, err := options.filled()
	if err != nil {
		return nil, err
	}
	s := &Shop{client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Shop) open(ctx context.Context, o Options) error {
	s.dir = o.Dir
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "quell-demo-")
		if err != nil {
			return fmt.Errorf("make a directory for the shop: %w", err)
		}
		s.dir, s.own = dir, true
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return err
	}
	s.dir = dir
	if s.provider, err = startProvider(); err != nil {
		return err
	}
	if s.life, err = newLifeline(); err != nil {
		return err
	}
	s.settings = settings{Seed: o.Seed, Orders: o.Orders, RoundTrip: o.RoundTrip, Provider: s.provider.address, Lifeline: s.life.address}
	if s.settings.Address, err = freePort(); err != nil {
		return err
	}
	if err := save(s.path(settingsFile), s.settings); err != nil {
		return err
	}
	s.command = append(append([]string{}, o.Command...), s.dir)
	if err := s.launch(ctx); err != nil {
		return err
	}
	s.visitors = invite(ctx, s.url(), o)
	return nil
}

func (s *Shop) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Shop) url() string { return "http://" + s.settings.Address }

// Close sends the visitors away, ends the shop's process, and removes what it
// wrote unless Options.Dir was given. It may be called twice.
func (s *Shop) Close() error {
	var problems []error
	s.closed.Do(func() {
		if s.visitors != nil {
			s.visitors.leave()
		}
		if s.life != nil {
			problems = append(problems, s.life.end())
		}
		if s.provider != nil {
			problems = append(problems, s.provider.close())
		}
		if s.own {
			problems = append(problems, os.RemoveAll(s.dir))
		}
	})
	return errors.Join(problems...)
}

// Break lets the named fault in. A shop that is broken already, or a name
// that no fault has, is an error.
func (s *Shop) Break(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return fmt.Errorf("the shop is broken already, by %s: mend it first", s.fault.Name)
	}
	f, err := faultNamed(name)
	if err != nil {
		return err
	}
	s.usual = s.visitors.felt(usualSpan)
	if f.around != nil {
		f.around(s, true)
	} else if err := s.tell(ctx, http.MethodPost, "/demo/break?fault="+name, nil); err != nil {
		return fmt.Errorf("let in %s: %w", name, err)
	}
	s.fault = f
	return nil
}

// Mend takes the fault out again, cause and all, as somebody does in the end. A
// shop that is not broken stays as it is.
func (s *Shop) Mend(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		return nil
	}
	if s.fault.around != nil {
		s.fault.around(s, false)
	} else if err := s.tell(ctx, http.MethodPost, "/demo/mend?fault="+s.fault.Name, nil); err != nil {
		return fmt.Errorf("mend %s: %w", s.fault.Name, err)
	}
	s.fault = nil
	return nil
}

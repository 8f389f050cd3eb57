package demo

import (
	"errors"
	"os"
	"slices"
	"sync/atomic"
)

// release is one version of the shop's code, with the mistakes that are in it.
type release struct {
	Version string
	Bugs    []string // names of bugs that are awake
}

// deployed is what survives a restart: which releases there are, which of them
// runs, and how the shop is set.
type deployed struct {
	Releases []release // the newest last
	Previous bool      // the one before the newest is to run
	PoolSize int
	Later    bool // charges are made later
}

const (
	formerVersion = "1.7.9"
	firstVersion  = "1.8.0"
	nextVersion   = "1.8.1"
)

func (d deployed) current() release {
	n := len(d.Releases) - 1
	if d.Previous {
		n--
	}
	return d.Releases[n]
}

func (s *server) readDeployed() error {
	s.deployed = deployed{Releases: []release{{Version: formerVersion}, {Version: firstVersion}}, PoolSize: poolSize}
	if err := load(s.path(deployedFile), &s.deployed); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.running = s.deployed.current()
	s.later.Store(s.deployed.Later)
	for _, name := range s.running.Bugs {
		s.bugs.of(name).Store(true)
	}
	return nil
}

// keep changes what is deployed and writes it down. s.mu is held.
func (s *server) keep(change func(*deployed)) error {
	next := s.deployed
	next.Releases = slices.Clone(next.Releases)
	change(&next)
	if err := save(s.path(deployedFile), next); err != nil {
		return err
	}
	s.deployed = next
	return nil
}

// setBug wakes a mistake of the release that runs, or takes it out. That it
// slept until then is how most leaks come to light: the code is old, and what
// is new is the coupon that is not valid any more.
func (s *server) setBug(name string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.keep(func(d *deployed) {
		for i := range d.Releases {
			r := &d.Releases[i]
			r.Bugs = slices.DeleteFunc(slices.Clone(r.Bugs), func(b string) bool { return b == name })
			if on && r.Version == s.running.Version {
				r.Bugs = append(r.Bugs, name)
			}
		}
	})
	if err == nil {
		s.bugs.of(name).Store(on)
	}
	return err
}

// bugs are mistakes in the shop's code, each off until a fault turns it on.
type bugs struct {
	leak, stampede, onePerRow, workerPanic, retryForever, memoryLeak, endlessCache, priceRules, unknown atomic.Bool
}

// of finds a bug by the name that it has in a release.
func (b *bugs) of(name string) *atomic.Bool {
	switch name {
	case "leak":
		return &b.leak
	case "stampede":
		return &b.stampede
	case "one-per-row":
		return &b.onePerRow
	case "worker-panic":
		return &b.workerPanic
	case "retry-forever":
		return &b.retryForever
	case "memory-leak":
		return &b.memoryLeak
	case "endless-cache":
		return &b.endlessCache
	case "price-rules":
		return &b.priceRules
	}
	return &b.unknown
}

func (s *server) version() string { return s.running.Version }

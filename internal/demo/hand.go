package demo

import (
	"net/http"
	"os"
	"slices"
)

// What only the demo does to the shop: it breaks it, and looks at what is
// really the matter. Quell is told nothing of this.

func (s *server) hand(mux *http.ServeMux) {
	mux.HandleFunc("POST /demo/break", func(w http.ResponseWriter, r *http.Request) { s.turn(w, r, true) })
	mux.HandleFunc("POST /demo/mend", func(w http.ResponseWriter, r *http.Request) { s.turn(w, r, false) })
	mux.HandleFunc("GET /demo/truth", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.truth()) })
}

func (s *server) turn(w http.ResponseWriter, r *http.Request, on bool) {
	f, err := faultNamed(r.FormValue("fault"))
	switch {
	case err != nil:
		writeJSON(w, http.StatusNotFound, map[string]any{"error": err.Error()})
	case f.release != nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deploy(w, func(d *deployed) { f.release(d, on) })
	case on:
		done(w, f.let(s))
	default:
		done(w, f.mend(s))
	}
}

// truth is what is really the matter in the shop's process.
type truth struct {
	PID      int
	Version  string
	Bugs     []string // awake in what runs
	Pool     int      // connections that there may be
	Lost     int      // of them, taken for ever
	Blocked  bool
	Workers  int
	Waiting  int // jobs
	Hopeless int // jobs that can never succeed and are tried
	Kept     int64
}

func (s *server) truth() truth {
	q := s.queue.state()
	s.mu.Lock()
	defer s.mu.Unlock()
	return truth{
		PID: os.Getpid(), Version: s.version(), Bugs: slices.Clone(s.deployed.current().Bugs),
		Pool: s.db.stats().MaxOpenConnections, Lost: s.db.lostCount(), Blocked: s.blocker != nil,
		Workers: q.alive, Waiting: q.waiting, Hopeless: q.hopeless, Kept: s.attic.taken.Load(),
	}
}

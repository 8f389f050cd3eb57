package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// operations is the service that deploys: it knows what was brought last, and
// goes back before it. Quell may call it, and asks it nothing else.
type operations struct {
	server *http.Server

	mu     sync.Mutex
	before []func(context.Context) error // undo the changes, the newest last
	wentTo int                           // len(before) after the last way back; -1: something was brought since
}

// deployed remembers how a change of code, settings or commands is taken back.
func (s *Stack) deployed(back func(context.Context) error) {
	o := &s.operations
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before = append(o.before, back)
	o.wentTo = -1
}

// takenBack forgets the newest change: somebody else has taken it back.
func (s *Stack) takenBack() {
	o := &s.operations
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.before); n > 0 {
		o.before = o.before[:n-1]
	}
}

// startOperations listens on the port of Ports.
func (s *Stack) startOperations() error {
	o := &s.operations
	o.wentTo = -1
	l, err := net.Listen("tcp", s.local(s.Port.Operations))
	if err != nil {
		return fmt.Errorf("start the service that deploys: %w", err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("PUT /release/previous", func(w http.ResponseWriter, r *http.Request) {
		if err := s.goBack(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	routes.HandleFunc("GET /release", func(w http.ResponseWriter, _ *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"went_back": o.wentTo >= 0, "releases": len(o.before)})
	})
	o.server = &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = o.server.Serve(l) }()
	return nil
}

// goBack takes the newest change back, once, and restarts all that run the code.
func (s *Stack) goBack(ctx context.Context) error {
	o := &s.operations
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wentTo >= 0 {
		return nil // the same call again
	}
	if len(o.before) == 0 {
		return fmt.Errorf("there is no release before this one")
	}
	last := len(o.before) - 1
	if err := o.before[last](ctx); err != nil {
		return err
	}
	o.before, o.wentTo = o.before[:last], last
	return s.Restart(s.WebA, s.WebB, s.Receipts, s.Tasks, s.Beat)
}

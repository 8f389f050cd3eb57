package demo

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// What an operator of the shop can change while it runs, as such services have
// it. It is asked past the limits that visitors meet, so that it answers when
// the shop is full.

func (s *server) admin(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin/release", s.showRelease)
	mux.HandleFunc("PUT /admin/release", s.chooseRelease)
	mux.HandleFunc("GET /admin/pool", s.showPool)
	mux.HandleFunc("PUT /admin/pool", s.sizePool)
	mux.HandleFunc("GET /admin/charges", s.showCharges)
	mux.HandleFunc("PUT /admin/charges", s.chooseCharges)
	mux.HandleFunc("GET /admin/blocker", s.showBlocker)
	mux.HandleFunc("DELETE /admin/blocker", s.removeBlocker)
	mux.HandleFunc("GET /admin/jobs/aside/{ids}", s.showAside)
	mux.HandleFunc("PUT /admin/jobs/aside/{ids}", s.putAside)
}

func (s *server) showRelease(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"runs": s.version(), "previous": s.deployed.Previous, "newest": s.deployed.Releases[len(s.deployed.Releases)-1].Version})
}

// chooseRelease rolls back to the release before the newest, or forward again.
func (s *server) chooseRelease(w http.ResponseWriter, r *http.Request) {
	var want struct{ Previous bool }
	if !read(w, r, &want) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if want.Previous == s.deployed.Previous {
		writeJSON(w, http.StatusOK, map[string]any{"runs": s.version()})
		return
	}
	s.deploy(w, func(d *deployed) { d.Previous = want.Previous })
}

// deploy changes which release is to run, and lets it. s.mu is held.
func (s *server) deploy(w http.ResponseWriter, change func(*deployed)) {
	err := s.keep(change)
	if err == nil {
		s.log.info("another release follows", "next", s.deployed.current().Version)
		err = s.handOver()
	}
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"runs": s.deployed.current().Version})
	s.renewWhenAnswered(w)
}

func (s *server) showPool(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"size": s.db.stats().MaxOpenConnections})
}

func (s *server) sizePool(w http.ResponseWriter, r *http.Request) {
	var want struct{ Size int }
	if !read(w, r, &want) {
		return
	}
	if want.Size < 1 || want.Size > 100 {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"error": "a pool has 1 to 100 connections"})
		return
	}
	done(w, s.setPool(want.Size))
}

func (s *server) setPool(size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.keep(func(d *deployed) { d.PoolSize = size })
	if err == nil {
		s.db.resize(size)
	}
	return err
}

func (s *server) showCharges(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"later": s.later.Load()})
}

// chooseCharges lets customers buy and be charged later, without the provider.
func (s *server) chooseCharges(w http.ResponseWriter, r *http.Request) {
	var want struct{ Later bool }
	if !read(w, r, &want) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.keep(func(d *deployed) { d.Later = want.Later })
	if err == nil {
		s.later.Store(want.Later)
	}
	done(w, err)
}

func (s *server) showBlocker(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocker == nil {
		writeJSON(w, http.StatusNotFound, map[string]any{"error": "no session holds others up"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"holds": "a row of products", "since": s.blocker.since})
}

func (s *server) removeBlocker(w http.ResponseWriter, _ *http.Request) {
	s.endBlocker()
	done(w, nil)
}

// ids reads "7,12".
func ids(w http.ResponseWriter, r *http.Request) (list []int64, ok bool) {
	for text := range strings.SplitSeq(r.PathValue("ids"), ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"error": "jobs are named by their numbers, like 7,12"})
			return nil, false
		}
		list = append(list, id)
	}
	return list, true
}

func (s *server) showAside(w http.ResponseWriter, r *http.Request) {
	if list, ok := ids(w, r); ok {
		writeJSON(w, http.StatusOK, map[string]any{"aside": s.queue.isAside(list)})
	}
}

func (s *server) putAside(w http.ResponseWriter, r *http.Request) {
	if list, ok := ids(w, r); ok {
		s.queue.putAside(list)
		done(w, nil)
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(into); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return false
	}
	return true
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"done": true})
}

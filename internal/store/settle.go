package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// mark says where the audit log shows that a transaction was committed: entry n
// carries its token. Digests would not do: another writer's entry may be equal
// in every field, and still not be ours.
type mark struct {
	n     int64
	token string
}

func newToken() string { return rand.Text() }

// settle finds out what became of a commit whose confirmation was lost, by
// asking the store itself. It says success or failure only where that is
// certain: the lock of the head row is free only once the lost transaction has
// ended, and the commit behind it leaves nothing that a crash could bring back.
func (s *Store) settle(ctx context.Context, what string, m mark, lost error) error {
	if m.token == "" {
		// A lease: asking again does no harm, whatever has become of it.
		return s.failed(ctx, what, lost)
	}
	patience, cancel := context.WithTimeout(ctx, s.cfg.Patience)
	defer cancel()
	for {
		landed, err := s.landed(patience, m)
		switch {
		case err == nil && landed:
			return nil
		case err == nil:
			return fmt.Errorf("%s: %w: nothing was written: %s", what, incident.ErrUnavailable, s.plain(lost))
		}
		select {
		case <-patience.Done():
			return fmt.Errorf("%s: %w: %w: lost while writing: %s", what, incident.ErrUnavailable, incident.ErrUncertain, s.plain(lost))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// landed asks once.
func (s *Store) landed(ctx context.Context, m mark) (landed bool, err error) {
	t, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	token := ""
	if err = t.lock(ctx); err == nil {
		_, err = one(ctx, t.conn, []any{&token}, "SELECT token FROM audit WHERE n = $1", m.n)
	}
	if err != nil {
		t.rollback()
		return false, err
	}
	return token == m.token, t.commit(ctx)
}

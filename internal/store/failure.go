package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/quellhq/quell/internal/incident"
)

// failed turns an error into what a caller gets: the store's own answers as
// they are, the end of the caller's patience as that, and whatever a database
// says as ErrUnavailable with a line for a person.
func (s *Store) failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	for _, answer := range []error{incident.ErrNotFound, incident.ErrConflict, incident.ErrHeld, incident.ErrUnavailable} {
		if errors.Is(err, answer) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	return fmt.Errorf("%s: %w: %s", what, incident.ErrUnavailable, s.plain(err))
}

func (s *Store) plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return s.engine.where() + " has not answered in time"
	}
	return s.engine.plain(err)
}

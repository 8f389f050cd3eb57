package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/incident"
)

// soundTime bounds the proof of the record before a change. It takes some
// 10 µs an entry.
const soundTime = 5 * time.Second

// sound proves the record before anything rests on it: a plan, an approval or a
// result that was altered behind the store's back must not move anything. Where
// the record is too long to be proved in time, note is told, and the incident
// is not held up for it.
func (d *Desk) sound(ctx context.Context, note func(string)) error {
	limited, cancel := context.WithTimeout(ctx, soundTime)
	defer cancel()
	_, err := d.VerifyAudit(limited)
	var fault *incident.Fault
	switch {
	case errors.As(err, &fault):
		return fmt.Errorf("the record was altered, and nothing is done on the strength of it: %w: `quell audit verify` says the same", fault)
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		note(fmt.Sprintf("the record could not be proved within %s: going on without; `quell audit verify` takes its time", soundTime))
		return nil
	}
	return err
}

package policy

import (
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/expr"
)

// TrackRecord is what became of the applications of one type of action, over
// as long as the policy's Earning looks back.
type TrackRecord struct {
	// Verified counts those that were verified to have helped, all after
	// LastFailure.
	Verified int `json:"verified"`
	// The bad ones: taken back, failed, and those of which nobody knows.
	Undone  int `json:"undone"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
	// LastFailure is when the last of the bad ones was; zero: there is none.
	LastFailure time.Time `json:"last_failure,omitzero"`
}

// Recall folds the track record of a type of action out of what is recorded
// from one time up to another. It belongs to whoever can read the record.
type Recall func(action string, from, to time.Time) (TrackRecord, error)

// Earning is what a type of action must have shown before it may be automatic.
type Earning struct {
	After  int           // verified applications since the last bad one; 0: 5
	Within time.Duration // how far back they count; 0: 90 days
}

// Filled returns e with its defaults.
func (e Earning) Filled() Earning {
	if e.After <= 0 {
		e.After = 5
	}
	if e.Within <= 0 {
		e.Within = 90 * 24 * time.Hour
	}
	return e
}

// missing says what r lacks to have earned it, "" where nothing.
func (e Earning) missing(r TrackRecord) string {
	e = e.Filled()
	within := expr.FormatDuration(e.Within)
	if r.Undone+r.Failed+r.Unknown > 0 && r.LastFailure.IsZero() {
		return fmt.Sprintf("its record has %s and does not say when", r.bad())
	}
	if r.Verified >= e.After {
		return ""
	}
	text := fmt.Sprintf("%d of %d verified applications within %s", max(r.Verified, 0), e.After, within)
	if !r.LastFailure.IsZero() {
		text += fmt.Sprintf(" since the last that went wrong (%s)", shownAt(r.LastFailure))
	}
	return text
}

func (r TrackRecord) bad() string {
	return fmt.Sprintf("%d undone, %d failed and %d unknown", r.Undone, r.Failed, r.Unknown)
}

// shownAt writes an instant for a person, without doubt about its zone.
func shownAt(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

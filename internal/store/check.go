package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quellhq/quell/internal/incident"
)

// Bounds on what one call may write. They are far above what an incident
// needs, and keep one caller from stopping all others.
const (
	MaxEvents    = 1000     // a call
	MaxData      = 16 << 20 // bytes of one event's data
	MaxCallBytes = 64 << 20 // bytes of data in a call
	MaxValue     = 64 << 10 // bytes of a value of Set
)

// Bounds on texts, in bytes. What is longer is no name.
const (
	maxName  = 500
	maxTitle = 2000
	maxList  = 1000
)

// checkEvents refuses what cannot be kept as it is.
func checkEvents(events []incident.Event) error {
	if len(events) > MaxEvents {
		return fmt.Errorf("%d events in one call: at most %d", len(events), MaxEvents)
	}
	total := 0
	for i, e := range events {
		if err := checkEvent(e); err != nil {
			return fmt.Errorf("event %d of %d (%.40q): %w", i+1, len(events), e.Kind, err)
		}
		total += len(e.Data)
	}
	if total > MaxCallBytes {
		return fmt.Errorf("%d bytes of data in one call: at most %d", total, MaxCallBytes)
	}
	return nil
}

func checkEvent(e incident.Event) error {
	switch {
	case len(e.Data) > MaxData:
		return fmt.Errorf("its data has %d bytes: at most %d", len(e.Data), MaxData)
	case len(e.Data) > 0 && !json.Valid(e.Data):
		return fmt.Errorf("its data is no JSON")
	}
	return firstError(
		checkTime(e.At), checkText("its kind", e.Kind, 1, maxName),
		checkText("who it is by", e.By, 1, maxName), checkText("its step", e.Step, 0, maxName),
	)
}

func checkHeader(h incident.Header) error {
	if len(h.Services) > maxList {
		return fmt.Errorf("it has %d services: at most %d", len(h.Services), maxList)
	}
	for _, s := range h.Services {
		if err := checkText("a service", s, 1, maxName); err != nil {
			return err
		}
	}
	return firstError(checkTime(h.OpenedAt), checkText("its title", h.Title, 0, maxTitle))
}

// checkText refuses what one of the databases, or JSON, would not give back as
// it was.
func checkText(what, text string, least, most int) error {
	switch {
	case len(text) < least:
		return fmt.Errorf("%s is missing", what)
	case len(text) > most:
		return fmt.Errorf("%s has %d bytes: at most %d", what, len(text), most)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return fmt.Errorf("%s is not text: it has bytes that are no UTF-8, or a zero", what)
	}
	return nil
}

// checkTime refuses years that JSON does not know.
func checkTime(at time.Time) error {
	if y := at.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("its time is in the year %d", y)
	}
	return nil
}

package logql

import (
	"context"
	"time"
)

// Format is how the lines of a stream are written.
type Format string

// The formats.
const (
	JSON   Format = "json"
	Logfmt Format = "logfmt"
	Plain  Format = "text"
)

// Stream is what all lines of one origin share.
type Stream struct {
	Name   string            // for notes: the path of a file
	Format Format            // how most lines are written
	Labels map[string]string // stream labels: filename, those of the settings
}

// Record is one log record: a line, or a head line with its trace.
type Record struct {
	Time   int64  // nanoseconds since 1970; 0 where the record bears no time
	Line   []byte // valid only until the batch is done with
	Stream *Stream
}

// Window is a time span, open at its start and closed at its end: (Start, End].
type Window struct{ Start, End time.Time }

// Source gives records.
type Source interface {
	// Read calls emit with batches of records until it has no more, and returns
	// remarks on what was left out. Order is free between streams. Records
	// outside of the window may be among them; those without any time too. A
	// batch is valid only during the call. It stops with emit's error or the
	// context's. It may be called several times, not at once.
	Read(ctx context.Context, w Window, emit func([]Record) error) (notes []string, err error)
}

package logql

import (
	"context"
	"runtime"
	"sync/atomic"
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
	// Place orders records of the same time: the greater one came later. A
	// source that leaves it 0 is ordered by arrival.
	Place int64
	// Marks are where keys may stand in the line, of a source that found its
	// lines by them.
	Marks Marks
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

// Scanner is a source that can read parts of itself at the same time and leave
// out lines that cannot matter.
type Scanner interface {
	Source
	// Scan is Read for an Ask. It calls take from up to ask.Workers goroutines
	// at once, each with a number of its own from 0 on, and returns when all
	// have ended. Records come in any order, each with its Place.
	Scan(ctx context.Context, ask Ask, take func(worker int, batch []Record) error) (Reading, error)
}

// Ask says what is wanted of a Scanner.
type Ask struct {
	Window  Window
	Workers int    // at least 1
	Sieve   *Sieve // lines that it refuses need not be given; nil wants all
	Edge    *Edge  // records beyond it need not be given; nil wants all
	Oldest  bool   // begin at the oldest end, not at the newest
	Most    int64  // bytes of the newest part that are enough; 0 reads all
}

// Reading says what a Scanner did.
type Reading struct {
	Notes []string
	Bytes int64 // read
	Lines int64 // looked at, refused ones among them
	// Failed is how many of the places that were named could not be read.
	Failed int
}

// Edge is how far an answer that is full still looks: records on the wrong side
// of it cannot belong to the newest (or oldest) that are kept. It only moves
// inwards. Several goroutines may use it at once.
type Edge struct {
	oldest bool
	time   atomic.Int64
	set    atomic.Bool
}

// Move says that an answer is full, and t is the time of its outermost record.
func (e *Edge) Move(t int64) {
	if e == nil {
		return
	}
	if e.set.CompareAndSwap(false, true) {
		e.time.Store(t)
		return
	}
	for {
		now := e.time.Load()
		if inside := t > now != e.oldest && t != now; !inside || e.time.CompareAndSwap(now, t) {
			return
		}
	}
}

// Set reports whether there is an edge yet.
func (e *Edge) Set() bool { return e != nil && e.set.Load() }

// Oldest reports whether the oldest records are wanted, not the newest.
func (e *Edge) Oldest() bool { return e != nil && e.oldest }

// Beyond reports whether no record from there on outwards is wanted: none older
// than t, or with Oldest none newer.
func (e *Edge) Beyond(t int64) bool {
	if !e.Set() {
		return false
	}
	if e.oldest {
		return t > e.time.Load()
	}
	return t < e.time.Load()
}

// scan reads a source with as many workers as it can use.
func scan(ctx context.Context, src Source, ask Ask, take func(worker int, batch []Record) error) (Reading, error) {
	if s, ok := src.(Scanner); ok {
		return s.Scan(ctx, ask, take)
	}
	place, lines := int64(0), int64(0)
	notes, err := src.Read(ctx, ask.Window, func(batch []Record) error {
		for i := range batch {
			place++
			batch[i].Place = place
		}
		lines += int64(len(batch))
		return take(0, batch)
	})
	return Reading{Notes: notes, Lines: lines}, err
}

// workers is how many goroutines read at the same time.
func workers(src Source) int {
	if _, ok := src.(Scanner); !ok {
		return 1
	}
	return min(runtime.GOMAXPROCS(0), maxWorkers)
}

// maxWorkers bounds memory: each has a few megabytes.
const maxWorkers = 8

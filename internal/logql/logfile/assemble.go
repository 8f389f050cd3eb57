package logfile

import (
	"bytes"

	"github.com/quellhq/quell/internal/logql"
)

// Bounds of one record and of one batch, in bytes, lines and records.
const (
	maxRecord      = 256 << 10
	maxRecordLines = 500
	batchBytes     = 256 << 10
	batchRecords   = 512
)

// assembler joins lines to records: a trace belongs to the line before it. It
// hands records on in batches.
type assembler struct {
	clock  clock
	stream *logql.Stream
	timed  bool // lines of this file bear times, as a rule
	window logql.Window
	emit   func([]logql.Record) error

	head    []byte // the record at hand
	open    bool
	kind    headKind
	time    int64
	lines   int
	inTrace bool
	part    bool  // the last line was a piece
	last    int64 // time of the last record that had its own

	batch []logql.Record
	arena []byte

	cutRecords int // records that were longer than is kept
	headless   int // records before the first time of a file with times
	backwards  int // records more than a minute older than one before them
	newest     int64
}

type headKind int

const (
	headObject headKind = iota // a JSON object: complete in its line
	headTimed                  // text with a time: what follows without one belongs to it
	headLoose                  // text without a time
)

// line takes one line of the file.
func (a *assembler) line(line []byte) error {
	if len(bytes.TrimSpace(line)) == 0 {
		if a.open && a.kind != headObject {
			a.join(line)
		}
		return nil
	}
	piece := isPart(line)
	line, frameTime := unframe(a.clock, line)
	if a.part && frameTime != 0 {
		a.part = piece
		a.head = append(a.head, line[:min(len(line), maxRecord-min(len(a.head), maxRecord))]...)
		return nil
	}
	a.part = piece
	if isObject(line) {
		t, ok := a.clock.json(line)
		if !ok {
			t = frameTime
		}
		return a.begin(line, headObject, t)
	}
	t, ok := a.clock.text(line)
	if ok {
		return a.begin(line, headTimed, t)
	}
	switch {
	case a.open && a.continues(line, frameTime != 0):
		a.join(line)
		return nil
	case frameTime != 0:
		return a.begin(line, headTimed, frameTime)
	}
	return a.begin(line, headLoose, 0)
}

// continues reports whether a line without a time of its own goes on from the
// record. One that a container runtime stamped does so only when it looks it.
func (a *assembler) continues(line []byte, framed bool) bool {
	if a.lines >= maxRecordLines {
		return false
	}
	if line[0] == ' ' || line[0] == '\t' {
		return a.kind != headObject
	}
	if isTraceStart(line) {
		// After an object a trace stands by itself.
		if a.kind == headObject {
			return false
		}
		a.inTrace = true
		return a.kind == headTimed || a.lines > 1
	}
	for _, word := range []string{"Caused by: ", "During handling of", "The above exception", "... "} {
		if bytes.HasPrefix(line, []byte(word)) {
			return a.kind != headObject
		}
	}
	if a.inTrace {
		// The exception itself: the first line of a trace that is not indented.
		a.inTrace = false
		return true
	}
	return a.kind == headTimed && !framed && !startsWithLevel(line)
}

func isTraceStart(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Traceback (most recent call last)")) || bytes.HasPrefix(line, []byte("goroutine ")) && bytes.HasSuffix(line, []byte(":"))
}

// startsWithLevel knows lines like "INFO:     127.0.0.1 - …" that loggers
// without times write between the others: each is a record of its own.
func startsWithLevel(line []byte) bool {
	colon := bytes.IndexByte(line[:min(len(line), 10)], ':')
	if colon < 4 {
		return false
	}
	switch string(line[:colon]) {
	case "DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL":
		return true
	}
	return false
}

func (a *assembler) join(line []byte) {
	a.lines++
	if len(a.head)+len(line)+1 > maxRecord {
		if a.lines <= maxRecordLines {
			a.cutRecords++
			a.lines = maxRecordLines + 1
		}
		return
	}
	a.head = append(append(a.head, '\n'), line...)
}

func (a *assembler) begin(line []byte, kind headKind, t int64) error {
	if err := a.end(); err != nil {
		return err
	}
	a.head = append(a.head[:0], line...)
	a.open, a.kind, a.lines = true, kind, 1
	a.inTrace = isTraceStart(line)
	if t == 0 {
		t = a.last // a line without a time takes that of the line before
	} else {
		if t < a.newest-slack.Nanoseconds() {
			a.backwards++
		}
		a.last, a.newest = t, max(a.newest, t)
	}
	a.time = t
	return nil
}

// end closes the record at hand.
func (a *assembler) end() error {
	if !a.open {
		return nil
	}
	a.open = false
	if a.time == 0 && a.timed {
		a.headless++ // before the first time, or the rest of a record that began before the part that we read
		return nil
	}
	if a.time != 0 && (a.time <= a.window.Start.UnixNano() || a.time > a.window.End.UnixNano()) {
		return nil
	}
	start := len(a.arena)
	a.arena = append(a.arena, bytes.TrimRight(a.head, "\n")...)
	a.batch = append(a.batch, logql.Record{Time: a.time, Line: a.arena[start:len(a.arena):len(a.arena)], Stream: a.stream})
	if len(a.arena) >= batchBytes || len(a.batch) >= batchRecords {
		return a.flush()
	}
	return nil
}

func (a *assembler) flush() error {
	if len(a.batch) == 0 {
		return nil
	}
	err := a.emit(a.batch)
	a.batch, a.arena = a.batch[:0], a.arena[:0]
	return err
}

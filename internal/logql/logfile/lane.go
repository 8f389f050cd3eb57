package logfile

import (
	"bytes"
	"sort"

	"github.com/quellhq/quell/internal/logql"
)

// maxLanes bounds how many writers of one file have a record open at a time;
// beyond it the one that was silent the longest has its record closed.
const maxLanes = 64

// lane is what one writer of a file is at: its record is not whole until its
// next one begins, while the lines of other writers stand in between.
type lane struct {
	name   string
	stream *logql.Stream // of the record's head

	head    []byte // the record at hand
	open    bool
	kind    headKind
	isCut   bool // more came than is kept
	time    int64
	place   int64 // see logql.Record
	lines   int
	trace   trace
	indent  bool  // the last line was indented
	blank   bool  // the last line was blank
	last    int64 // time of its last record that had its own
	touched int   // when it was last written to, in lines of the file

	piece  []byte // the beginning of a line that comes in pieces
	pieces bool
	at     framed // of the first piece
}

type headKind int

const (
	headObject headKind = iota // a JSON object: complete in its line
	headPretty                 // a JSON object over several lines
	headTimed                  // text with a time: what follows without one belongs to it
	headLoose                  // text without a time
)

// whole puts a line that comes in pieces together. It returns false while more
// is to come; cut says that the pieces are longer than is kept.
func (l *lane) whole(f framed, limit int) (line framed, done, cut bool) {
	if !f.part && !l.pieces {
		return f, true, false
	}
	if !l.pieces {
		l.pieces, l.piece, l.at = true, l.piece[:0], f
	}
	room := limit - len(l.piece)
	cut = len(f.line) > room && room > 0
	l.piece = append(l.piece, f.line[:min(max(room, 0), len(f.line))]...)
	if f.part {
		return f, false, cut
	}
	l.pieces = false
	f.line, f.time, f.from = l.piece, l.at.time, l.at.from
	return f, true, cut
}

// lanes finds the lane of a line. Lines without an origin share one. A line that
// nothing wraps in a file of wrapped ones (the trace below a line of syslog) is
// of the writer before it, unless that one is in the middle of a line.
type lanes struct {
	sole   lane
	named  map[string]*lane
	recent *lane // of the line before, if it had an origin
	clock  int
}

func (l *lanes) of(f framed) (at, closed *lane) {
	l.clock++
	from := f.from
	if from == nil {
		if f.kind == 0 && l.recent != nil && !l.recent.pieces {
			l.recent.touched = l.clock
			return l.recent, nil
		}
		return &l.sole, nil
	}
	at, known := l.named[from.lane]
	if !known {
		if l.named == nil {
			l.named = map[string]*lane{}
		}
		if len(l.named) >= maxLanes {
			closed = l.idle()
			delete(l.named, closed.name)
		}
		at = &lane{name: from.lane}
		l.named[from.lane] = at
	}
	at.touched, l.recent = l.clock, at
	return at, closed
}

// idle is the lane that was silent the longest.
func (l *lanes) idle() *lane {
	var found *lane
	for _, at := range l.named {
		if found == nil || at.touched < found.touched {
			found = at
		}
	}
	return found
}

// all are the lanes in the order of their last lines.
func (l *lanes) all() []*lane {
	list := make([]*lane, 0, len(l.named)+1)
	for _, at := range l.named {
		list = append(list, at)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].touched < list[b].touched })
	return append(list, &l.sole)
}

// isBlank reports whether a line holds nothing but blanks.
func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

package logfile

import (
	"bytes"
	"time"
)

// clock reads the time that a line bears, in the formats that loggers use.
type clock struct {
	zone *time.Location // of times without a zone
	now  time.Time      // for times without a year
}

// How far into a line its time may begin, in bytes: addresses and host names
// stand before it. In brackets it may stand further on (access logs). Within a
// frame that has a time of its own only a level or a process may: what follows
// later is what a message speaks of.
const (
	timeWithin    = 48
	bracketWithin = 128
	framedWithin  = 12
)

// maxYear keeps times within 64 bits of nanoseconds.
const maxYear = 2200

// text finds the time of a line of plain text or logfmt, in nanoseconds since
// 1970. An indented line bears none: it goes on from the line before.
func (c clock) text(line []byte) (int64, bool) {
	if t, ok := c.find(line, timeWithin); ok {
		return t, true
	}
	return c.late(line)
}

// inner is the time of a record that a frame stamped at the given time: its own
// where it has one, else the frame's. A time ahead of the frame's is one that
// the message speaks of; the zone that is set may be wrong by half a day.
func (c clock) inner(line []byte, frame int64) int64 {
	var t int64
	var ok bool
	if isObject(line) {
		t, ok = c.json(line)
	} else {
		t, ok = c.find(line, framedWithin)
	}
	if ok && (frame == 0 || t <= frame+int64(14*time.Hour)) {
		return t
	}
	return frame
}

func (c clock) find(line []byte, within int) (int64, bool) {
	line = skipColour(line)
	if len(line) < 10 || line[0] == ' ' || line[0] == '\t' {
		return 0, false
	}
	if t, ok := c.start(line); ok {
		return t, true
	}
	for i := 0; i < len(line)-10 && i < bracketWithin; i++ {
		var before byte = ' '
		if i > 0 {
			before = line[i-1]
		}
		bracket := before == '['
		if i > within && !bracket {
			continue
		}
		ch := line[i]
		if ch == '\n' {
			return 0, false
		}
		if !isDigit(ch) && !(isUpper(ch) && (bracket || before == '=' || before == '"')) || !opensTime(before) {
			continue
		}
		if t, _, ok := c.stamp(line[i:]); ok {
			return t, true
		}
		if isDigit(ch) && (before == '=' || before == '"') {
			if t, ok := epochAfterKey(line, i); ok {
				return t, true
			}
		}
	}
	return 0, false
}

// opensTime knows what may stand right before a time.
func opensTime(c byte) bool {
	switch c {
	case ' ', '\t', '[', '(', '|', '>', '=', '"', '\'', ':', ',', ';':
		return true
	}
	return false
}

// stamp reads one of the forms that name a day and a time of it whole, at the
// start of b, and returns how many bytes it took.
func (c clock) stamp(b []byte) (int64, int, bool) {
	if len(b) < 10 {
		return 0, 0, false
	}
	if isDigit(b[0]) {
		// What separates the first numbers tells which form it could be.
		var t int64
		var n int
		var ok bool
		switch {
		case b[4] == '-' || b[4] == '/' || b[4] == '.':
			t, n, ok = c.iso(b)
		case isDigit(b[4]) && (b[8] == 'T' || b[8] == '-' || b[8] == ' ') && isDigit(b[2]):
			t, n, ok = c.basic(b)
		case b[2] == '/' && isDigit(b[3]):
			t, n, ok = c.slashed(b)
		case b[2] == '/' || b[2] == ' ' || b[2] == '-' || b[1] == ' ':
			t, n, ok = c.dayFirst(b)
		}
		return t, n, ok
	}
	if !isUpper(b[0]) {
		return 0, 0, false
	}
	skip := 0
	if isWeekday(b) { // Sat Nov 21 22:00:00 2026; Sat, 21 Nov 2026 22:00:00 GMT; Sat 2026-11-21 22:00:00 UTC
		for skip = 3; skip < len(b) && b[skip] >= 'a' && b[skip] <= 'z'; skip++ {
		}
		if skip < len(b) && b[skip] == ',' {
			skip++
		}
		if skip+1 >= len(b) || b[skip] != ' ' {
			return 0, 0, false
		}
		skip++
		if isDigit(b[skip]) {
			t, n, ok := c.dayFirst(b[skip:])
			if !ok {
				t, n, ok = c.iso(b[skip:])
			}
			return t, skip + n, ok
		}
	}
	t, n, ok := c.monthFirst(b[skip:])
	return t, skip + n, ok
}

// start reads the formats that stand only at the start of a line.
func (c clock) start(line []byte) (int64, bool) {
	if line[0] == '<' { // syslog priority
		if _, n, ok := priority(line); ok && len(line) > n+16 {
			line = line[n:]
		}
	}
	switch {
	case isUpper(line[0]):
		if t, _, ok := c.stamp(line); ok {
			return t, true
		}
		return c.klog(line)
	case line[0] == '[':
		return c.bracketed(line)
	case isDigit(line[0]):
		return c.bare(line)
	}
	return 0, false
}

// bare reads forms that are digits only, and so must be the first thing of a
// line: seconds since 1970, 081109 203615 and 11-21 22:00:00.123.
func (c clock) bare(line []byte) (int64, bool) {
	n := 0
	for n < len(line) && isDigit(line[n]) {
		n++
	}
	if n == len(line) {
		return 0, false
	}
	switch {
	case n == 2 && line[2] == '-':
		return c.dayOfYear(line, '-')
	case n == 6 && line[6] == ' ':
		return c.sixes(line)
	case n >= 10 && (line[n] == ' ' || line[n] == '.' || line[n] == '\t' || line[n] == '|' || line[n] == ','):
		end := n
		for end < len(line) && (isDigit(line[end]) || line[end] == '.') {
			end++
		}
		return c.recent(epoch(string(line[:end])))
	}
	return 0, false
}

// recent takes a number for a time only when it is one of the last years: a
// line may begin with any number.
func (c clock) recent(t int64, ok bool) (int64, bool) {
	if !ok || t > c.now.Add(24*time.Hour).UnixNano() || t < c.now.AddDate(-5, 0, 0).UnixNano() {
		return 0, false
	}
	return t, true
}

// bracketed reads [1763762400] and [11.21 22:00:00] at the start of a line; the
// forms that name a year are found in any bracket.
func (c clock) bracketed(line []byte) (int64, bool) {
	end := bytes.IndexByte(line[:min(len(line), 32)], ']')
	if end < 10 {
		return 0, false
	}
	inside := line[1:end]
	if inside[2] == '.' {
		return c.dayOfYear(inside, '.')
	}
	return c.recent(epoch(string(inside)))
}

package logfile

import "bytes"

// lateWithin is how far into a line of logfmt its time is looked for, in bytes.
const lateWithin = 8192

// late reads the time of a line of logfmt that writes it behind other fields:
// level=info msg="…" time=2026-11-21T22:00:00Z. A time inside of quotes is one
// that a message speaks of.
func (c clock) late(line []byte) (int64, bool) {
	line = line[:min(len(line), lateWithin)]
	if eq := bytes.IndexByte(line[:min(len(line), timeWithin)], '='); eq <= 0 || bytes.ContainsAny(line[:eq], " \t\"'()[]{}/:?&<>") {
		return 0, false
	}
	quoted, word := false, 0
	for i, ch := range line {
		switch {
		case ch == '"' && (i == 0 || line[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case ch == ' ':
			word = i + 1
		case ch == '=' && isTimeKey(line[word:i]):
			value := bytes.TrimPrefix(line[i+1:], []byte(`"`))
			if t, _, ok := c.stamp(value); ok {
				return t, true
			}
			if t, ok := epochAfterKey(line, len(line)-len(value)); ok && len(value) > 0 {
				return t, true
			}
		}
	}
	return 0, false
}

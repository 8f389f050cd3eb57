package pattern

import "bytes"

// traceLines bounds how many lines of a trace are looked at.
const traceLines = 400

// trace adds what tells one trace from another: the line that names the fault
// and the frame next to it. The fault is the last line that is not indented and
// has a word and a colon at its start, as "ValueError: bad" and "Caused by: x.Y:
// bad" do; where there is none, the head line has named it already. The frame is
// the first indented line after the fault, or, where none follows, the last one
// before it that bears a number; in languages that print the innermost call
// first and in those that print it last this is where the fault came up.
func (z *tokenizer) trace(text []byte, at int) {
	fault, frame, before := span{}, span{}, span{}
	for n := 0; at < len(text) && n < traceLines; n++ {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += at
		}
		line := span{at, end}
		switch {
		case at == end:
		case text[at] == ' ' || text[at] == '\t':
			if frame.empty() {
				frame = line
			}
			if hasDigit(text[at:end]) {
				before = line
			}
		case namesFault(text[at:end]):
			fault = line
			frame = span{}
		}
		at = end + 1
	}
	if frame.empty() {
		frame = before
	}
	for _, s := range [2]span{fault, frame} {
		if s.empty() || len(z.tokens) >= z.limit {
			continue
		}
		z.push(s.start, s.start, turn, false, '\n')
		z.line(text, s.start, s.end)
	}
}

type span struct{ start, end int }

func (s span) empty() bool { return s.end <= s.start }

func hasDigit(b []byte) bool {
	for _, c := range b {
		if classes[c]&isDigit != 0 {
			return true
		}
	}
	return false
}

// namesFault recognises "Name: text", "a.b.Name: text", "Caused by: Name" and a
// bare name of several words in one, as FileNotFoundError.
func namesFault(line []byte) bool {
	name, _, colon := bytes.Cut(line, []byte(":"))
	if bytes.HasPrefix(name, []byte("Caused by")) {
		return colon
	}
	if len(name) == 0 || bytes.ContainsAny(name, " \t(") {
		return false
	}
	upper := false
	for _, c := range name {
		upper = upper || c >= 'A' && c <= 'Z'
	}
	return upper
}

package logql

import (
	"bytes"
	"errors"
)

var errLogfmt = errors.New("no key=value in the line")

// parseLogfmtLine adds the key=value pairs of a line. Bare words are left out,
// as are pairs without a value. A line without any pair is an error.
func parseLogfmtLine(line []byte, want func([]byte) bool, labels *labelSet) error {
	found := false
	var name []byte
	for i := 0; i < len(line); {
		if line[i] <= ' ' {
			i++
			continue
		}
		start := i
		for i < len(line) && line[i] > ' ' && line[i] != '=' {
			i++
		}
		key := line[start:i]
		if i >= len(line) || line[i] != '=' {
			continue
		}
		i++
		var value []byte
		quoted := false
		if i < len(line) && line[i] == '"' {
			quoted = true
			end := closingQuote(line, i+1)
			if end < 0 {
				return errLogfmt
			}
			value = line[i+1 : end]
			i = end + 1
		} else {
			start = i
			for i < len(line) && line[i] > ' ' {
				i++
			}
			value = line[start:i]
		}
		if len(key) == 0 || !isLetter(key[0]) {
			continue
		}
		found = true
		name = appendName(name[:0], key)
		if len(value) == 0 || want != nil && !want(name) {
			continue
		}
		if quoted && bytes.IndexByte(value, '\\') >= 0 {
			from := len(labels.arena)
			labels.arena = unescape(value, labels.arena)
			value = labels.arena[from:len(labels.arena):len(labels.arena)]
		}
		labels.parsed(labels.intern(name), value)
	}
	if !found {
		return errLogfmt
	}
	return nil
}

// closingQuote returns the offset of the quote that ends the text, or -1.
func closingQuote(line []byte, i int) int {
	for ; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

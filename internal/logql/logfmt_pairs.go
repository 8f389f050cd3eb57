package logql

import (
	"bytes"
	"fmt"
)

// parseLogfmtPairs calls with each key=value of a line, as LogQL reads them.
// Without strict a part that cannot be read is stepped over; with keepEmpty
// keys without a value are given too.
func parseLogfmtPairs(line []byte, strict, keepEmpty bool, call func(key, value []byte)) error {
	for i := 0; i < len(line); {
		if line[i] <= ' ' {
			i++
			continue
		}
		key, value, end, err := logfmtPair(line, i)
		i = end
		if err != nil {
			if strict {
				return err
			}
			continue
		}
		if len(value) > 0 || keepEmpty {
			call(key, value)
		}
	}
	return nil
}

// logfmtPair reads the pair that begins at i. After a fault, end is where the
// next pair may begin.
func logfmtPair(line []byte, i int) (key, value []byte, end int, err error) {
	start := i
	for i < len(line) && line[i] > ' ' && line[i] != '=' && line[i] != '"' {
		i++
	}
	key = line[start:i]
	switch {
	case i < len(line) && line[i] == '"', len(key) == 0:
		return nil, nil, wordEnd(line, i), fmt.Errorf("unexpected %q at byte %d", line[i], i)
	case i >= len(line) || line[i] != '=':
		return key, nil, i, nil
	}
	i++
	if i < len(line) && line[i] == '"' {
		end := closingQuote(line, i+1)
		if end < 0 {
			return nil, nil, len(line), fmt.Errorf("the text at byte %d is never closed", i)
		}
		value = line[i+1 : end]
		if bytes.IndexByte(value, '\\') >= 0 {
			value = unescape(value, nil)
		}
		return key, value, end + 1, nil
	}
	start = i
	for i < len(line) && line[i] > ' ' {
		if line[i] == '=' || line[i] == '"' {
			return nil, nil, wordEnd(line, i), fmt.Errorf("unexpected %q at byte %d", line[i], i)
		}
		i++
	}
	return key, line[start:i], i, nil
}

func wordEnd(line []byte, i int) int {
	for i < len(line) && line[i] > ' ' {
		i++
	}
	return i
}

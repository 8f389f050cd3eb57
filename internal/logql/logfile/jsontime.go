package logfile

import "bytes"

// isTimeKey knows the names under which loggers write the time.
func isTimeKey(key []byte) bool {
	switch string(key) {
	case "timestamp", "time", "ts", "@timestamp", "asctime", "datetime", "date", "t", "eventTime", "event_time", "@t", "Timestamp", "Time":
		return true
	}
	return false
}

// json finds the time of a JSON object: the first of its own fields that has
// the name and the form of one. Nested objects are stepped over.
func (c clock) json(line []byte) (int64, bool) {
	i := bytes.IndexByte(line, '{') + 1
	for i < len(line) {
		switch line[i] {
		case ' ', '\t', ',':
			i++
			continue
		case '"':
		default:
			return 0, false
		}
		end := stringEnd(line, i)
		if end < 0 {
			return 0, false
		}
		key := line[i+1 : end-1]
		for i = end; i < len(line) && (line[i] == ' ' || line[i] == ':' || line[i] == '\t'); i++ {
		}
		if end = valueEnd(line, i); end < 0 {
			return 0, false
		}
		if isTimeKey(key) {
			if t, ok := c.value(bytes.Trim(line[i:end], `"`)); ok {
				return t, true
			}
		}
		i = end
	}
	return 0, false
}

func (c clock) value(text []byte) (int64, bool) {
	if t, _, ok := c.iso(text); ok {
		return t, true
	}
	if t, ok := c.dayFirst(text); ok {
		return t, true
	}
	return epoch(string(text))
}

// stringEnd returns the offset after the JSON string that begins at i, or -1.
func stringEnd(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd returns the offset after the JSON value that begins at i, or -1.
func valueEnd(line []byte, i int) int {
	if i >= len(line) {
		return -1
	}
	switch line[i] {
	case '"':
		return stringEnd(line, i)
	case '{', '[':
		depth := 0
		for i < len(line) {
			switch line[i] {
			case '"':
				if i = stringEnd(line, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	for i < len(line) && line[i] != ',' && line[i] != '}' {
		i++
	}
	return i
}

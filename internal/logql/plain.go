package logql

import "bytes"

// levelWindow is how far into a line a level may stand, in bytes: loggers put
// time, host and thread before it, messages quote levels later on.
const levelWindow = 120

// plainLevel finds the level of a line that is neither JSON nor logfmt, in
// canonical form, or "".
func plainLevel(line []byte) string {
	if head := line[:min(len(line), 2*levelWindow)]; bytes.IndexByte(head, 0x1b) >= 0 {
		line = decolorize(head) // a colour's last letter is no part of the word behind it
	}
	if len(line) > 5 && line[1] == ',' && line[2] == ' ' && line[3] == '[' { // Ruby: E, [2026-…
		if l := letterLevel(line[0]); l != "" {
			return l
		}
	}
	if len(line) > 6 && isDigit(line[1]) && isDigit(line[2]) && isDigit(line[3]) && isDigit(line[4]) && line[5] == ' ' { // klog: E1121 22:00
		if l := letterLevel(line[0]); l != "" {
			return l
		}
	}
	if status := accessStatus(line); status != nil {
		if status[0] == '5' {
			return "error"
		}
		return "info"
	}
	head := line[:min(len(line), levelWindow)]
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	for i := 0; i < len(head); {
		if !isLetter(head[i]) {
			i++
			continue
		}
		start := i
		for i < len(head) && (isLetter(head[i]) || isDigit(head[i])) {
			i++
		}
		if l := wordLevel(head, start, i); l != "" {
			return l
		}
	}
	if bytes.HasPrefix(line, []byte("Traceback (most recent call last)")) || bytes.HasPrefix(line, []byte("panic: ")) {
		return "error"
	}
	return ""
}

// wordLevel knows levels in upper case anywhere in the head; in other cases
// only between brackets or before a colon, since messages say "error" too.
func wordLevel(head []byte, start, end int) string {
	word := head[start:end]
	if len(word) > 9 {
		return ""
	}
	upper := true
	for _, c := range word {
		upper = upper && c >= 'A' && c <= 'Z'
	}
	var before, after byte
	if start > 0 {
		before = head[start-1]
	}
	if end < len(head) {
		after = head[end]
	}
	marked := (before == '[' && after == ']') || (before == '<' && after == '>') || (before == '|' && after == '|') ||
		(after == ':' && (before == 0 || before == ' '))
	if !upper && !marked || before == '/' || before == '.' || before == '-' {
		return ""
	}
	switch l := canonicalLevel(word); l {
	case "fatal", "panic", "critical", "error", "warning", "notice", "info", "debug", "trace", "alert", "emergency", "severe":
		return l
	case "log", "statement", "detail", "hint", "context": // Postgres
		if upper && after == ':' {
			return "info"
		}
	}
	return ""
}

func letterLevel(c byte) string {
	switch c {
	case 'D':
		return "debug"
	case 'I':
		return "info"
	case 'W':
		return "warning"
	case 'E':
		return "error"
	case 'F':
		return "fatal"
	}
	return ""
}

// accessStatus finds the status code of an access log line: the number after
// the quoted request.
func accessStatus(line []byte) []byte {
	i := bytes.Index(line[:min(len(line), 2048)], []byte(` HTTP/`))
	if i < 0 {
		return nil
	}
	rest := line[i:]
	q := bytes.IndexByte(rest, '"')
	if q < 0 || q > len(" HTTP/1.1") || len(rest) < q+5 || rest[q+1] != ' ' {
		return nil
	}
	code := rest[q+2 : q+5]
	if code[0] < '1' || code[0] > '5' || !isDigit(code[1]) || !isDigit(code[2]) || len(rest) > q+5 && isDigit(rest[q+5]) {
		return nil
	}
	return code
}

// parsePlainLine gives plain text the labels that a parser would have found:
// level, message, and the status of access logs.
func parsePlainLine(line []byte, labels *labelSet) {
	if l := plainLevel(line); l != "" {
		labels.parsed("level", []byte(l))
	}
	if status := accessStatus(line); status != nil {
		labels.parsed("status", status)
	}
	labels.parsed("message", line)
}

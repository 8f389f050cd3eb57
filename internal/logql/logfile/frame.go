package logfile

import "bytes"

// unframe takes the container runtime's wrapping off a line: that of Docker's
// json-file driver and that of CRI (Kubernetes). It returns the inner line and
// the time of the frame, or 0.
func unframe(c clock, line []byte) ([]byte, int64) {
	if bytes.HasPrefix(line, []byte(`{"log":"`)) {
		end := stringEnd(line, len(`{"log":`))
		if end < 0 {
			return line, 0
		}
		t, ok := c.json(append([]byte("{"), line[end:]...))
		if !ok {
			return line, 0
		}
		inner := unquote(line[len(`{"log":"`) : end-1])
		return bytes.TrimRight(inner, "\r\n"), t
	}
	// 2026-11-21T22:00:00.123456789Z stdout F text
	if len(line) > 30 && line[10] == 'T' {
		t, n, ok := c.iso(line)
		if !ok {
			return line, 0
		}
		for _, mark := range []string{" stdout F ", " stderr F ", " stdout P ", " stderr P "} {
			if bytes.HasPrefix(line[n:], []byte(mark)) {
				return line[n+len(mark):], t
			}
		}
	}
	return line, 0
}

// isPart reports whether a CRI line is a piece that the next line goes on from.
func isPart(line []byte) bool {
	head := line[:min(len(line), 48)]
	return bytes.Contains(head, []byte(" stdout P ")) || bytes.Contains(head, []byte(" stderr P "))
}

// unquote undoes the escapes of a JSON string that Docker writes.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 >= len(raw) {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'u':
			// Docker escapes only <, >, & and control characters this way.
			if n := hexByte(raw[i+1:]); n >= 0 {
				out = append(out, byte(n))
				i += 4
				continue
			}
			out = append(out, '\\', 'u')
		default:
			out = append(out, raw[i])
		}
	}
	return out
}

// hexByte reads 00xx; -1 for what is not one byte of ASCII.
func hexByte(b []byte) int {
	if len(b) < 4 || b[0] != '0' || b[1] != '0' {
		return -1
	}
	n := 0
	for _, c := range b[2:4] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		default:
			return -1
		}
	}
	if n >= 0x80 {
		return -1
	}
	return n
}

package logfile

import (
	"bytes"

	"github.com/quellhq/quell/internal/logql"
)

// nature is what a sample of a file's lines says about it.
type nature struct {
	format logql.Format
	lines  int             // looked at
	parsed int             // of them in the format
	timed  int             // of them with a time
	binary bool            // holds NUL bytes
	fields map[string]bool // which of the names asked for any line has
}

// sniff looks at a sample of whole lines.
func (c clock) sniff(sample []byte, names []string) nature {
	n := nature{format: logql.Plain, fields: map[string]bool{}}
	n.binary = bytes.IndexByte(sample, 0) >= 0
	objects, pairs := 0, 0
	for len(sample) > 0 {
		line, rest, found := bytes.Cut(sample, []byte("\n"))
		if sample = rest; !found && n.lines > 0 {
			break // probably not whole
		}
		if line = bytes.TrimRight(line, "\r"); len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		line, frameTime := unframe(c, line)
		n.lines++
		_, timed := c.of(line)
		if timed || frameTime != 0 {
			n.timed++
		}
		switch {
		case isObject(line):
			if valueEnd(line, bytes.IndexByte(line, '{')) > 0 {
				objects++
			}
		case isLogfmt(line):
			pairs++
		}
		for _, name := range names {
			if !n.fields[name] && hasField(line, name) {
				n.fields[name] = true
			}
		}
	}
	// Traces put many lines of text between few objects, so a third is enough.
	switch {
	case objects > 0 && 3*objects >= n.lines:
		n.format, n.parsed = logql.JSON, objects
	case pairs > 0 && 2*pairs >= n.lines:
		n.format, n.parsed = logql.Logfmt, pairs
	default:
		n.parsed = n.timed
	}
	return n
}

func isObject(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 1 && line[0] == '{' && (line[1] == '"' || line[1] == ' ' || line[1] == '}')
}

// isLogfmt wants two key=value pairs, one of which is what loggers write.
func isLogfmt(line []byte) bool {
	pairs, known := 0, false
	for _, word := range bytes.Fields(line[:min(len(line), 4096)]) {
		eq := bytes.IndexByte(word, '=')
		if eq <= 0 || bytes.ContainsAny(word[:eq], `"'()[]{}/:?&`) {
			continue
		}
		pairs++
		switch string(word[:eq]) {
		case "level", "lvl", "msg", "message", "ts", "time", "severity", "at":
			known = true
		}
	}
	return pairs >= 2 && known
}

// hasField looks for "name": of JSON and name= of logfmt.
func hasField(line []byte, name string) bool {
	if i := bytes.Index(line, []byte(`"`+name+`"`)); i >= 0 {
		rest := bytes.TrimLeft(line[i+len(name)+2:], " ")
		return len(rest) > 0 && rest[0] == ':'
	}
	i := bytes.Index(line, []byte(name+"="))
	return i == 0 || i > 0 && line[i-1] == ' '
}

// of finds the time of a line, whatever its format.
func (c clock) of(line []byte) (int64, bool) {
	if isObject(line) {
		return c.json(line)
	}
	return c.text(line)
}

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
	binary bool            // is no text
	fields map[string]bool // which of the names asked for any line has
	// only is the value of such a name where all lines that have it agree.
	only map[string]string

	frames     framing // to take off; the other ones are not looked for
	wholeLines bool    // Docker's lines come without line breaks: none is a piece

	// verbatim says that the inner text of every line stands in the file byte
	// for byte, so that a literal of the inner text can be searched in the file.
	// It holds of the whole file, not of the sample alone: frames that the
	// sample does not show are not taken off later either. False when in doubt.
	verbatim bool
	// pieces says that one inner line may be split over several lines of the
	// file, other lines between them: a literal may then lie across the split.
	// In a verbatim file (CRI) every piece but the last bears one of pieceMarks.
	pieces bool
}

// sniff looks at a sample of whole lines.
func (c clock) sniff(sample []byte, names []string) nature {
	n := nature{format: logql.Plain, fields: map[string]bool{}, only: map[string]string{}}
	if n.binary = isBinary(sample); n.binary {
		return n
	}
	n.frames, n.wholeLines = c.frames(sample)
	n.verbatim, n.pieces = n.frames&escaping == 0, n.frames&splitting != 0
	u := newUnframer(c, n)
	objects, pairs := 0, 0
	pretty := false
	eachLine(sample, func(line []byte) {
		f := u.take(line)
		line = f.line
		if len(bytes.TrimSpace(line)) == 0 {
			return
		}
		for _, name := range names {
			value, has := fieldOf(line, name)
			switch before := n.only[name]; {
			case !has:
			case !n.fields[name]:
				n.fields[name], n.only[name] = true, value
			case before != value:
				n.only[name] = ""
			}
		}
		if pretty { // one object over many lines counts once
			pretty = line[0] == ' ' || line[0] == '\t'
			if pretty || line[0] == '}' {
				return
			}
		}
		n.lines++
		_, timed := c.of(line)
		if timed || f.time != 0 {
			n.timed++
		}
		switch {
		case isLoneBrace(line):
			pretty = true
			objects++
			n.timed++ // most likely: its time stands further down
		case isObject(line):
			if valueEnd(line, bytes.IndexByte(line, '{')) > 0 {
				objects++
			}
		case isLogfmt(line):
			pairs++
		}
	})
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

// eachLine visits the lines of a sample that are not blank. The last one counts
// only when it is whole, or the only one.
func eachLine(sample []byte, visit func(line []byte)) {
	for first := true; len(sample) > 0; {
		line, rest, found := bytes.Cut(sample, []byte("\n"))
		if sample = rest; !found && !first {
			return
		}
		if line = bytes.TrimRight(line, "\r\x00"); len(bytes.TrimSpace(line)) > 0 {
			first = false
			visit(line)
		}
	}
}

// isBinary allows for the NUL bytes that a crash leaves: the file had grown and
// the text was never written. They stand in a row and at the end of what a
// filesystem wrote at once, while in a binary file they are everywhere.
func isBinary(sample []byte) bool {
	runs, ctrl := 0, 0
	for i, c := range sample {
		switch {
		case c == 0:
			if i == 0 || sample[i-1] != 0 {
				runs++
			}
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b && c != '\b':
			ctrl++
		}
	}
	if runs == 1 && len(bytes.TrimLeft(sample, "\x00")) == 0 {
		return true // a file with a hole and nothing else
	}
	// A run of NULs counts as harmless where it ends with the sample or a line.
	return runs > 0 && (runs > 2 || !nulsEndLines(sample)) || ctrl*10 > len(sample)
}

// nulsEndLines reports whether every run of NULs is long, or ends the sample.
func nulsEndLines(sample []byte) bool {
	for len(sample) > 0 {
		i := bytes.IndexByte(sample, 0)
		if i < 0 {
			return true
		}
		rest := bytes.TrimLeft(sample[i:], "\x00")
		if length := len(sample) - i - len(rest); len(rest) > 0 && length < 16 {
			return false
		}
		sample = rest
	}
	return true
}

// isLoneBrace knows the first line of an object that is printed over several.
func isLoneBrace(line []byte) bool {
	return len(line) > 0 && line[0] == '{' && len(bytes.TrimRight(line, " \t\r")) == 1
}

func isObject(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 1 && line[0] == '{' && (line[1] == '"' || line[1] == ' ' || line[1] == '}')
}

// isHalf reports whether an object was begun and is not closed in its line.
func isHalf(line []byte) bool {
	return isObject(line) && valueEnd(line, bytes.IndexByte(line, '{')) < 0
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
func fieldOf(line []byte, name string) (value string, has bool) {
	if i := bytes.Index(line, []byte(`"`+name+`"`)); i >= 0 {
		rest := bytes.TrimLeft(line[i+len(name)+2:], " ")
		if len(rest) == 0 || rest[0] != ':' {
			return "", false
		}
		if rest = bytes.TrimLeft(rest[1:], " "); len(rest) > 0 && rest[0] == '"' {
			if text, _, closed := bytes.Cut(rest[1:], []byte(`"`)); closed && !bytes.Contains(text, []byte(`\`)) {
				return string(text), true
			}
		}
		return "", true
	}
	i := bytes.Index(line, []byte(name+"="))
	if i < 0 || i > 0 && line[i-1] != ' ' {
		return "", false
	}
	text, _, _ := bytes.Cut(line[i+len(name)+1:], []byte(" "))
	return string(bytes.Trim(text, `"`)), true
}

// of finds the time of a line, whatever its format.
func (c clock) of(line []byte) (int64, bool) {
	if isObject(line) {
		return c.json(line)
	}
	return c.text(line)
}

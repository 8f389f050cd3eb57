package logfile

import "bytes"

// trace is the kind of trace that a record is in the middle of. The rules are
// about how languages write, not about one program: what is indented goes on;
// beyond that each language has lines that begin at the margin.
type trace int

const (
	noTrace     trace = iota
	pythonTrace       // until the exception, its first line at the margin
	goTrace           // until a line that is no part of a goroutine
	phpTrace          // until "thrown in"
)

// traceAt is the trace that a line begins, if any.
func traceAt(line []byte) trace {
	switch {
	case bytes.HasPrefix(line, []byte("Traceback (most recent call last)")):
		return pythonTrace
	case bytes.HasPrefix(line, []byte("panic: ")), bytes.HasPrefix(line, []byte("fatal error: ")), isGoroutine(line):
		return goTrace
	case bytes.HasPrefix(line, []byte("Stack trace:")):
		return phpTrace
	}
	return noTrace
}

func isGoroutine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("goroutine ")) && bytes.HasSuffix(bytes.TrimRight(line, " "), []byte(":"))
}

// standsAlone knows lines without a time that begin a record all the same:
// what a runtime writes when a program dies has nothing to do with what the
// program logged before.
func standsAlone(line []byte) bool {
	for _, word := range [...]string{"panic: ", "fatal error: ", "Exception in thread ", "Unhandled exception", "Uncaught ", "PHP Fatal error:", "Segmentation fault", "thread '"} {
		if bytes.HasPrefix(line, []byte(word)) {
			return true
		}
	}
	return startsWithLevel(line)
}

// continues reports whether a line without a time of its own goes on from the
// record that is open. One that a frame stamped does so only when it looks it.
func (l *lane) continues(line []byte, framed bool) bool {
	if l.kind == headObject {
		return false // after an object a trace stands by itself
	}
	if l.kind == headPretty {
		return isIndented(line) || line[0] == '}' && !bytes.HasSuffix(bytes.TrimSpace(l.head), []byte("\n}"))
	}
	if looksContinued(line) {
		return true
	}
	if l.trace == goTrace && isGoFrame(line) {
		return true
	}
	if standsAlone(line) {
		return false
	}
	if begins := traceAt(line); begins != noTrace {
		return l.kind == headTimed || l.lines > 1 || begins == phpTrace
	}
	if l.trace == pythonTrace {
		// The exception itself: the first line of a trace at the margin.
		l.trace = noTrace
		return true
	}
	switch {
	case l.indent && isCloser(line):
		return true
	case (l.indent || l.blank && l.lines > 1) && isException(line, false):
		return true // Node shows the code first and the error after it
	case isException(line, true) && !isException(l.head, true) && l.kind == headTimed:
		return true // Java shows what a message was about on the next line
	case l.blank && l.lines > 1 && bytes.HasPrefix(line, []byte("Node.js v")):
		return true
	}
	return l.kind == headTimed && !framed && l.lines < maxRecordLines
}

// looksContinued knows lines that begin no record wherever they stand.
func looksContinued(line []byte) bool {
	if isIndented(line) {
		return true
	}
	for _, word := range [...]string{
		"Caused by: ", "Suppressed: ", "... ", "Wrapped by: ", // Java
		"During handling of the above", "The above exception was", // Python
		"created by ", "[signal ", // Go
		"--- End of ", "---> ", // .NET
	} {
		if bytes.HasPrefix(line, []byte(word)) {
			return true
		}
	}
	// #0 /app/index.php(12): f()
	return len(line) > 3 && line[0] == '#' && isDigit(line[1]) && (line[2] == ' ' || isDigit(line[2]) && line[3] == ' ')
}

func isIndented(line []byte) bool { return line[0] == ' ' || line[0] == '\t' }

// isGoFrame knows the lines of a goroutine that are not indented.
func isGoFrame(line []byte) bool {
	if isGoroutine(line) || bytes.HasPrefix(line, []byte("exit status ")) || bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("runtime stack:")) {
		return true
	}
	// net/http.(*Server).Serve(0xc0001, {0x1, 0x2})
	open := bytes.IndexByte(line, '(')
	return open > 0 && (line[len(line)-1] == ')' || bytes.HasSuffix(line, []byte("(...)"))) && bytes.IndexByte(line[:open], '.') > 0 && bytes.IndexByte(line[:open], ' ') < 0
}

// isCloser knows the end of something that was printed over several lines.
func isCloser(line []byte) bool {
	rest := bytes.TrimLeft(line, "})]")
	return len(rest) < len(line) && len(bytes.Trim(rest, " ,;")) == 0
}

// isException knows the name of an exception at the start of a line, with its
// message or alone: ValueError: no; java.io.IOException. dotted asks for one
// with its package before it.
func isException(line []byte, dotted bool) bool {
	end := 0
	dots := 0
	for end < len(line) && (isLetter(line[end]) || isDigit(line[end]) || line[end] == '_' || line[end] == '$' || line[end] == '.') {
		if line[end] == '.' {
			dots++
		}
		end++
	}
	if end == 0 || end < len(line) && line[end] != ':' && line[end] != '\n' && line[end] != ' ' || dotted && dots == 0 {
		return false
	}
	name := line[:end]
	for _, tail := range [...]string{"Error", "Exception", "Throwable", "Failure", "Fault"} {
		if bytes.HasSuffix(name, []byte(tail)) {
			return true
		}
	}
	return false
}

// startsWithLevel knows lines like "INFO:     127.0.0.1 - …" that loggers
// without times write between the others: each is a record of its own.
func startsWithLevel(line []byte) bool {
	colon := bytes.IndexByte(line[:min(len(line), 10)], ':')
	if colon < 4 {
		return false
	}
	switch string(line[:colon]) {
	case "DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL":
		return true
	}
	return false
}

// explains reports whether a line with a time of its own only says more of the
// record before: Postgres repeats its prefix before DETAIL, HINT, STATEMENT,
// and PHP its before each frame. Where the prefixes differ in more than digits
// another process wrote in between, and the line is a record of its own.
func explains(head, line []byte) bool {
	for _, word := range [...]string{"DETAIL:  ", "HINT:  ", "STATEMENT:  ", "CONTEXT:  ", "QUERY:  ", "LOCATION:  "} {
		at := bytes.Index(line[:min(len(line), 256)], []byte(word))
		if at < 10 {
			continue
		}
		for _, of := range [...]string{"ERROR:  ", "FATAL:  ", "PANIC:  ", "WARNING:  ", "LOG:  ", "NOTICE:  "} {
			if bytes.HasPrefix(head[min(at, len(head)):], []byte(of)) {
				return samePrefix(head[:at], line[:at])
			}
		}
		return false
	}
	at := bytes.Index(line[:min(len(line), 64)], []byte("] PHP "))
	if at > 0 {
		after := line[at+len("] PHP "):]
		return (bytes.HasPrefix(after, []byte("Stack trace:")) || bytes.HasPrefix(after, []byte("  "))) &&
			bytes.HasPrefix(head[min(at, len(head)):], []byte("] PHP "))
	}
	return false
}

// mayExplain reports whether explains may be true of a line, whatever its head.
func mayExplain(line []byte) bool {
	head := line[:min(len(line), 256)]
	for _, word := range [...]string{"DETAIL:  ", "HINT:  ", "STATEMENT:  ", "CONTEXT:  ", "QUERY:  ", "LOCATION:  ", "] PHP "} {
		if bytes.Contains(head, []byte(word)) {
			return true
		}
	}
	return false
}

// samePrefix compares but for the time, whose last digits may have moved on: at
// most 24 bytes from the start may differ, and only in digits.
func samePrefix(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] && (i >= 24 || !isDigit(a[i]) || !isDigit(b[i])) {
			return false
		}
	}
	return true
}

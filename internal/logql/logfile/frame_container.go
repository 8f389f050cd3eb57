package logfile

import "bytes"

// docker takes off the framing of Docker's json-file driver. A line longer than
// 16 KiB comes in pieces: only the last one ends with a line break.
func (u *unframer) docker(line []byte) bool {
	d, ok := dockerPlain(line)
	if !ok {
		d, ok = dockerFields(line)
	}
	if !ok {
		return false
	}
	t, timed := u.clock.value(d.time)
	if d.stream == nil && !timed {
		return false
	}
	inner := u.text(d.log)
	u.out.part = !u.whole && !bytes.HasSuffix(inner, []byte("\n"))
	u.out.line, u.out.time = bytes.TrimRight(inner, "\r\n"), t
	u.label("stream", text(nil, d.stream))
	if len(d.attrs) > 0 && d.attrs[0] == '{' {
		eachField(d.attrs, func(key, raw []byte) bool {
			if isString(raw) {
				u.label(labelName(key), text(nil, raw))
			}
			return true
		})
	}
	return true
}

// dockerLine are the raw values of a line of Docker's.
type dockerLine struct{ log, stream, attrs, time []byte }

// dockerFields reads a line field by field, in any order. A field that Docker
// does not write makes it a line of someone else.
func dockerFields(line []byte) (d dockerLine, ok bool) {
	foreign := false
	ok = eachField(line, func(key, raw []byte) bool {
		switch string(key) {
		case "log":
			d.log = raw
		case "stream":
			d.stream = raw
		case "attrs":
			d.attrs = raw
		case "time":
			d.time = raw
		default:
			foreign = true
		}
		return !foreign
	})
	return d, ok && !foreign && isString(d.log)
}

// dockerPlain reads a line as Docker writes it where there are no attrs.
func dockerPlain(line []byte) (d dockerLine, ok bool) {
	const head, middle, last = `{"log":`, `,"stream":`, `,"time":`
	if !bytes.HasPrefix(line, []byte(head+`"`)) {
		return d, false
	}
	for _, f := range [...]struct {
		before string
		into   *[]byte
	}{{head, &d.log}, {middle, &d.stream}, {last, &d.time}} {
		if !bytes.HasPrefix(line, []byte(f.before)) {
			return d, false
		}
		line = line[len(f.before):]
		if len(line) == 0 || line[0] != '"' {
			return d, false
		}
		end := stringEnd(line, 0)
		if end < 0 {
			return d, false
		}
		*f.into, line = line[:end], line[end:]
	}
	return d, string(line) == "}"
}

// cri takes off the framing of containerd and CRI-O: a time, stdout or stderr,
// F for a full line or P for a part, and the line.
func (u *unframer) cri(line []byte) bool {
	if len(line) < 29 || line[10] != 'T' {
		return false
	}
	t, n, ok := u.clock.iso(line)
	if !ok {
		return false
	}
	rest := line[n:]
	if !bytes.HasPrefix(rest, []byte(" stdout ")) && !bytes.HasPrefix(rest, []byte(" stderr ")) {
		return false
	}
	stream := rest[1:len(" stdout")]
	rest = rest[len(" stdout "):]
	// The tag may be several, joined by colons; the first one is F or P.
	tag, inner, found := bytes.Cut(rest, []byte(" "))
	if len(tag) == 0 || tag[0] != 'F' && tag[0] != 'P' || len(tag) > 1 && tag[1] != ':' || !found && len(rest) > 1 {
		return false
	}
	u.out.line, u.out.time, u.out.part = inner, t, tag[0] == 'P'
	u.label("stream", stream)
	return true
}

// pieceMarks are the texts one of which stands in every line of a CRI log that
// is a part of a longer one.
var pieceMarks = []string{" stdout P", " stderr P"}

// stamped takes off the time that `docker logs -t` and `kubectl logs
// --timestamps` put before each line.
func (u *unframer) stamped(line []byte) bool {
	if len(line) < 20 || line[10] != 'T' {
		return false
	}
	t, n, ok := u.clock.iso(line)
	if !ok || line[n-1] >= '0' && line[n-1] <= '9' && !offsetBefore(line, n) {
		return false // no zone: not of a container runtime
	}
	switch {
	case n == len(line):
		u.out.line = nil
	case line[n] == ' ':
		u.out.line = line[n+1:]
	default:
		return false
	}
	if u.out.time == 0 {
		u.out.time = t
	}
	return true
}

// offsetBefore reports whether the time that ends at n ends with +01:00.
func offsetBefore(line []byte, n int) bool {
	return n > 25 && (line[n-6] == '+' || line[n-6] == '-') && line[n-3] == ':'
}

// pod takes off the prefix of `kubectl logs --prefix` and of stern's like:
// [pod/name/container].
func (u *unframer) pod(line []byte) bool {
	end := bytes.IndexByte(line[:min(len(line), 400)], ']')
	if end < 0 || end+1 < len(line) && line[end+1] != ' ' {
		return false
	}
	inside := bytes.TrimPrefix(line[1:end], []byte("pod/"))
	pod, container, found := bytes.Cut(inside, []byte("/"))
	if !found || !isName(pod) || !isName(container) {
		return false
	}
	u.label("pod", pod)
	u.label("container", container)
	u.out.line = line[min(end+2, len(line)):]
	return true
}

// compose takes off the prefix of `docker compose logs`: the container's name,
// padded, and a bar, in colour or not. The container's name is the service's
// and a number.
func (u *unframer) compose(line []byte) bool {
	line = skipColour(line)
	head := line[:min(len(line), 200)]
	bar := bytes.IndexByte(head, '|')
	if bar < 2 || head[bar-1] != ' ' {
		return false
	}
	name := bytes.TrimRight(head[:bar], " ")
	if !isName(name) || isLevelWord(name) {
		return false
	}
	rest := skipColour(line[bar+1:])
	if len(rest) > 0 && rest[0] != ' ' {
		return false
	}
	u.label("container", name)
	if service := withoutNumber(name); len(service) > 0 {
		u.label("service", service)
	}
	u.out.line = skipColour(rest[min(1, len(rest)):])
	return true
}

// withoutNumber takes "-1" or "_1" off the name of a container; nil where there
// is none.
func withoutNumber(name []byte) []byte {
	i := len(name)
	for i > 0 && isDigit(name[i-1]) {
		i--
	}
	if i == len(name) || i < 2 || name[i-1] != '-' && name[i-1] != '_' {
		return nil
	}
	return name[:i-1]
}

// isName knows the names of containers, pods and services.
func isName(b []byte) bool {
	if len(b) == 0 || !isLetter(b[0]) && !isDigit(b[0]) {
		return false
	}
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// skipColour steps over one colour sequence of a terminal.
func skipColour(b []byte) []byte {
	if len(b) < 3 || b[0] != 0x1b || b[1] != '[' {
		return b
	}
	for i := 2; i < len(b) && i < 16; i++ {
		if b[i] == 'm' {
			return b[i+1:]
		}
		if !isDigit(b[i]) && b[i] != ';' {
			return b
		}
	}
	return b
}

func isLevelWord(b []byte) bool {
	switch string(bytes.ToLower(b)) {
	case "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "crit", "critical", "fatal", "panic", "alert", "emerg", "log":
		return true
	}
	return false
}

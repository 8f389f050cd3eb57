package logfile

import "bytes"

// frames judges by a sample which framings a file has. Those that are written
// like nothing else count when one line has them. Those that an ordinary line
// could look like count when most lines have them: a prefix with a bar, a time
// before the line, a word and a colon.
func (c clock) frames(sample []byte) (found framing, whole bool) {
	var s frameSigns
	certain := dockerFrame | criFrame | journalFrame | eventFrame | lokiFrame
	eachLine(sample, func(line []byte) {
		s.lines++
		u := unframer{clock: c, allowed: certain | podFrame | composeFrame}
		f := u.take(line)
		found |= f.kind & certain
		switch {
		case f.kind&podFrame != 0:
			s.pod++
		case f.kind&composeFrame != 0:
			s.compose++
		}
		if f.kind&dockerFrame != 0 {
			if s.docker++; !f.part {
				s.ended++
			}
		}
		s.look(c, f.line)
	})
	for _, sign := range []struct {
		kind  framing
		lines int
	}{{podFrame, s.pod}, {composeFrame, s.compose}, {tailFrame, s.tail}, {syslogFrame, s.syslog}} {
		if 2*sign.lines > s.lines {
			found |= sign.kind
		}
	}
	if s.wire > 0 {
		found |= syslogFrame
	}
	if found&(syslogFrame|tailFrame) == 0 && s.isStamped(found&(podFrame|composeFrame) != 0) {
		found |= stampFrame
	}
	return found, s.docker > 1 && s.ended == 0
}

// frameSigns counts what the lines of a sample look like.
type frameSigns struct {
	lines, pod, compose    int
	docker, ended          int
	wire, syslog, tail     int
	stamped, nine, wrapped int // a time first; with nine decimals; before a line that is whole without it
	goesOn                 int // before a line that goes on from another
}

func (s *frameSigns) look(c clock, line []byte) {
	u := unframer{clock: c, allowed: syslogFrame}
	if f := u.take(line); f.kind != 0 {
		if line[0] == '<' {
			s.wire++
		} else if isUpper(line[0]) || bytes.Contains(line[:min(len(line), 160)], []byte("]: ")) {
			s.syslog++
		}
	}
	u = unframer{clock: c, allowed: tailFrame}
	if u.take(line).kind != 0 {
		s.tail++
	}
	u = unframer{clock: c, allowed: stampFrame}
	f := u.take(line)
	if f.kind == 0 {
		return
	}
	s.stamped++
	if len(line) > 29 && line[19] == '.' && !isDigit(line[29]) && isDigit(line[28]) {
		s.nine++
	}
	inner := f.line
	switch {
	case len(inner) == 0:
	case inner[0] == ' ' || inner[0] == '\t':
		s.goesOn++
	case isObject(inner) || isLoneBrace(inner):
		s.wrapped++
	default:
		if _, ok := c.start(pad(inner)); ok {
			s.wrapped++
		} else if _, _, ok := c.stamp(bytes.TrimPrefix(inner, []byte("["))); ok {
			s.wrapped++
		}
	}
}

// isStamped: a runtime writes nine decimals before every line; a program that
// writes its own time first does not. So does a time before a line that is whole
// without it: an object, or a time again. Where most lines go on with a blank the
// time is a column of the program's own, of Spring Boot and tracing for one.
func (s *frameSigns) isStamped(prefixed bool) bool {
	if 2*s.stamped <= s.lines || 2*s.goesOn > s.stamped {
		return false
	}
	if prefixed && s.goesOn > 0 && 10*s.stamped >= 9*s.lines {
		return true // a command put its own prefix before each line, and so the time
	}
	return 2*s.nine > s.lines || 2*s.wrapped > s.lines
}

// pad makes a line long enough for the readers of times, which want ten bytes.
func pad(line []byte) []byte {
	if len(line) >= 10 {
		return line
	}
	return append(append(make([]byte, 0, 10), line...), "          "[len(line):]...)
}

package logfile

import "bytes"

// framing is one of the ways in which something between the program and us
// wraps each line that the program wrote.
type framing uint16

// The framings. Which of them a file has is judged once, by a sample of its
// lines; within that each line is recognised by itself, so that the same lines
// give the same records wherever the reading begins.
const (
	dockerFrame  framing = 1 << iota // {"log":"…\n","stream":"stdout","time":"…"}
	criFrame                         // 2026-11-21T22:00:00.123456789Z stdout F …
	stampFrame                       // 2026-11-21T22:00:00.123456789Z …, of docker logs -t
	podFrame                         // [pod/name/container] …
	composeFrame                     // name-1  | …
	journalFrame                     // {"__REALTIME_TIMESTAMP":"…","MESSAGE":"…"}
	syslogFrame                      // <34>Nov 21 22:00:00 host app[1]: …
	eventFrame                       // {"timestamp":1763762400000,"message":"…","ingestionTime":…}
	tailFrame                        // 2026-11-21T22:00:00.123000+00:00 stream …, of aws logs tail
	lokiFrame                        // {"labels":{…},"line":"…","timestamp":"…"}

	everyFrame framing = 1<<iota - 1
)

// escaping framings write the inner line as a JSON string: its bytes do not
// stand in the file as they are.
const escaping = dockerFrame | journalFrame | eventFrame | lokiFrame

// splitting framings may write one inner line as several lines.
const splitting = dockerFrame | criFrame

// framed is a line with its wrapping taken off.
type framed struct {
	line []byte  // the inner text: of the line itself, or of the unframer's room; valid until the next line
	time int64   // when the frame says it was written; 0 where it does not
	from *origin // who wrote it; nil where the frame does not say
	part bool    // the next line of the same lane goes on from this one
	kind framing // what was taken off
	head bool    // the header was read and stays in the line
}

// unframer takes the wrapping off lines. One serves one reader.
type unframer struct {
	clock   clock
	allowed framing
	whole   bool // Docker's lines come without their line break, so none is a part
	origins *origins

	out   framed
	pairs []pair // labels that the frames of this line name
	room  []byte
	lane  []byte // tells apart who writes at the same time, beyond the labels
}

// frameDepth bounds how many wrappings are taken off one line: a prefix, a time
// and a syslog header may stand one inside the other.
const frameDepth = 4

func newUnframer(c clock, n nature) *unframer {
	return &unframer{clock: c, allowed: n.frames, whole: n.wholeLines, origins: newOrigins()}
}

// glance is the time of a line whatever wraps it, for a reader that looks into
// a file here and there and has not judged it. Of a line of text that begins
// with a time, that is its time: it may as well be the program's own.
func (c clock) glance(line []byte) (int64, bool) {
	u := unframer{clock: c, allowed: everyFrame}
	f := u.take(line)
	switch {
	case f.time == 0:
		return c.of(f.line)
	case f.kind&^(stampFrame|tailFrame) == 0 && !isObject(f.line):
		return f.time, true
	}
	return c.inner(f.line, f.time), true
}

// take takes all wrappings off a line, the outermost first.
func (u *unframer) take(line []byte) framed {
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	if u.allowed == 0 {
		return framed{line: line}
	}
	u.out = framed{line: line}
	u.pairs, u.room, u.lane = u.pairs[:0], u.room[:0], u.lane[:0]
	for range frameDepth {
		kind := u.once(u.out.line)
		if kind == 0 {
			break
		}
		u.out.kind |= kind
	}
	if u.origins != nil && (len(u.pairs) > 0 || len(u.lane) > 0) {
		u.out.from = u.origins.of(u.pairs, u.lane)
	}
	return u.out
}

// once takes one wrapping off u.out.line and says which, or 0.
func (u *unframer) once(line []byte) framing {
	if len(line) == 0 {
		return 0
	}
	could := func(kind framing) bool { return u.allowed&kind != 0 && u.out.kind&kind == 0 }
	switch line[0] {
	case '{':
		switch {
		case could(dockerFrame) && u.docker(line):
			return dockerFrame
		case could(journalFrame) && u.journal(line):
			return journalFrame
		case could(lokiFrame) && u.loki(line):
			return lokiFrame
		case could(eventFrame) && u.event(line):
			return eventFrame
		}
		return 0
	case '[':
		if could(podFrame) && u.pod(line) {
			return podFrame
		}
		return 0
	}
	switch {
	case could(criFrame) && u.cri(line):
		return criFrame
	case could(syslogFrame) && u.syslog(line):
		return syslogFrame
	case could(tailFrame) && u.tail(line):
		return tailFrame
	case could(stampFrame) && u.stamped(line):
		return stampFrame
	case could(composeFrame) && u.compose(line):
		return composeFrame
	}
	return 0
}

// label notes a label that a frame names. Values are copied when the origin is
// new, so they may lie in the line.
func (u *unframer) label(name string, value []byte) {
	if len(value) > 0 {
		u.pairs = append(u.pairs, pair{name, value})
	}
}

// text is the text of a raw JSON string, in the unframer's room where it is
// escaped. The room only grows within a line, so earlier texts stay.
func (u *unframer) text(raw []byte) []byte {
	start := len(u.room)
	out := text(u.room, raw)
	if len(out) > start && cap(out) > 0 && isString(raw) && bytes.IndexByte(raw, '\\') >= 0 {
		u.room = out
		return out[start:len(out):len(out)]
	}
	return out
}

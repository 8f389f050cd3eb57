package logfile

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/quellhq/quell/internal/logql"
)

// Bounds of one record and of one batch, in bytes, lines and records.
const (
	maxRecord      = 256 << 10
	maxRecordLines = 500
	batchBytes     = 256 << 10
	batchRecords   = 512
)

// assembler joins lines to records: a trace belongs to the line before it of
// the same writer. It hands records on in batches.
type assembler struct {
	clock    clock
	frames   *unframer
	stream   *logql.Stream
	settings map[string]string // labels that go before those of frames
	fields   map[string]bool   // which names the lines themselves have a field of
	timed    bool              // lines of this file bear times, as a rule
	limit    int               // longest line kept that came in pieces
	window   logql.Window
	emit     func([]logql.Record) error
	rank     int64        // of the file, in the upper bits of a place
	earlier  func() int64 // the time of the last line before the one at hand, where lines were skipped
	skipped  bool         // lines before the one at hand were left out

	timeKey []byte // what lines of JSON begin with, up to the value that is their time

	at    int64 // offset of the line at hand
	lanes lanes
	batch []logql.Record
	arena []byte
	last  int64 // time of the last record that had its own, whoever wrote it

	cutRecords int // records that were longer than is kept
	cutPieces  int // lines in pieces that were longer than is kept
	headless   int // records before the first time of a file with times
	backwards  int // records more than a minute older than the one before them
	nuls       int // lines with NUL bytes at an end, as a crash leaves them
}

func (a *assembler) counts() counts {
	return counts{
		cutLines: a.cutPieces, cutRecords: a.cutRecords, headless: a.headless,
		nuls: a.nuls, lost: a.frames.origins.lost, backwards: a.backwards,
	}
}

// line takes one line of the file.
func (a *assembler) line(line []byte) error {
	if n := len(line); n > 0 && (line[0] == 0 || line[n-1] == 0) {
		line = bytes.Trim(line, "\x00")
		a.nuls++
	}
	f := a.frames.take(line)
	l, closed := a.lanes.of(f)
	if closed != nil {
		if err := a.finish(closed); err != nil {
			return err
		}
	}
	f, done, cut := l.whole(f, a.limit)
	if cut {
		a.cutPieces++
	}
	if !done {
		return nil
	}
	return a.add(l, f)
}

// add takes a whole line of a lane.
func (a *assembler) add(l *lane, f framed) error {
	line := f.line
	if isBlank(line) {
		if l.open && l.kind != headObject {
			a.join(l, line)
			l.blank = true
		}
		return nil
	}
	if l.open && l.kind == headPretty && l.continues(line, false) {
		a.join(l, line)
		return nil
	}
	if isObject(line) {
		t, ok := a.clock.json(line)
		if !ok {
			t = f.time
		}
		return a.begin(l, f, headObject, t)
	}
	if isLoneBrace(line) {
		return a.begin(l, f, headPretty, f.time)
	}
	t, ok := a.own(line, f)
	switch {
	case ok && l.open && l.kind == headTimed && explains(l.head, line):
		a.join(l, line)
		return nil
	case ok:
		return a.begin(l, f, headTimed, t)
	case l.open && l.continues(line, f.time != 0):
		a.join(l, line)
		return nil
	case f.time != 0:
		return a.begin(l, f, headTimed, f.time)
	}
	return a.begin(l, f, headLoose, 0)
}

// own is the time that a line of text bears itself.
func (a *assembler) own(line []byte, f framed) (int64, bool) {
	if f.time == 0 {
		return a.clock.text(line)
	}
	t := a.clock.inner(line, f.time)
	return t, t != f.time || f.head
}

func (a *assembler) join(l *lane, line []byte) {
	l.lines++
	l.blank = false
	if len(line) > 0 {
		l.indent = isIndented(line)
		if begins := traceAt(line); begins != noTrace {
			l.trace = begins
		}
	}
	if len(l.head)+len(line)+1 > maxRecord || l.lines > maxRecordLines {
		a.cut(l)
		return
	}
	l.head = append(append(l.head, '\n'), line...)
}

// cut counts a record that is longer than is kept, once.
func (a *assembler) cut(l *lane) {
	if !l.isCut {
		l.isCut = true
		a.cutRecords++
	}
}

func (a *assembler) begin(l *lane, f framed, kind headKind, t int64) error {
	if err := a.end(l); err != nil {
		return err
	}
	l.head = append(l.head[:0], f.line...)
	l.stream = streamOf(a.stream, a.settings, f.from, a.fields)
	l.open, l.isCut, l.kind, l.lines = true, false, kind, 1
	l.indent, l.blank = isIndented(f.line), false
	l.trace = traceAt(f.line)
	l.time, l.place = t, a.rank|a.at
	if kind != headPretty {
		a.stamp(l)
	}
	return nil
}

// timeOf is the time of a line of JSON, or 0. Most loggers begin each line with
// it: then what stands before the first value is that of the line before.
func (a *assembler) timeOf(line []byte) int64 {
	if n := len(a.timeKey); n > 0 && bytes.HasPrefix(line, a.timeKey) {
		if end := valueEnd(line, n); end > n {
			if t, ok := a.clock.value(line[n:end]); ok {
				return t
			}
		}
	}
	t, _ := a.clock.json(line)
	a.timeKey = a.timeKey[:0]
	eachField(line, func(key, raw []byte) bool {
		if isTimeKey(key) {
			a.timeKey = append(a.timeKey, line[:cap(line)-cap(raw)]...)
		}
		return false
	})
	return t
}

// object takes a line that is a whole record, and that stays where it is until
// the batch is handed on.
func (a *assembler) object(line []byte, marks logql.Marks) error {
	l := &a.lanes.sole
	if err := a.end(l); err != nil {
		return err
	}
	l.time = a.timeOf(line)
	l.place, l.stream = a.rank|a.at, a.stream
	a.stamp(l)
	return a.put(l, line, marks)
}

// stamp gives a record without a time that of the one before.
func (a *assembler) stamp(l *lane) {
	if l.time == 0 {
		if a.skipped && a.earlier != nil {
			a.last = a.earlier()
		}
		l.time = a.last
		a.skipped = false
		return
	}
	if l.time < l.last-slack.Nanoseconds() && !a.skipped {
		a.backwards++
	}
	l.last, a.last, a.skipped = l.time, l.time, false
}

// end closes the record at hand of a lane.
func (a *assembler) end(l *lane) error {
	if !l.open {
		return nil
	}
	l.open = false
	if l.kind == headPretty {
		if t, ok := a.clock.json(l.head); ok {
			l.time = t
		}
		a.stamp(l)
	}
	return a.put(l, nil, logql.Marks{})
}

// put adds a record to the batch: a line that stays where it is, or a copy of
// the lane's head.
func (a *assembler) put(l *lane, line []byte, marks logql.Marks) error {
	if l.time == 0 && a.timed {
		a.headless++ // before the first time, or the rest of a record that began before the part that we read
		return nil
	}
	if l.time != 0 && (l.time <= a.window.Start.UnixNano() || l.time > a.window.End.UnixNano()) {
		return nil
	}
	if line == nil {
		start := len(a.arena)
		a.arena = append(a.arena, bytes.TrimRight(l.head, "\n")...)
		line = a.arena[start:len(a.arena):len(a.arena)]
	}
	a.batch = append(a.batch, logql.Record{Time: l.time, Line: line, Stream: l.stream, Place: l.place, Marks: marks})
	if len(a.arena) >= batchBytes || len(a.batch) >= batchRecords {
		return a.flush()
	}
	return nil
}

// finish closes what a lane has open, a line of which the last piece never came
// included.
func (a *assembler) finish(l *lane) error {
	if l.pieces {
		l.pieces = false
		f := l.at
		f.line, f.part = l.piece, false
		if err := a.add(l, f); err != nil {
			return err
		}
	}
	return a.end(l)
}

// close closes the records of all lanes and hands the last batch on.
func (a *assembler) close() error {
	for _, l := range a.lanes.all() {
		if err := a.finish(l); err != nil {
			return err
		}
	}
	return a.flush()
}

func (a *assembler) flush() error {
	if len(a.batch) == 0 {
		return nil
	}
	// Writers that write in turns close their records in another order than
	// they began them; a batch has the file's.
	byPlace := func(a, b logql.Record) int { return cmp.Compare(a.Place, b.Place) }
	if !slices.IsSortedFunc(a.batch, byPlace) {
		slices.SortStableFunc(a.batch, byPlace)
	}
	err := a.emit(a.batch)
	a.batch, a.arena = a.batch[:0], a.arena[:0]
	return err
}

package logfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"

	"github.com/quellhq/quell/internal/logql"
)

// chunk is a stretch of a file: the records whose first line begins in it, after
// the first line that surely begins one. What stands before that line goes on
// from a record of the chunk before, which reads on until there. So each record
// is read once, and wherever a file is cut its records are the same.
//
// With whole the file is read from one end to the other in one go: where frames
// weave the lines of several writers, where lines bear no times, and where it
// can be read only from its beginning.
type chunk struct {
	reading    *reading
	start, end int64
	whole      bool
}

// chunkSize is a part of the cache of one processor.
const chunkSize = 1 << 20

// chunks cuts a file, from its oldest end on.
func (r *reading) chunks() []chunk {
	switch {
	case r.trouble.Kind != 0:
		return nil
	case r.packed:
		return []chunk{{reading: r, whole: true}}
	case r.nature.frames != 0 || 2*r.nature.timed < r.nature.lines || r.files.serial:
		return []chunk{{reading: r, start: r.from, end: r.to, whole: true}}
	}
	var out []chunk
	step := r.files.chunk
	for start := r.from; start < r.to; start += step {
		out = append(out, chunk{reading: r, start: start, end: min(start+step, r.to)})
	}
	return out
}

// worker reads chunks, one after the other.
type worker struct {
	sieve *logql.Sieve
	edge  *logql.Edge
	emit  func([]logql.Record) error
	*scratch
	// behind reads on behind a chunk.
	behind *bufio.Reader

	reading *reading // for which the screen was made
	screen  *logql.Screen
}

// end gives back what the worker read with.
func (w *worker) end() {
	w.screen.Close()
	w.release()
}

// do reads a chunk. Trouble with the file is kept there; an error ends the scan.
func (w *worker) do(ctx context.Context, c chunk) error {
	err := c.reading.enter()
	defer c.reading.leave()
	switch {
	case err != nil, w.beyond(c):
	case c.whole:
		err = c.reading.pass(ctx, c, w.emit)
	default:
		err = w.chunk(ctx, c)
	}
	if errors.Is(err, errSource) {
		return nil
	}
	return err
}

// beyond reports whether the answer is full and nothing of the chunk can belong
// to it any more.
func (w *worker) beyond(c chunk) bool {
	r := c.reading
	if c.whole || !r.ordered || !w.edge.Set() {
		return false
	}
	at := c.end // nothing in the chunk is newer than what comes after it
	if w.edge.Oldest() {
		at = c.start
	}
	t, ok := (&part{clock: r.clock(), in: r.content.at, size: r.content.size, line: r.files.config.Line}).timeAt(at)
	if !ok {
		return false
	}
	if w.edge.Oldest() {
		return w.edge.Beyond(t - slack.Nanoseconds())
	}
	return w.edge.Beyond(t + slack.Nanoseconds())
}

// chunk reads the records of a chunk.
func (w *worker) chunk(ctx context.Context, c chunk) error {
	r := c.reading
	if w.behind == nil {
		w.behind = bufio.NewReaderSize(nil, tailSize)
	}
	if w.reading != r {
		w.screen.Close()
		w.reading, w.screen = r, w.sieve.On(r.stream, r.sample)
	}
	// One byte more tells whether a line begins at the start.
	base := max(c.start-1, 0)
	if cap(w.data) < int(c.end-base) {
		w.data = make([]byte, c.end-base)
	}
	data := w.data[:c.end-base]
	n, err := r.content.at.ReadAt(data, base)
	if err != nil && !errors.Is(err, io.EOF) {
		return r.fail(err)
	}
	data = data[:n]
	k := &cutter{
		worker: w, ctx: ctx, c: c, base: base, data: data, lines: bytes.LastIndexByte(data, '\n') + 1,
		a: r.assembler(w.emit),
	}
	k.a.batch, k.a.arena = w.batch[:0], w.arena[:0]
	defer func() { w.batch, w.arena = k.a.batch, k.a.arena }()
	k.a.earlier, k.a.skipped = k.timeBefore, c.start > r.from
	k.counts.truncated = int64(n) < c.end-base
	if k.seeks = w.screen.Over(data[:k.lines]); k.seeks {
		k.counts.lines = int64(bytes.Count(data[:k.lines], newline))
	} else {
		k.marks = w.screen.Marks(data[:k.lines])
	}
	err = k.run()
	k.counts.add(k.a.counts())
	r.done(int64(n)+k.tailRead, k.counts)
	return err
}

var newline = []byte{'\n'}

// cutter cuts the data of a chunk into records.
type cutter struct {
	*worker
	ctx      context.Context
	c        chunk
	base     int64  // offset of data in the file
	data     []byte // up to the end of the chunk
	lines    int    // offset in data after its last line break
	a        *assembler
	seeks    bool              // the screen finds the lines that matter
	marks    *logql.BlockMarks // nil where lines are searched
	at       int               // offset in data of the line that comes next
	fed      int               // offset in data up to which the assembler saw every line since it last skipped some
	begun    bool              // a line that surely begins a record was met
	counts   counts
	tailRead int64
}

func (k *cutter) run() error {
	k.begin()
	for k.at < k.lines {
		if k.seeks {
			hit := k.screen.Next(k.at)
			if hit == k.lines {
				k.at = k.lines
				break
			}
			if err := k.around(hit); err != nil {
				return err
			}
			continue
		}
		end, marks := k.lineEnd()
		if err := k.line(end, marks); err != nil {
			return err
		}
	}
	if err := k.tail(); err != nil {
		return err
	}
	return k.a.close()
}

// lineEnd finds the end of the line that comes next, and what is known of it.
func (k *cutter) lineEnd() (int, logql.Marks) {
	if k.marks != nil {
		if end, marks, ok := k.marks.Line(k.at); ok {
			return end, marks
		}
	}
	return k.at + bytes.IndexByte(k.data[k.at:k.lines], '\n'), logql.Marks{}
}

// begin moves to the first line of the chunk that surely begins a record.
func (k *cutter) begin() {
	if k.c.start == 0 {
		k.begun = true
		return
	}
	k.at = bytes.IndexByte(k.data, '\n') + 1
	if k.at == 0 {
		k.lines = 0 // a single line goes through all of the chunk
		return
	}
	for k.at < k.lines {
		end := k.at + bytes.IndexByte(k.data[k.at:k.lines], '\n')
		if k.begun = k.free(k.data[k.at:end]); k.begun {
			return
		}
		k.at = end + 1
	}
}

// free reports whether a line begins a record whatever stands before it.
func (k *cutter) free(line []byte) bool {
	if isFlatObject(line) {
		return true
	}
	if len(line) == 0 || isObject(line) || mayExplain(line) {
		return false
	}
	_, ok := k.a.clock.text(trimEnd(line))
	return ok
}

// isFlatObject knows an object that stands on a line of its own.
func isFlatObject(line []byte) bool {
	return len(line) > 2 && line[0] == '{' && line[1] == '"'
}

// line takes the line that ends at an offset, or leaves it out.
func (k *cutter) line(end int, marks logql.Marks) error {
	line := trimEnd(k.data[k.at:end])
	k.a.at = k.base + int64(k.at)
	k.at, k.fed = end+1, end+1
	if !k.seeks {
		k.counts.lines++
	}
	if len(line) > k.c.reading.files.config.Line {
		line = line[:k.c.reading.files.config.Line]
		k.counts.cutLines++
	}
	if !isFlatObject(line) || line[len(line)-1] == 0 {
		return k.a.line(line)
	}
	if k.screen.Refuses(line, marks) {
		err := k.a.end(&k.a.lanes.sole)
		k.a.skipped = true
		return err
	}
	return k.a.object(line, marks)
}

// around takes the record that a hit lies in, with all that may belong to it.
func (k *cutter) around(hit int) error {
	start := k.at + bytes.LastIndexByte(k.data[k.at:hit], '\n') + 1
	first := start
	for !isFlatObject(k.data[first:k.lines]) && first > k.at {
		line := k.data[first : first+bytes.IndexByte(k.data[first:k.lines], '\n')]
		if k.free(line) {
			break
		}
		first = k.at + bytes.LastIndexByte(k.data[k.at:first-1], '\n') + 1
	}
	if err := k.skip(first); err != nil {
		return err
	}
	for k.at < k.lines {
		end := k.at + bytes.IndexByte(k.data[k.at:k.lines], '\n')
		if k.at > hit && k.free(k.data[k.at:end]) {
			break
		}
		object := k.at == start && isFlatObject(k.data[start:end])
		if err := k.line(end, logql.Marks{}); err != nil {
			return err
		}
		if object {
			break // whole in its line
		}
	}
	return nil
}

// skip leaves lines out up to an offset, where a record begins: the one at hand
// is whole.
func (k *cutter) skip(to int) error {
	if to <= k.at {
		return nil
	}
	if err := k.a.end(&k.a.lanes.sole); err != nil {
		return err
	}
	k.a.skipped, k.at = true, to
	return nil
}

// tail reads on behind the chunk: the rest of its last line, and the lines that
// go on from its last record.
func (k *cutter) tail() error {
	r := k.c.reading
	if !k.begun && k.lines == 0 {
		return nil
	}
	offset := k.base + int64(k.lines)
	k.behind.Reset(io.NewSectionReader(r.content.at, offset, math.MaxInt64-offset))
	lines := &lineReader{in: k.behind, limit: r.files.config.Line, ctx: k.ctx}
	defer func() { k.tailRead += lines.consumed }()
	for first := true; offset+lines.consumed < r.to; first = false {
		at := offset + lines.consumed
		cut := lines.cut
		line, ended, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.readError(err)
		}
		if !ended && at < k.c.end && isHalf(line) {
			k.counts.halved++
		}
		free := k.free(line)
		if at >= k.c.end && free {
			lines.cut = cut
			break
		}
		if at < k.c.end {
			k.counts.lines++
		}
		if k.begun = k.begun || free; !k.begun {
			if at >= k.c.end {
				break
			}
			continue
		}
		if first && k.fed < k.lines {
			if err := k.resume(free); err != nil {
				return err
			}
		}
		k.a.at = at
		if err := k.a.line(line); err != nil {
			return err
		}
	}
	k.counts.cutLines += lines.cut
	return nil
}

// tailSize is how much is read at once behind a chunk.
const tailSize = 16 << 10

// resume takes the lines of the chunk's last record that were left out, where
// the line that comes next goes on from it; begins says that it does not.
func (k *cutter) resume(begins bool) error {
	k.at = k.fed
	first := k.lines
	for first > k.fed && !begins {
		before := bytes.LastIndexByte(k.data[:first-1], '\n') + 1
		begins = k.free(k.data[before : first-1])
		first = before
	}
	if err := k.skip(first); err != nil {
		return err
	}
	for k.at < k.lines {
		if err := k.line(k.at+bytes.IndexByte(k.data[k.at:k.lines], '\n'), logql.Marks{}); err != nil {
			return err
		}
	}
	return nil
}

// timeBefore is the time of the last line before the one at hand that bears one.
func (k *cutter) timeBefore() int64 {
	end := k.a.at
	for reach := int64(4 << 10); ; reach *= 8 {
		from := max(end-reach, k.c.reading.from)
		text := make([]byte, end-from)
		n, _ := k.c.reading.content.at.ReadAt(text, from)
		text = text[:n]
		for len(text) > 0 {
			cut := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
			if cut == 0 && from > k.c.reading.from {
				break // not whole
			}
			line := trimEnd(text[cut:])
			text = text[:cut]
			if t, ok := k.a.clock.of(line); ok && !(mayExplain(line) && k.explained(text, line)) {
				return t
			}
		}
		if from == k.c.reading.from || reach > maxRecord {
			return 0
		}
	}
}

// explained reports whether a line only says more of the record that the text
// before it ends with.
func (k *cutter) explained(text, line []byte) bool {
	for len(text) > 0 {
		cut := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
		head := trimEnd(text[cut:])
		text = text[:cut]
		if isObject(head) {
			return false
		}
		if _, ok := k.a.clock.of(head); ok && !mayExplain(head) {
			return explains(head, line)
		}
	}
	return false
}

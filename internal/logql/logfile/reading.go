package logfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/logql"
)

// slack is how far times may run backwards in a file that counts as ordered:
// several processes write to it.
const slack = time.Minute

// reading is the reading of one file.
type reading struct {
	files    *Files
	file     file
	window   logql.Window
	rank     int64    // among the files, for lines of the same time
	content  *content // while it is open
	packed   bool     // it can be read only from its beginning, and is opened when its turn comes
	info     os.FileInfo
	sample   []byte            // lines by which the format was judged
	sampled  *[sampleSize]byte // what they lie in; nil where nothing was read
	nature   nature
	stream   *logql.Stream
	from, to int64 // what is read of a file that can be read anywhere
	ordered  bool  // its lines are in order of time
	search   *part
	reserved int64 // bytes of the budget
	notes    []string
	trouble  Trouble

	mu     sync.Mutex // the workers' part
	users  int        // workers that read it now
	left   int        // chunks that nobody has read yet
	spent  int64
	counts counts
}

// counts are what became of lines, for notes.
type counts struct {
	lines      int64 // looked at
	cutLines   int
	cutRecords int
	headless   int
	nuls       int
	lost       int
	backwards  int
	halved     int // last lines that are half written
	truncated  bool
}

func (c *counts) add(o counts) {
	c.lines += o.lines
	c.cutLines += o.cutLines
	c.cutRecords += o.cutRecords
	c.headless += o.headless
	c.nuls += o.nuls
	c.lost += o.lost
	c.backwards += o.backwards
	c.halved += o.halved
	c.truncated = c.truncated || o.truncated
}

func (r *reading) done(spent int64, c counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent += spent
	r.counts.add(c)
}

func (r *reading) fail(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble.Kind == 0 {
		r.trouble = troubleOf(r.file.path, err)
	}
	return errSource
}

func (r *reading) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, filepath.Base(r.file.path)+": "+fmt.Sprintf(format, args...))
}

func (r *reading) clock() clock {
	return clock{zone: r.files.config.Location, now: r.files.config.Now}
}

// unpacked is how many times larger than on disk the content of a compressed
// file is taken to be, as long as others want a part of the budget. Logs shrink
// to a tenth or a twentieth.
const unpacked = 40

// prepare opens the file, finds the part that holds the window, and judges its
// format. What goes wrong is kept as the file's trouble.
func (r *reading) prepare(budget int64) {
	c, err := r.file.open()
	if err != nil {
		_ = r.fail(err)
		return
	}
	if r.file.spooled != nil {
		r.notes = append(r.notes, r.file.spooled.Notes()...)
	}
	if c.at == nil {
		// Opened again when its turn comes: what unpacks it holds memory.
		c.Close()
		r.packed = true
		r.reserved = min(budget, unpacked*r.file.size+1<<20)
		return
	}
	r.content = c
	r.search = &part{clock: r.clock(), in: c.at, size: c.size, line: r.files.config.Line}
	r.from, r.to = r.search.find(r.window)
	r.spent += r.search.read
	r.ordered = !r.search.disordered
	if !r.ordered {
		r.note("lines are not in order of time, so the whole file was read")
	}
	if room := max(budget-r.search.read, 0); r.to-r.from > room {
		r.from = r.to - room
		r.note("only the newest %s of %s in the time asked for were read: older lines are missing", size(room), size(r.to-r.search.from))
	}
	r.reserved = r.search.read + r.to - r.from
	r.sampled = samples.Get().(*[sampleSize]byte)
	sample := r.sampled[:min(sampleSize, max(c.size-r.from, 0))]
	n, err := c.at.ReadAt(sample, r.from)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = r.fail(err)
		return
	}
	sample = sample[:n]
	if r.from > 0 {
		for i, c := range sample {
			if c == '\n' {
				sample = sample[i+1:]
				break
			}
		}
	}
	r.judge(sample)
}

// keepOpen is how many files of one question stay open from the beginning; the
// others are opened again when their turn comes.
const keepOpen = 100

// pause closes the file until its turn comes.
func (r *reading) pause() {
	if r.content == nil || r.content.handle == nil {
		return
	}
	r.info, _ = r.content.handle.Stat()
	r.content.Close()
	r.content = nil
}

// enter opens the file where it is not, and leave closes it after its last chunk.
func (r *reading) enter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users++
	if r.content != nil || r.packed {
		return nil
	}
	c, err := r.file.open()
	if err == nil && c.handle != nil {
		if now, statErr := c.handle.Stat(); statErr != nil || !os.SameFile(now, r.info) {
			c.Close()
			err = errRotated
		}
	}
	if err != nil {
		if r.trouble.Kind == 0 {
			r.trouble = troubleOf(r.file.path, err)
		}
		return errSource
	}
	r.content = c
	return nil
}

var errRotated = errors.New("was rotated before it was read")

func (r *reading) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users--
	if r.left--; r.left > 0 || r.users > 0 || r.content == nil {
		return
	}
	r.counts.truncated = r.counts.truncated || r.content.shrunk()
	r.content.Close()
	r.content = nil
}

// sampleSize is how much of a file its format is judged by.
const sampleSize = 64 << 10

func (r *reading) judge(sample []byte) {
	r.sample = sample
	names := []string{"service"} // a frame may name the service too
	names = append(names, slices.Sorted(maps.Keys(r.files.config.Otherwise))...)
	r.nature = r.files.config.Natures.sniff(r.clock(), sample, names)
	if r.nature.binary {
		_ = r.fail(errBinary)
		return
	}
	s := &logql.Stream{Name: r.file.path, Format: r.nature.format, Labels: map[string]string{"filename": r.file.path}}
	maps.Copy(s.Labels, pathLabels(r.file.path))
	for name, value := range r.files.config.Otherwise {
		only := r.nature.only[name]
		if !r.nature.fields[name] || only != "" && r.files.config.Strangers {
			s.Labels[name] = value
		} else if only != "" && r.nature.frames == 0 {
			// One program's output: what its server says in plain text between
			// the lines of the application is of the same service.
			s.Labels[name] = only
		}
	}
	for name, value := range r.files.config.Labels {
		s.Labels[name] = value
	}
	r.stream = s
}

var errBinary = errors.New("is binary, not text")

// placeBits is how much of a place is the offset in the file; the rank of the
// file stands above it.
const placeBits = 46

func (r *reading) assembler(emit func([]logql.Record) error) *assembler {
	return &assembler{
		clock: r.clock(), frames: newUnframer(r.clock(), r.nature), stream: r.stream, settings: r.files.config.Labels, fields: r.nature.fields,
		timed: r.nature.timed > 0, limit: r.files.config.Line, window: r.window, emit: emit, rank: r.rank << placeBits,
	}
}

// readError tells the caller's end of patience from trouble with the file.
func (r *reading) readError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return r.fail(err)
}

// notesOf says what the counts mean for the answer.
func (r *reading) notesOf(c counts) {
	for _, n := range []struct {
		count int
		text  string
		args  []any
	}{
		{c.cutLines, "%s longer than %s: the rest of each was skipped", []any{lineCount(c.cutLines), size(int64(r.files.config.Line))}},
		{c.cutRecords, "%d traces longer than %s or %d lines were cut", []any{c.cutRecords, size(maxRecord), maxRecordLines}},
		{c.nuls, "NUL bytes at the end of %d lines were taken off: a crash leaves them", []any{c.nuls}},
		{c.lost, "the frames name more than %d sets of labels: %d lines go without", []any{maxOrigins, c.lost}},
		{c.halved, "the last line is half written: its object is not closed, nor does it have a line break", nil},
		{c.backwards, "the clock jumps back at %s", []any{lineCount(c.backwards)}},
	} {
		if n.count > 0 {
			r.note(n.text, n.args...)
		}
	}
	if c.headless > 0 && r.from == 0 {
		r.note("%d lines before the first one with a time were left out", c.headless)
	}
	if c.truncated {
		r.note("was truncated while it was read: lines are missing")
	}
}

func lineCount(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

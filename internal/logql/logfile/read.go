package logfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"github.com/quellhq/quell/internal/logql"
)

// slack is how far times may run backwards in a file that counts as ordered:
// several processes write to it.
const slack = time.Minute

// Read implements logql.Source. It reads the newest file first and stops when
// the budget is used up, so what is missing then is the oldest part of the
// window; a note says so. When no path at all can be read it returns *Failed.
func (f *Files) Read(ctx context.Context, w logql.Window, emit func([]logql.Record) error) (notes []string, err error) {
	files, troubles := f.list()
	left := f.config.Budget
	var spent int64
	for _, file := range files {
		// What was last written before the window holds nothing of it.
		if file.size == 0 || !w.Start.IsZero() && file.modified.Before(w.Start.Add(-slack)) {
			continue
		}
		if left-spent <= 0 {
			notes = append(notes, fmt.Sprintf("%s was not read: the budget of %s is used up, older lines are missing", file.path, size(f.config.Budget)))
			continue
		}
		r := &reading{files: f, file: file, window: w, emit: emit, budget: left - spent}
		err := r.run(ctx)
		spent += r.spent
		f.read.Add(r.spent)
		notes = append(notes, r.notes...)
		switch {
		case err == nil:
		case errors.Is(err, errSource):
			troubles = append(troubles, Trouble{file.path, r.trouble.Kind, r.trouble.Reason})
		default:
			return notes, err
		}
	}
	readable := len(files)
	for _, t := range troubles {
		for _, file := range files {
			if file.path == t.Path {
				readable--
			}
		}
		notes = append(notes, t.Path+": "+t.Reason)
	}
	if readable <= 0 {
		return notes, &Failed{Troubles: troubles}
	}
	return notes, nil
}

// errSource marks an error of the file, not of the caller.
var errSource = errors.New("the file could not be read")

// reading is the reading of one file.
type reading struct {
	files   *Files
	file    file
	window  logql.Window
	emit    func([]logql.Record) error
	budget  int64
	spent   int64
	notes   []string
	trouble Trouble
}

func (r *reading) fail(err error) error {
	r.trouble = troubleOf(r.file.path, err)
	return errSource
}

func (r *reading) note(format string, args ...any) {
	r.notes = append(r.notes, filepath.Base(r.file.path)+": "+fmt.Sprintf(format, args...))
}

func (r *reading) clock() clock {
	return clock{zone: r.files.config.Location, now: r.files.config.Now}
}

func (r *reading) run(ctx context.Context) error {
	c, err := r.file.open()
	if err != nil {
		return r.fail(err)
	}
	defer c.Close()
	if r.file.spooled != nil {
		r.notes = append(r.notes, r.file.spooled.Notes()...)
	}
	if c.at == nil {
		return r.streamed(ctx, c)
	}
	p := &part{clock: r.clock(), in: c.at, size: c.size, line: r.files.config.Line}
	from, to := p.find(r.window)
	r.spent += p.read
	if p.disordered {
		r.note("lines are not in order of time, so the whole file was read")
	}
	if room := max(r.budget-r.spent, 0); to-from > room {
		from = to - room
		r.note("only the newest %s of %s in the time asked for were read: older lines are missing", size(room), size(to-p.from))
	}
	nature, err := r.sample(c.at, from)
	if err != nil {
		return err
	}
	in := io.NewSectionReader(c.at, from, math.MaxInt64-from)
	read, err := r.pass(ctx, in, nature, from > 0, to-from)
	if err != nil {
		return err
	}
	if c.shrunk() || from+read < to {
		r.note("was truncated while it was read: lines are missing")
	}
	return nil
}

// streamed reads what can only be read from its beginning.
func (r *reading) streamed(ctx context.Context, c *content) error {
	in := bufio.NewReaderSize(c.stream, sampleSize)
	sample, err := in.Peek(sampleSize)
	var broken *damaged
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &broken) {
		return r.fail(err)
	}
	if len(sample) == 0 && broken != nil {
		return r.fail(broken)
	}
	nature, err := r.judge(sample)
	if err != nil {
		return err
	}
	read, err := r.pass(ctx, in, nature, false, r.budget)
	if err == nil && read >= r.budget {
		r.note("only the oldest %s were read: the budget is used up", size(r.budget))
	}
	return err
}

// sampleSize is how much of a file its format is judged by.
const sampleSize = 64 << 10

func (r *reading) sample(in io.ReaderAt, from int64) (nature, error) {
	sample := make([]byte, sampleSize)
	n, err := in.ReadAt(sample, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nature{}, r.fail(err)
	}
	sample = sample[:n]
	if from > 0 {
		for i, c := range sample {
			if c == '\n' {
				sample = sample[i+1:]
				break
			}
		}
	}
	return r.judge(sample)
}

func (r *reading) judge(sample []byte) (nature, error) {
	names := make([]string, 0, len(r.files.config.Otherwise))
	for name := range r.files.config.Otherwise {
		names = append(names, name)
	}
	nature := r.clock().sniff(sample, names)
	if nature.binary {
		r.trouble = Trouble{r.file.path, Unreadable, "is binary, not text"}
		return nature, errSource
	}
	return nature, nil
}

func (r *reading) stream(n nature) *logql.Stream {
	s := &logql.Stream{Name: r.file.path, Format: n.format, Labels: map[string]string{"filename": r.file.path}}
	for name, value := range r.files.config.Otherwise {
		if !n.fields[name] {
			s.Labels[name] = value
		}
	}
	for name, value := range r.files.config.Labels {
		s.Labels[name] = value
	}
	return s
}

// pass reads lines up to the given number of bytes and hands records on.
func (r *reading) pass(ctx context.Context, in io.Reader, n nature, midLine bool, limit int64) (read int64, err error) {
	lines := newLineReader(ctx, in, r.files.config.Line)
	a := &assembler{clock: r.clock(), stream: r.stream(n), timed: n.timed > 0, window: r.window, emit: r.emit}
	defer func() { r.spent += lines.consumed }()
	if midLine {
		if _, _, err := lines.next(); err != nil && !errors.Is(err, io.EOF) {
			return lines.consumed, r.readError(err)
		}
		lines.cut = 0
	}
	for count := 0; lines.consumed < limit; count++ {
		line, _, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *damaged
		if errors.As(err, &broken) {
			r.note("%s", broken)
			break
		}
		if err != nil {
			return lines.consumed, r.readError(err)
		}
		if err := a.line(line); err != nil {
			return lines.consumed, err
		}
		if count%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return lines.consumed, err
			}
		}
	}
	if err := a.end(); err != nil {
		return lines.consumed, err
	}
	if err := a.flush(); err != nil {
		return lines.consumed, err
	}
	if lines.cut > 0 {
		r.note("%d longer than %s: the rest of each was skipped", lines.cut, size(int64(r.files.config.Line)))
	}
	if a.cutRecords > 0 {
		r.note("%d traces longer than %s or %d lines were cut", a.cutRecords, size(maxRecord), maxRecordLines)
	}
	if a.headless > 0 && !midLine {
		r.note("%d lines before the first one with a time were left out", a.headless)
	}
	if a.backwards > 0 {
		r.note("the clock jumps back at %d lines", a.backwards)
	}
	return lines.consumed, nil
}

// readError tells the caller's end of patience from trouble with the file.
func (r *reading) readError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return r.fail(err)
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

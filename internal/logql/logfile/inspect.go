package logfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/logql"
)

// Report is what one file looks like from outside: enough to tell whether
// questions to it can be answered.
type Report struct {
	Path     string
	Size     int64
	Modified time.Time
	Format   logql.Format
	Lines    int       // in the sample of the file's end
	Parsed   int       // of them in the format; of plain text, those with a time
	Timed    int       // of them with a time
	Newest   time.Time // of the sample; zero where no line bears a time
	Trouble  Trouble   // Kind 0 where the file can be read
}

// Inspect looks at the end of each file (at the beginning of gzipped ones),
// newest first, at most limit files. Paths that give no file come last.
func (f *Files) Inspect(ctx context.Context, limit int) ([]Report, error) {
	files, troubles := f.list()
	var out []Report
	for i, file := range files {
		if i == limit {
			break
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
		out = append(out, f.inspect(file))
	}
	for _, t := range troubles {
		out = append(out, Report{Path: t.Path, Trouble: t})
	}
	return out, nil
}

// Services are the services that lines at the ends of the newest files, at most
// limit of them, say they are of. Files that cannot be read name none.
func (f *Files) Services(limit int) []string {
	files, _ := f.list()
	named := map[string]bool{}
	for _, file := range files[:min(limit, len(files))] {
		sample, err := tail(file)
		if err != nil {
			continue
		}
		c := clock{zone: f.config.Location, now: f.config.Now}
		frames := newUnframer(c, c.sniff(sample, nil))
		for line := range bytes.Lines(sample) {
			if name, ok := fieldOf(frames.take(bytes.TrimSuffix(line, []byte("\n"))).line, "service"); ok {
				named[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(named))
}

func (f *Files) inspect(file file) Report {
	r := Report{Path: file.path, Size: file.size, Modified: file.modified, Format: logql.Plain}
	sample, err := tail(file)
	if err != nil {
		r.Trouble = troubleOf(file.path, err)
		return r
	}
	c := clock{zone: f.config.Location, now: f.config.Now}
	n := c.sniff(sample, nil)
	if n.binary {
		r.Trouble = Trouble{file.path, Unreadable, "is binary, not text"}
		return r
	}
	r.Format, r.Lines, r.Parsed, r.Timed = n.format, n.lines, n.parsed, n.timed
	frames := newUnframer(c, n)
	for _, line := range strings.Split(string(sample), "\n") {
		f := frames.take([]byte(line))
		t := f.time
		if t != 0 {
			t = c.inner(f.line, t)
		} else if own, ok := c.of(f.line); ok {
			t = own
		}
		if t > 0 && (r.Newest.IsZero() || t > r.Newest.UnixNano()) {
			r.Newest = time.Unix(0, t).UTC()
		}
	}
	return r
}

// tail returns whole lines from the end of a file, or from its beginning where
// it can be read only from there.
func tail(file file) ([]byte, error) {
	c, err := file.open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	sample := make([]byte, sampleSize)
	if c.at == nil {
		n, err := io.ReadFull(c.stream, sample)
		if n > 0 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return sample[:n], err
	}
	from := max(c.size-sampleSize, 0)
	n, err := c.at.ReadAt(sample, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	sample = sample[:n]
	if from > 0 {
		if i := strings.IndexByte(string(sample), '\n'); i >= 0 {
			sample = sample[i+1:]
		}
	}
	return sample, nil
}

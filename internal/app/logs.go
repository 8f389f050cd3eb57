package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// LogInput names the lines that a question is about: files, globs, "-" for
// Stdin. Without paths it is the log targets of a configuration.
type LogInput struct {
	Paths  []string
	Stdin  io.Reader
	Config string            // path of quell.yaml; used without Paths
	Labels map[string]string // stream labels of every line
	Fields []string          // fields of the lines that are to be stream labels
	Zone   *time.Location    // of times that name none; nil: this machine's
	Now    time.Time
}

// Logs are opened lines, ready to be asked more than once.
type Logs struct {
	source logql.Source
	files  []*logfile.Files
	stdin  *logfile.Spooled
	now    time.Time

	// Interrupted says that standard input was cut short by the context: what
	// had come until then is there to be asked.
	Interrupted bool
}

// OpenLogs finds the lines and reads standard input to its end, if that is one
// of them. Errors say what to write instead.
func OpenLogs(ctx context.Context, in LogInput) (*Logs, error) {
	l := &Logs{now: in.Now}
	configs, err := in.configs(ctx, l)
	if err != nil {
		l.Close()
		return nil, err
	}
	for _, c := range configs {
		// A person waits and can interrupt: nothing is left out for its size.
		c.Budget, c.Now = math.MaxInt64, in.Now
		files, err := logfile.New(c)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.files = append(l.files, files)
	}
	l.source = several(l.files)
	if len(l.files) == 1 {
		l.source = l.files[0] // it has more powers than one after the other
	}
	if len(in.Fields) > 0 {
		l.source = logql.Promoted(l.source, in.Fields...)
	}
	return l, nil
}

// Promoted are the same lines with fields of theirs as stream labels, as a Loki
// would have them.
func (l *Logs) Promoted(names []string) *Logs {
	if len(names) == 0 {
		return l
	}
	return &Logs{source: logql.Promoted(l.source, names...), files: l.files, now: l.now}
}

// configs says where the lines are.
func (in LogInput) configs(ctx context.Context, l *Logs) ([]logfile.Config, error) {
	if len(in.Paths) == 0 {
		return logTargets(in.Config, in.Labels, in.Zone)
	}
	c := logfile.Config{Paths: in.Paths, Labels: in.Labels, Location: in.Zone}
	for _, p := range in.Paths {
		if p != logfile.StdinName {
			continue
		}
		stream := newCutShort(ctx, in.Stdin)
		spooled, err := logfile.Spool(context.WithoutCancel(ctx), stream, logfile.SpoolConfig{})
		if err != nil {
			return nil, err
		}
		l.stdin, c.Stdin, l.Interrupted = spooled, spooled, stream.cut
	}
	return []logfile.Config{c}, nil
}

func withLabels(first, then map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range first {
		out[k] = v
	}
	for k, v := range then {
		out[k] = v
	}
	return out
}

// Close gives back what standard input was kept in. It may be called twice.
func (l *Logs) Close() {
	if l.stdin != nil {
		l.stdin.Close()
	}
}

// several reads one set of files after the other.
type several []*logfile.Files

var _ logql.Scanner = several(nil)

// Read implements logql.Source. Where one set can be read, another that cannot
// is a note.
func (s several) Read(ctx context.Context, w logql.Window, emit func([]logql.Record) error) ([]string, error) {
	reading, err := s.each(func(files *logfile.Files) (logql.Reading, error) {
		notes, err := files.Read(ctx, w, emit)
		return logql.Reading{Notes: notes}, err
	})
	return reading.Notes, err
}

// Scan implements logql.Scanner, as Read does its part.
func (s several) Scan(ctx context.Context, ask logql.Ask, take func(worker int, batch []logql.Record) error) (logql.Reading, error) {
	return s.each(func(files *logfile.Files) (logql.Reading, error) { return files.Scan(ctx, ask, take) })
}

func (s several) each(read func(*logfile.Files) (logql.Reading, error)) (logql.Reading, error) {
	var all logql.Reading
	var failed *logfile.Failed
	failures := 0
	for _, files := range s {
		one, err := read(files)
		var unreadable *logfile.Failed
		switch {
		case errors.As(err, &unreadable):
			failures++
			if failed == nil {
				failed = &logfile.Failed{}
			}
			failed.Troubles = append(failed.Troubles, unreadable.Troubles...)
		case err != nil:
			return all, err
		}
		all.Notes = append(all.Notes, one.Notes...)
		all.Bytes += one.Bytes
		all.Lines += one.Lines
		all.Failed += one.Failed
	}
	if failures == len(s) && failed != nil {
		return all, failed
	}
	return all, nil
}

// LogWindow is the time that a question is about. A zero From is the beginning
// of the lines, a zero Until their end.
type LogWindow struct {
	From, Until time.Time
	Step        time.Duration // of a metric query; 0: one point, at the end
}

// LogAnswer is what came of a question to logs.
type LogAnswer struct {
	logql.Result
	From, Until time.Time // zero: open
	Step        time.Duration
	Newest      time.Time // newest line of the input, where it was looked for
	Oldest      time.Time
	Took        time.Duration
}

// Ask runs a query. Errors are those of logql.Run.
func (l *Logs) Ask(ctx context.Context, q logql.Query, w LogWindow, limits logql.Limits) (LogAnswer, error) {
	began := time.Now()
	a := LogAnswer{From: w.From, Until: w.Until, Step: w.Step}
	var err error
	if q.Metric() {
		err = l.ground(ctx, &a)
	}
	if err == nil {
		a.Result, err = logql.Run(ctx, q, l.source, a.asked(q.Metric()), limits)
	}
	a.Took = time.Since(began)
	return a, err
}

// Count says how many lines a query takes, of how many: for a metric query those
// that it counts at the newest line.
func (l *Logs) Count(ctx context.Context, q logql.Query) (matched, of int, err error) {
	if log, ok := q.Root.(*logql.Log); ok {
		matched, reading, err := logql.Count(ctx, log, l.source, logql.Window{Start: firstTime, End: lastTime})
		return matched, int(reading.Lines), err
	}
	a, err := l.Ask(ctx, q, LogWindow{}, logql.Limits{})
	return a.Stats.Matched, int(a.Reading.Lines), err
}

// ground gives a metric query the times that nobody named: it ends at the
// newest line, and a series without a beginning begins at the oldest.
func (l *Logs) ground(ctx context.Context, a *LogAnswer) error {
	if a.Until.IsZero() {
		newest, err := l.newest(ctx)
		if err != nil {
			return err
		}
		if a.Newest = newest; newest.IsZero() {
			newest = l.now
		}
		a.Until = newest
	}
	if a.Step > 0 && a.From.IsZero() {
		oldest, err := l.oldest(ctx)
		if err != nil {
			return err
		}
		if a.Oldest = oldest; oldest.IsZero() {
			oldest = a.Until
		}
		a.From = oldest
	}
	return nil
}

// The times in which any log was written: what stands for an open window.
var (
	firstTime = time.Unix(0, 0)
	lastTime  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// asked is the window as the engine takes it: open at its start. A line of the
// very moment that a person names as the beginning is meant to be there.
func (a LogAnswer) asked(metric bool) logql.Asked {
	from, until := a.From, a.Until
	if from.IsZero() {
		from = firstTime
	}
	if until.IsZero() {
		until = lastTime
	}
	asked := logql.Asked{End: until, Since: until.Sub(from), Step: a.Step}
	if !metric && !a.From.IsZero() {
		asked.Since++
	}
	if asked.Since < 0 {
		asked.Since = 0
	}
	return asked
}

// newest is the time of the newest line; zero where no line bears one. The end
// of each file tells most of it, so that a great file is not read for it.
func (l *Logs) newest(ctx context.Context) (time.Time, error) {
	var newest time.Time
	for _, files := range l.files {
		reports, err := files.Inspect(ctx, inspected)
		if err != nil {
			return newest, err
		}
		for _, r := range reports {
			if r.Newest.After(newest) {
				newest = r.Newest
			}
		}
	}
	after := newest
	if after.IsZero() {
		after = firstTime
	}
	times := span{}
	_, err := l.source.Read(ctx, logql.Window{Start: after, End: lastTime}, times.add)
	if times.last > 0 && (newest.IsZero() || times.last > newest.UnixNano()) {
		newest = time.Unix(0, times.last).UTC()
	}
	return newest, err
}

// inspected is how many files are looked at for their newest line.
const inspected = 500

func (l *Logs) oldest(ctx context.Context) (time.Time, error) {
	times := span{}
	_, err := l.source.Read(ctx, logql.Window{Start: firstTime, End: lastTime}, times.add)
	if times.first == 0 {
		return time.Time{}, err
	}
	return time.Unix(0, times.first).UTC(), err
}

// span is the time from the first to the last record.
type span struct{ first, last int64 }

func (s *span) add(batch []logql.Record) error {
	for _, r := range batch {
		if r.Time == 0 {
			continue
		}
		if s.first == 0 || r.Time < s.first {
			s.first = r.Time
		}
		s.last = max(s.last, r.Time)
	}
	return nil
}

// NewestLine is the time of the newest line of the input; zero where none bears
// a time.
func (l *Logs) NewestLine(ctx context.Context) (time.Time, error) { return l.newest(ctx) }

// Source is the lines themselves, for other questions than LogQL's.
func (l *Logs) Source() logql.Source { return l.source }

// NoLogs is the error when nobody said which lines are meant.
type NoLogs struct{ Reason string }

func (e *NoLogs) Error() string { return e.Reason }

func noLogs(format string, args ...any) error { return &NoLogs{fmt.Sprintf(format, args...)} }

package nginx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
	"github.com/quellhq/quell/internal/probe"
)

// bytesRead bounds what is read of all logs of one question: about a million requests.
const bytesRead = 192 << 20

func windowParams() []probe.Param {
	return []probe.Param{
		{Name: "recent", Type: probe.Duration, Default: "2m", About: "the recent time; a third of the log where the log is younger than three times that"},
		{Name: "before", Type: probe.Duration, Default: "1h", About: "the time before it, to compare with"},
	}
}

// spanOf is what a question looks at.
func spanOf(q probe.Question, now time.Time) (span, error) {
	end := q.Now
	if end.IsZero() {
		end = now
	}
	lengths := map[string]time.Duration{"recent": 2 * time.Minute, "before": time.Hour}
	for name := range lengths {
		switch v := q.Args[name].(type) {
		case time.Duration:
			lengths[name] = v
		case string:
			d, err := expr.ParseDuration(v)
			if err != nil {
				return span{}, fmt.Errorf("%s: %w", name, err)
			}
			lengths[name] = d
		}
		if lengths[name] <= 0 {
			return span{}, fmt.Errorf("%s: a time is longer than nothing", name)
		}
	}
	split := end.Add(-lengths["recent"])
	return span{start: split.Add(-lengths["before"]), split: split, end: end}, nil
}

// files are the files of one log, rotated ones with them.
func (s span) files(path string, budget int64) (*logfile.Files, error) {
	return logfile.New(logfile.Config{Paths: []string{path}, Budget: budget, Now: s.end, Line: 16 << 10})
}

var errEnough = errors.New("enough")

// began is the time of a log's first line in the window; zero with none. timeOf
// knows a line's time, or gives back the one that was found without it.
func (s span) began(ctx context.Context, path string, timeOf func(line string, at time.Time) time.Time) (time.Time, error) {
	var first time.Time
	files, err := s.files(path, bytesRead)
	if err != nil {
		return first, err
	}
	_, err = files.Read(ctx, logql.Window{Start: s.start, End: s.end}, func(batch []logql.Record) error {
		for _, r := range batch {
			at := timeOf(string(r.Line), timeAt(r.Time))
			if !s.holds(at) {
				continue
			}
			if first.IsZero() || at.Before(first) {
				first = at
			}
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return first, err
}

// fit begins where the logs do, and moves the beginning of the recent part where
// they are too young to hold both parts.
func (s span) fit(first time.Time) span {
	if first.IsZero() {
		return s
	}
	s.start = first.Add(-time.Millisecond)
	if age := s.end.Sub(first); age < 3*s.end.Sub(s.split) {
		s.split = s.end.Add(-max(age/3, time.Second))
	}
	if !s.start.Before(s.split) {
		s.start = s.split.Add(-time.Second)
	}
	return s
}

// holds reports whether a time is one of the window.
func (s span) holds(at time.Time) bool { return at.After(s.start) && !at.After(s.end) }

// timeAt is a time of a record; zero for none.
func timeAt(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

// read gives the lines of a log in the window, rotated files with them. A line
// whose time only the log's own format can tell comes with the zero time.
func (s span) read(ctx context.Context, path string, budget int64, take func(line string, at time.Time)) ([]string, error) {
	files, err := s.files(path, budget)
	if err != nil {
		return nil, err
	}
	return files.Read(ctx, logql.Window{Start: s.start, End: s.end}, func(batch []logql.Record) error {
		for _, r := range batch {
			at := timeAt(r.Time)
			if !at.IsZero() && !s.holds(at) {
				continue
			}
			take(string(r.Line), at)
		}
		return ctx.Err()
	})
}

// unread turns the error of a log into an answer.
func unread(err error) evidence.Answer {
	var failed *logfile.Failed
	if !errors.As(err, &failed) {
		return connector.Failure("read nginx's log", err)
	}
	switch failed.Kind() {
	case logfile.Denied:
		return evidence.Not(evidence.Denied, failed.Error(), "run quell as a user who may read it: on Debian the group adm")
	case logfile.NoMatch, logfile.Missing:
		return evidence.Not(evidence.NoData, failed.Error(), "")
	}
	return evidence.Not(evidence.Unreachable, failed.Error(), "")
}

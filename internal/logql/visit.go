package logql

import (
	"context"
	"time"
)

// Entry is one line that a log query took, with what its own format says.
type Entry struct {
	Time    int64 // nanoseconds since 1970; 0 where the line bears no time
	Line    []byte
	Message []byte // the message field, or the whole line
	Level   string // canonical, in lower case; empty where the line has none
	Error   bool   // the level means that something failed
	// Labels are those of the stream and of the query, and the fields of the line
	// itself, but for its message, level and time; VisitLabels fills them.
	Labels []Field
}

// Field is a name and a value, valid as long as the entry that it came with.
type Field struct{ Name, Value []byte }

// Visit calls with each line that a log query takes in the window, in the order
// of the source. The entry is valid only during the call.
func Visit(ctx context.Context, log *Log, src Source, w Window, call func(Entry)) (Stats, []string, string, error) {
	return visit(ctx, log, src, w, false, call)
}

// VisitLabels is Visit with all labels of each line: it reads every field.
func VisitLabels(ctx context.Context, log *Log, src Source, w Window, call func(Entry)) (Stats, []string, string, error) {
	return visit(ctx, log, src, w, true, call)
}

func visit(ctx context.Context, log *Log, src Source, w Window, all bool, call func(Entry)) (Stats, []string, string, error) {
	var stats Stats
	pipe, err := compilePipeline(log)
	if err != nil {
		return stats, nil, "", err
	}
	pipe.want = needed(log)
	own := newLabelSet()
	want := func(name []byte) bool { return aliases(string(name)) != nil || string(name) == "event" }
	var collect labelCollector
	if all {
		pipe.want, want = nil, nil
	}
	start, end := w.Start.UnixNano(), w.End.UnixNano()
	notes, err := src.Read(ctx, w, func(batch []Record) error {
		for i := range batch {
			r := &batch[i]
			stats.Read++
			switch {
			case r.Time == 0:
				stats.Timeless++
			case r.Time <= start || r.Time > end:
				continue
			}
			stats.Window++
			if !pipe.run(r) {
				continue
			}
			own.reset()
			parseOwn(r, r.Line, want, own)
			e := Entry{Time: r.Time, Line: pipe.line, Message: r.Line}
			if m, ok := own.get("message"); ok && len(m) > 0 {
				e.Message = m
			}
			if level, ok := own.get("level"); ok {
				e.Level = canonicalLevel(level)
				e.Error = isErrorLevel(e.Level)
			}
			if all {
				e.Labels = collect.labels(pipe.labels, own)
			}
			call(e)
		}
		return ctx.Err()
	})
	stats.Selected, stats.Matched = pipe.counts.Selected, pipe.counts.Matched
	return stats, append(notes, pipe.notes()...), pipe.hint(), err
}

// SelectLabels makes the query that takes the lines with these label values.
func SelectLabels(labels map[string]string) *Log {
	log := &Log{}
	for _, name := range sortedNames(labels) {
		log.Matchers = append(log.Matchers, Matcher{Name: name, Op: "=", Value: labels[name]})
	}
	return log
}

// Since is the window that ends at end.
func Since(end time.Time, since time.Duration) Window {
	return Window{Start: end.Add(-since), End: end}
}

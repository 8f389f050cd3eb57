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
	Stream  *Stream
	// Labels are those of the stream and of the query, and the fields of the line
	// itself, but for its message, level and time; VisitLabels fills them.
	Labels []Field
}

// Field is a name and a value, valid as long as the entry that it came with.
type Field struct{ Name, Value []byte }

// Visit gives each line that a log query takes in the window to a visitor.
// Several goroutines read at the same time: each has a visitor of its own, which
// begin makes before the first line comes. Lines come in any order. An entry is
// valid only during the call.
func Visit(ctx context.Context, log *Log, src Source, w Window, begin func() func(Entry)) (Stats, Reading, string, error) {
	return visit(ctx, log, src, w, false, begin)
}

// VisitLabels is Visit with all labels of each line: it reads every field.
func VisitLabels(ctx context.Context, log *Log, src Source, w Window, begin func() func(Entry)) (Stats, Reading, string, error) {
	return visit(ctx, log, src, w, true, begin)
}

func visit(ctx context.Context, log *Log, src Source, w Window, labels bool, begin func() func(Entry)) (Stats, Reading, string, error) {
	all := make([]*visitor, workers(src))
	for i := range all {
		look, err := newLogWorker(log, w, Limits{}.filled())
		if err != nil {
			return Stats{}, Reading{}, "", err
		}
		if labels {
			look.pipe.want = nil
		}
		all[i] = &visitor{logWorker: look, own: newLabelSet(), visit: begin(), labels: labels, level: newSearch("level", nil), message: newSearch("message", nil)}
	}
	reading, err := scan(ctx, src, Ask{Window: w, Workers: len(all), Sieve: newSieve(log)}, func(worker int, batch []Record) error {
		all[worker].take(batch)
		return ctx.Err()
	})
	if err != nil {
		return Stats{}, reading, "", err
	}
	v := all[0]
	for _, o := range all[1:] {
		v.merge(o.logWorker)
	}
	if v.pipe.counts.Matched == 0 {
		if err := v.again(ctx, src, w); err != nil {
			return Stats{}, reading, "", err
		}
	}
	stats := v.stats
	stats.Selected, stats.Matched = v.pipe.counts.Selected, v.pipe.counts.Matched
	reading.Notes = append(reading.Notes, v.pipe.notes()...)
	return stats, reading, v.pipe.hint(), nil
}

// visitor visits the lines that one goroutine reads.
type visitor struct {
	*logWorker
	own            *labelSet // what the line's own format says
	visit          func(Entry)
	labels         bool
	collect        labelCollector
	level, message search
}

func (v *visitor) take(batch []Record) {
	for i := range batch {
		r := &batch[i]
		if !v.in(r) || !v.pipe.run(r) {
			continue
		}
		v.read(r)
		e := Entry{Time: r.Time, Line: v.pipe.line, Message: r.Line, Stream: r.Stream}
		if m, ok := v.own.get("message"); ok && len(m) > 0 {
			e.Message = m
		}
		e.Message = decolorize(e.Message)
		if level, ok := v.own.get("level"); ok {
			e.Level = canonicalLevel(level)
			e.Error = isErrorLevel(e.Level)
		}
		if v.labels {
			e.Labels = v.collect.labels(v.pipe.labels, v.own)
		}
		v.visit(e)
	}
}

// read takes the message and the level of a line, or all of its fields.
func (v *visitor) read(r *Record) {
	v.own.reset()
	if v.labels {
		parseOwn(r, r.Line, nil, v.own)
		return
	}
	if looksWhole(r.Line) {
		o := newObject(r.Line, r.Marks)
		if v.level.into(&o, v.own) && v.message.into(&o, v.own) {
			return
		}
		v.own.reset()
	}
	parseOwn(r, r.Line, func(name []byte) bool { return aliases(string(name)) != nil || string(name) == "event" }, v.own)
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

package loki

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
)

// Bounds of what is fetched to be asked here: lines of one page (Loki gives
// 5,000 at most where nobody set it otherwise, and a page must fit into the
// target's limit of bytes), and lines in all.
const (
	pageLines  = 1000
	fetchLines = 50_000
)

// here asks a question that strict LogQL cannot say: it fetches the lines that
// the question could be about, and asks them with our own engine.
func (t *Target) here(ctx context.Context, s stated, w window, a asked, notes []string) evidence.Answer {
	lines := &fetched{seen: map[string]bool{}}
	reach := window{start: w.start.Add(-s.Reach), end: w.end}
	if s.query.Metric() && a.step == 0 {
		reach.start = w.end.Add(-s.Reach)
	}
	for _, q := range s.Fetch {
		if err := t.fetch(ctx, q.Text, reach, lines); err != nil {
			return answer(err)
		}
	}
	notes = append(notes, fmt.Sprintf("%s, so it is done here: %d lines were fetched", s.client, len(lines.records)))
	if lines.cut {
		notes = append(notes, fmt.Sprintf("only the newest %d lines were fetched: counts are lower bounds", len(lines.records)))
	}
	if len(lines.records) == 0 {
		return t.empty(ctx, s.Fetch[0].Text, w, notes)
	}
	lines.sort()
	limits := logql.Limits{Lines: t.limit(a), Oldest: a.forwards}
	// Our windows are open at the start and closed at the end, Loki's the other way.
	question := logql.Asked{End: w.end, Since: w.end.Sub(w.start), Step: a.step}
	result, err := logql.Run(ctx, s.query, lines, question, limits)
	if err != nil {
		var wrong *logql.Error
		if errors.As(err, &wrong) {
			return evidence.Not(evidence.Invalid, wrong.Error(), "")
		}
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	notes = append(notes, result.Notes...)
	if s.query.Metric() {
		return evidence.Of(evidence.Vector(result.Series), notes...)
	}
	return evidence.Of(evidence.Lines(result.Lines), notes...)
}

// fetch reads the lines of a log query, newest first, page by page.
func (t *Target) fetch(ctx context.Context, text string, w window, into *fetched) error {
	end := w.end.Add(time.Nanosecond) // Loki's end is open
	for {
		room := fetchLines - len(into.records)
		if room <= 0 {
			into.cut = true
			return nil
		}
		page := min(pageLines, room)
		params := url.Values{"query": {text}, "direction": {"backward"}, "limit": {strconv.Itoa(page)},
			"start": {nano(w.start.Add(time.Nanosecond))}, "end": {nano(end)}}
		reply, err := t.client.Get(ctx, "/loki/api/v1/query_range", params)
		if err != nil {
			return err
		}
		got, err := readEntries(reply.Data)
		if err != nil {
			return fmt.Errorf("read Loki's answer: %w", err)
		}
		into.add(got)
		if len(got) < page {
			return nil
		}
		oldest := got[0].nano
		for _, e := range got {
			oldest = min(oldest, e.nano)
		}
		// The moment of the oldest line is asked again: it may have more lines
		// than stood on this page. Where one moment fills a page it is left.
		next := time.Unix(0, oldest+1)
		if !next.Before(end) {
			next, into.cut = time.Unix(0, oldest), true
		}
		end = next
	}
}

// fetched are lines from a Loki, to be asked here.
type fetched struct {
	records []logql.Record
	streams map[string]*logql.Stream
	seen    map[string]bool
	cut     bool
}

// add keeps the lines that are not there yet. Loki itself holds a line of one
// stream and moment once.
func (f *fetched) add(entries []entry) {
	if f.streams == nil {
		f.streams = map[string]*logql.Stream{}
	}
	for _, e := range entries {
		key := streamKey(e.labels)
		id := key + "\x00" + strconv.FormatInt(e.nano, 10) + "\x00" + e.text
		if f.seen[id] {
			continue
		}
		f.seen[id] = true
		s := f.streams[key]
		if s == nil {
			s = &logql.Stream{Name: "Loki", Format: formatOf(e.text), Labels: e.labels}
			f.streams[key] = s
		}
		f.records = append(f.records, logql.Record{Time: e.nano, Line: []byte(e.text), Stream: s})
	}
}

// Read implements logql.Source.
func (f *fetched) Read(ctx context.Context, _ logql.Window, emit func([]logql.Record) error) ([]string, error) {
	const batch = 512
	for from := 0; from < len(f.records); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := emit(append([]logql.Record(nil), f.records[from:min(from+batch, len(f.records))]...)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func streamKey(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for n := range labels {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, n := range names {
		b.WriteString(n + "\x00" + labels[n] + "\x00")
	}
	return b.String()
}

// formatOf judges a stream by its first line.
func formatOf(line string) logql.Format {
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "{"):
		return logql.JSON
	case strings.Contains(line, "level=") || strings.Contains(line, "msg="):
		return logql.Logfmt
	}
	return logql.Plain
}

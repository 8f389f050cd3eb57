package loki

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
)

// builtin answers a question about lines, of lines that are fetched.
func (t *Target) builtin(ctx context.Context, q probe.Question) (evidence.Answer, bool) {
	if q.Now.IsZero() {
		q.Now = t.tools.Now()
	}
	limits := t.tools.Gate.Limits()
	ctx, cancel := connector.Within(ctx, limits.Timeout)
	defer cancel()
	var got *fetch
	asker := logtext.Asker{
		Lines: func(ctx context.Context, q probe.Question, reach time.Duration) (logql.Source, error) {
			var err error
			got, err = t.linesOf(ctx, q, reach)
			return got, err
		},
		Failed: failure, Rows: limits.Rows,
		Silent: func(ctx context.Context, q probe.Question, stats logql.Stats, since time.Duration, hint string) evidence.Answer {
			return t.silent(ctx, got, window{q.Now.Add(-since), q.Now}, stats, hint)
		},
	}
	return asker.Ask(ctx, q)
}

// failure turns an error of a question about lines into an answer.
func failure(err error) evidence.Answer {
	var wrong *logql.Error
	switch {
	case errors.As(err, &wrong):
		return evidence.Not(evidence.Invalid, wrong.Error(), "")
	case errors.Is(err, context.DeadlineExceeded):
		return evidence.Not(evidence.TimedOut, "fetching the lines from Loki took longer than the time allowed", "")
	}
	return answer(err)
}

// fetch is lines that were fetched once, for all questions of one moment.
type fetch struct {
	*fetched
	selector string
	end      time.Time
	reach    time.Duration
	notes    []string
	done     chan struct{}
	err      error
}

// Read implements logql.Source.
func (f *fetch) Read(ctx context.Context, w logql.Window, emit func([]logql.Record) error) ([]string, error) {
	_, err := f.fetched.Read(ctx, w, emit)
	return slices.Clone(f.notes), err // each answer hides secrets in its own
}

// moment keeps what was fetched for the questions of one moment, by selector.
type moment struct {
	mu      sync.Mutex
	end     time.Time
	fetches map[string]*fetch
}

// forget lets the next question try again.
func (m *moment) forget(f *fetch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fetches[f.selector] == f {
		delete(m.fetches, f.selector)
	}
}

// leastReach is how far back a fetch goes at least, so that the questions of a
// diagnosis share one.
const leastReach = 140 * time.Minute

// linesOf fetches the lines that a question is about, or has them already.
func (t *Target) linesOf(ctx context.Context, q probe.Question, reach time.Duration) (*fetch, error) {
	selector, err := t.selector(ctx, q)
	if err != nil {
		return nil, err
	}
	t.moment.mu.Lock()
	if !t.moment.end.Equal(q.Now) {
		t.moment.end, t.moment.fetches = q.Now, map[string]*fetch{}
	}
	f := t.moment.fetches[selector]
	if f == nil || f.reach < reach {
		f = &fetch{fetched: &fetched{seen: map[string]bool{}}, selector: selector, end: q.Now, reach: max(reach, leastReach), done: make(chan struct{})}
		t.moment.fetches[selector] = f
		go t.fill(context.WithoutCancel(ctx), f, q.Service.Name)
	}
	t.moment.mu.Unlock()
	select {
	case <-f.done:
		return f, f.err
	case <-ctx.Done():
		return f, ctx.Err()
	}
}

// fill fetches. Where time is over, the newest lines are there.
func (t *Target) fill(ctx context.Context, f *fetch, service string) {
	defer close(f.done)
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout*3/4) // the rest is for reading them
	defer cancel()
	text, notes, err := t.translate(ctx, f.selector)
	if err == nil {
		f.notes = notes
		err = t.fetch(ctx, text, window{f.end.Add(-f.reach), f.end}, f.fetched)
	}
	if ctx.Err() != nil && len(f.records) > 0 {
		err, f.cut = nil, true
	}
	f.seen = nil
	if f.err = err; err != nil {
		t.moment.forget(f)
		return
	}
	f.named(service)
	f.sort()
	if f.cut {
		f.notes = append(f.notes, fmt.Sprintf("only the newest %d lines were fetched: what was before them is not known", len(f.records)))
	}
}

// named gives each stream the label by which playbooks ask for a service.
func (f *fetched) named(service string) {
	for _, s := range f.streams {
		if s.Labels["service"] != "" {
			continue
		}
		labels := maps.Clone(s.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		labels["service"] = service
		for _, name := range identity() {
			if labels["service"] == "" {
				labels["service"] = labels[name]
			}
		}
		s.Labels = labels
	}
}

func (f *fetched) sort() {
	sort.SliceStable(f.records, func(i, j int) bool { return f.records[i].Time < f.records[j].Time })
}

// selector is what to fetch for a question: the streams that its query names,
// else those of its service.
func (t *Target) selector(ctx context.Context, q probe.Question) (string, error) {
	text, _ := q.Args["query"].(string)
	if text != "" && text != "-" {
		query, err := logql.Parse(text)
		if err != nil {
			return "", err
		}
		log, ok := query.Root.(*logql.Log)
		if !ok || len(log.Matchers) == 0 {
			return "", &logql.Error{Reason: `a log query with a selector is needed, like {service="shop"}`}
		}
		var matchers []string
		for _, m := range log.Matchers {
			matchers = append(matchers, m.Name+m.Op+strconv.Quote(m.Value))
		}
		return "{" + strings.Join(matchers, ",") + "}", nil
	}
	if q.Service.Name != "" {
		return "{service=" + strconv.Quote(q.Service.Name) + "}", nil
	}
	here, err := t.recently(ctx, labelsPath)
	if err != nil {
		return "", err
	}
	for _, name := range identity() {
		if slices.Contains(here, name) {
			return "{" + name + `=~".+"}`, nil
		}
	}
	return `{service=~".+"}`, nil
}

// silent explains why no line fits.
func (t *Target) silent(ctx context.Context, f *fetch, w window, stats logql.Stats, hint string) evidence.Answer {
	if stats.Window > 0 {
		return evidence.Not(evidence.NoData, fmt.Sprintf("none of %d lines of the time asked for fits", stats.Window), hint)
	}
	text, _, err := t.translate(ctx, f.selector)
	if err != nil {
		return answer(err)
	}
	a := t.empty(ctx, text, w, nil)
	if a.Known() {
		return evidence.Not(evidence.NoData, fmt.Sprintf("no line was written in the last %s", w.end.Sub(w.start)), "")
	}
	return a
}

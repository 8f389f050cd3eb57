package otel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// request is one request of the service, as a trace has it.
type request struct {
	trace *trace
	entry *span
}

func (r request) endpoint() string { return r.entry.operation() }

// sample is what is known of the service's requests in one stretch of time.
type sample struct {
	any    []request // as they came
	slow   []request // the slowest, those among any included
	failed []request // with an error in them
}

// view is the service now and before.
type view struct {
	service     string
	now, before sample
	notes       []string
}

// How many traces are fetched for each purpose: enough for a median, few enough
// that a store answers within a second or two.
const (
	anyNow    = 30
	slowNow   = 12
	failedNow = 15
	// the time before is sampled in thirds, since stores give the newest first
	// and a fault that has lasted for a while must not fill the whole sample
	thirds      = 3
	beforeThird = 8
)

// maxBefore is the longest time before that is looked at.
const maxBefore = 6 * time.Hour

func windowParams() []probe.Param {
	return []probe.Param{
		{Name: "service", Type: probe.Text, About: "whose requests, by the service.name of its traces; mostly ${service}"},
		{Name: "recently", Type: probe.Duration, Default: "10m", About: "what counts as now"},
		{Name: "before", Type: probe.Duration, Default: "1h", About: "how long a time before that is the usual state, six hours at most"},
	}
}

// kept is a view that several questions of one investigation share.
type kept struct {
	at   time.Time
	done chan struct{} // closed when the rest is there
	view *view
	err  error
}

// keepViews is how long a view may be used again.
const keepViews = 30 * time.Second

// look gathers the view for a question, once for all questions that ask alike:
// the first gathers, and the others wait for it as long as they may.
func (t *target) look(ctx context.Context, q probe.Question) (*view, error) {
	service := action.Args(q.Args).Text("service")
	recently, before := lasting(q, "recently", 10*time.Minute), min(lasting(q, "before", time.Hour), maxBefore)
	end := q.Now
	if end.IsZero() {
		end = t.tools.Now()
	}
	key := fmt.Sprint(service, "\x00", recently, before, end.UnixNano())
	k, first := t.keep(key)
	if !first {
		select {
		case <-k.done:
			if k.err == nil {
				return k.view, nil
			}
		case <-ctx.Done():
			return nil, &fault{Answer: connector.Failure(t.client.what(), ctx.Err())}
		}
		// The first had no luck, perhaps for reasons of its own, like its deadline.
		return t.gather(ctx, service, end, recently, before)
	}
	k.view, k.err = t.gather(ctx, service, end, recently, before)
	if k.err != nil {
		t.mu.Lock()
		delete(t.views, key)
		t.mu.Unlock()
	}
	close(k.done)
	return k.view, k.err
}

// keep returns the view of a key, and whether the caller has to gather it.
func (t *target) keep(key string) (k *kept, first bool) {
	now := t.tools.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for old, v := range t.views {
		if now.Sub(v.at) > keepViews {
			delete(t.views, old)
		}
	}
	if k = t.views[key]; k != nil {
		return k, false
	}
	k = &kept{at: now, done: make(chan struct{})}
	t.views[key] = k
	return k, true
}

func lasting(q probe.Question, name string, otherwise time.Duration) time.Duration {
	if d, ok := q.Args[name].(time.Duration); ok && d > 0 {
		return d
	}
	return otherwise
}

func (t *target) gather(ctx context.Context, asked string, end time.Time, recently, before time.Duration) (*view, error) {
	flavour, err := t.client.which(ctx)
	if err != nil {
		return nil, err
	}
	fetch, list := t.client.jaegerTraces, t.client.jaegerServices
	if flavour == tempo {
		fetch, list = t.client.tempoTraces, t.client.tempoServices
	}
	service, err := t.named(ctx, asked, list)
	if err != nil {
		return nil, err
	}
	v := &view{service: service}
	to := float64(end.UnixMicro()) / 1e6
	from := to - recently.Seconds()
	get := func(w want) []request {
		w.service = service
		traces, err2 := t.fetch(ctx, fetch, w)
		if err2 != nil {
			v.notes = append(v.notes, "some traces could not be read: "+answer(err2).Reason)
			err = err2
		}
		return requests(traces, service, w)
	}
	v.now.any = get(want{from: from, to: to, limit: anyNow})
	if len(v.now.any) == 0 {
		if err != nil {
			return nil, err
		}
		return nil, &fault{Answer: evidence.Not(evidence.NoData, fmt.Sprintf("no request of %s was traced within the last %s", service, recently), "")}
	}
	v.now.slow = v.now.any
	if len(v.now.any) >= anyNow*2/3 {
		// There is more than was fetched: ask for the slow ones by name.
		v.now.slow = unique(v.now.any, get(want{from: from, to: to, limit: slowNow, longer: quantile(durations(v.now.any), 0.9)}))
	}
	v.now.slow = slowest(v.now.slow)
	v.now.failed = unique(onlyFailed(v.now.any), get(want{from: from, to: to, limit: failedNow, failed: true}))
	for i := range thirds {
		step := before.Seconds() / thirds
		v.before.any = unique(v.before.any, get(want{from: from - step*float64(i+1), to: from - step*float64(i), limit: beforeThird}))
	}
	v.before.slow = slowest(v.before.any)
	v.before.failed = onlyFailed(v.before.any)
	return v, nil
}

// fetch asks once more for less where an answer was too large.
func (t *target) fetch(ctx context.Context, fetch func(context.Context, want) ([]*trace, error), w want) ([]*trace, error) {
	traces, err := fetch(ctx, w)
	var f *fault
	if errors.As(err, &f) && f.Status == evidence.Refused && w.limit > 4 {
		w.limit /= 4
		return fetch(ctx, w)
	}
	return traces, err
}

// named is the service as traces call it: as the operator says, as it is, or
// as the only name that differs in case and separators alone.
func (t *target) named(ctx context.Context, asked string, list func(context.Context) ([]string, error)) (string, error) {
	if asked == "" {
		return "", &fault{Answer: evidence.Not(evidence.Invalid, "the question names no service", "")}
	}
	if other := t.client.services[asked]; other != "" {
		return other, nil
	}
	names, err := list(ctx)
	if err != nil {
		return "", err
	}
	norm := strings.NewReplacer("-", "", "_", "", ".", "", " ", "")
	var alike []string
	for _, n := range names {
		if n == asked {
			return n, nil
		}
		if strings.EqualFold(norm.Replace(n), norm.Replace(asked)) {
			alike = append(alike, n)
		}
	}
	if len(alike) == 1 {
		return alike[0], nil
	}
	reason := "no service of the name " + asked + " is traced"
	if len(names) > 0 {
		slices.Sort(names)
		reason += "; there are " + strings.Join(names[:min(8, len(names))], ", ")
	}
	return "", &fault{Answer: evidence.Not(evidence.NoData, reason, "set services of this target to the service.name of its traces")}
}

// requests finds the service's requests in traces, those of the window alone.
func requests(traces []*trace, service string, w want) []request {
	var out []request
	for _, t := range traces {
		for _, e := range t.entries(service) {
			if e.start >= w.from-1 && e.start <= w.to+1 && e.took() >= w.longer {
				out = append(out, request{t, e})
			}
		}
	}
	return out
}

// unique is a, and what b has besides.
func unique(a, b []request) []request {
	seen := map[string]bool{}
	out := slices.Clone(a)
	for _, r := range a {
		seen[r.trace.id+" "+r.entry.id] = true
	}
	for _, r := range b {
		if !seen[r.trace.id+" "+r.entry.id] {
			out = append(out, r)
		}
	}
	return out
}

// slowest is the slowest fifth, at least three where there are so many.
func slowest(all []request) []request {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b request) int {
		return cmp.Or(cmp.Compare(b.entry.took(), a.entry.took()), cmp.Compare(a.trace.id, b.trace.id))
	})
	return out[:min(len(out), max(3, len(out)/5))]
}

func onlyFailed(all []request) []request {
	var out []request
	for _, r := range all {
		failed := false
		r.entry.walk(func(s *span) { failed = failed || s.failed })
		if failed {
			out = append(out, r)
		}
	}
	return out
}

func durations(all []request) []float64 {
	out := make([]float64, len(all))
	for i, r := range all {
		out[i] = r.entry.took()
	}
	return out
}

// quantile of values, 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// mean of values, nil of none.
func mean(values []float64) any {
	if len(values) == 0 {
		return nil
	}
	return sum(values) / float64(len(values))
}

// ratio is a of b, 0 where b is nothing.
func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

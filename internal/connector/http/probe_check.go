package http

import (
	"context"
	"net"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// pause lies between two samples of http.check: long enough that a balancer
// takes the next backend, short enough not to be waited for.
const pause = 100 * time.Millisecond

// longSampling is how long the samples of one question may take together before no
// further one is begun: a service that is slow is not asked again and again.
const longSampling = 2 * time.Second

// maxSamples bounds what one check sends.
const maxSamples = 20

func checkSpec() probe.Spec {
	return probe.Spec{
		Name:     "http.check",
		Question: "Does the service answer, how fast, and where does it fail?",
		Why:      "The phase in which a request fails names the layer at fault: name, network, certificate, process or data.",
		Cost:     "three GET requests of the health path, 0.1 s apart (count); fewer where it is slow",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "path", Type: probe.Text, Default: `""`, About: "path to ask for; empty: the target's health path, else the path of its url"},
			{Name: "count", Type: probe.Number, Default: "3", About: "how many requests, at most 20"},
		},
		Fields: append([]probe.Field{
			{Name: "samples", Type: "number", About: "requests made"},
			{Name: "ok_share", Type: "number", About: "share of them that were ok, 0 to 1"},
			{Name: "p50_s", Type: "number", About: "median of total_s"},
			{Name: "max_s", Type: "number", About: "largest total_s"},
			{Name: "statuses", Type: "list", About: "the status of each request, in order; 0 when none came"},
			{Name: "errors", Type: "list", About: "the error word of each failed request, in order"},
			{Name: "path", Type: "text", About: "the path that was asked for"},
			{Name: "host", Type: "text", About: "host and port of the target"},
			{Name: "own", Type: "bool", About: "the target is the service itself, not something that it calls; null where the service has no url"},
		}, fields()...),
		Outcomes: []probe.Outcome{
			{When: "phase_failed is dns", Means: "the name does not resolve: look at the dns questions"},
			{When: "phase_failed is connect and error is refused", Means: "the host is up and nothing listens: the process is down or on another port"},
			{When: "phase_failed is connect and error is timeout", Means: "silence: a firewall, a dead host or a full accept queue"},
			{When: "phase_failed is first_byte", Means: "the process accepts connections and does not answer, or hangs up: it is stuck, overloaded or crashing"},
			{When: "ok_share is between 0 and 1", Means: "some requests fail: one of several backends is bad, or the service flaps"},
		},
	}
}

// check answers with the fields of the worst sample: the first that failed, or
// the slowest when none did. What fails is what people are called about.
func (t *target) check(ctx context.Context, q probe.Question) evidence.Answer {
	path, _ := q.Args["path"].(string)
	if path == "" {
		path = t.config.Health
	}
	req, err := t.get(path)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a path, like /health")
	}
	req.leaves = true
	count := 3
	if n, ok := number(q.Args["count"]); ok {
		count = min(max(int(n), 1), maxSamples)
	}
	var (
		samples  []result
		worst    result
		statuses = []any{}
		errs     = []any{}
		times    []float64
		good     int
		notes    []string
	)
	begun := time.Now()
	for i := range count {
		if i > 0 && time.Since(begun) > longSampling {
			notes = append(notes, "fewer samples than asked for: it is slow")
			break
		}
		if i > 0 && !sleep(ctx, pause) {
			notes = append(notes, "fewer samples than asked for: time was up")
			break
		}
		r, err := t.do(ctx, req)
		if err != nil {
			if len(samples) == 0 {
				return failed(req, err)
			}
			notes = append(notes, "fewer samples than asked for: "+err.Error())
			break
		}
		if len(samples) == 0 || worst.ok() && (!r.ok() || r.total > worst.total) {
			worst = r
		}
		samples = append(samples, r)
		statuses = append(statuses, int64(r.status))
		times = append(times, r.total.Seconds())
		if r.ok() {
			good++
		} else if r.kind != "" {
			errs = append(errs, r.kind)
		}
		if r.kind == "timeout" {
			if i < count-1 {
				notes = append(notes, "asked once only: the first request took all the time there was")
			}
			break
		}
	}
	sort.Float64s(times)
	v := t.value(worst)
	v["samples"] = int64(len(samples))
	v["ok_share"] = float64(good) / float64(len(samples))
	v["p50_s"], v["max_s"] = times[(len(times)-1)/2], times[len(times)-1]
	v["statuses"], v["errors"] = statuses, errs
	v["path"] = req.url.Path
	v["host"], v["own"] = net.JoinHostPort(t.config.base.Hostname(), port(t.config.base)), t.isOf(q.Service)
	return evidence.Of(v, append(notes, remarks(worst)...)...)
}

// isOf reports whether this target is a service's own address: nil where the
// service has none.
func (t *target) isOf(s probe.Service) any {
	u, err := url.Parse(s.URL)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	return strings.EqualFold(u.Hostname(), t.config.base.Hostname()) && port(u) == port(t.config.base)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	}
	return 0, false
}

// sleep waits, and reports whether it could to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

// What one look at a dark endpoint may take: a /metrics page that needs longer
// is slow, and its beginning is enough to know it by.
const (
	reachPatience = 2 * time.Second
	reachBytes    = 64 << 10
	reachMost     = 10
)

func reachSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.reach",
		Question: "Do the endpoints that Prometheus cannot scrape answer from here?",
		Why:      "The scrape error says what Prometheus met. An endpoint that answers here and is silent there has a blocked way in between; one that refuses both is down.",
		Cost:     "one GET of /api/v1/targets, and one GET of each endpoint that is down, without credentials",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "most", Type: probe.Number, Default: "5", About: "at most so many endpoints, 10 at most"},
		},
		Fields: []probe.Field{
			{Name: "job", Type: "text", About: "the target's job"},
			{Name: "instance", Type: "text", About: "its instance"},
			{Name: "service", Type: "text", About: "its label service; empty without one"},
			{Name: "url", Type: "text", About: "the address that is scraped"},
			{Name: "there", Type: "text", About: "what Prometheus met, as in prometheus.targets"},
			{Name: "here", Type: "text", About: "what we met: answers; silent (it takes the connection and says nothing); timeout (not even that); or a word as in prometheus.targets"},
			{Name: "status", Type: "number", About: "HTTP status that we got; null without an answer"},
			{Name: "metrics", Type: "bool", About: "whether what answers here is a page of metrics"},
			{Name: "took_s", Type: "number", About: "how long that took, seconds"},
		},
		Outcomes: []probe.Outcome{
			{When: "there is timeout and here is answers", Means: "the endpoint is well, and Prometheus does not get to it: a firewall, a security group, a network policy, a route"},
			{When: "there and here are refused", Means: "nothing listens there: the exporter is down, or the address is wrong"},
			{When: "here is timeout", Means: "packets get lost on the way from here too: a firewall before the endpoint, or its host is gone"},
			{When: "here is silent", Means: "the process hangs, or its page of metrics takes longer than two seconds"},
			{When: "here is answers and metrics is false", Means: "something else than metrics is served there"},
			{When: "no rows", Means: "every endpoint is scraped"},
		},
	}
}

func (t *Target) reach(ctx context.Context, q probe.Question) evidence.Answer {
	most := 5
	switch v := q.Args["most"].(type) {
	case int64:
		most = int(v)
	case float64:
		most = int(v)
	}
	if most < 1 || most > reachMost {
		return evidence.Not(evidence.Invalid, "most is a number from 1 to "+strconv.Itoa(reachMost), "")
	}
	reply, err := t.client.Get(ctx, "/api/v1/targets", url.Values{"state": {"active"}})
	if err != nil {
		return answer(err)
	}
	var data struct {
		Active []activeTarget `json:"activeTargets"`
	}
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		return evidence.Not(evidence.NotApplicable, "this server does not list its targets", "")
	}
	var down []activeTarget
	for _, a := range data.Active {
		if a.Health == "down" {
			down = append(down, a)
		}
	}
	sort.Slice(down, func(i, j int) bool { return down[i].ScrapeURL < down[j].ScrapeURL })
	var notes []string
	if len(down) > most {
		down, notes = down[:most], []string{"only the first endpoints that are down were asked: raise most"}
	}
	rows := make([]any, len(down))
	var all sync.WaitGroup
	for i, a := range down {
		all.Go(func() { rows[i] = t.look(ctx, a) })
	}
	all.Wait()
	return evidence.Of(rows, notes...)
}

// look asks one endpoint as a scrape would, without the credentials of one.
func (t *Target) look(ctx context.Context, a activeTarget) map[string]any {
	row := map[string]any{
		"job": a.Labels["job"], "instance": a.Labels["instance"], "service": a.Labels["service"], "url": bareURL(a.ScrapeURL),
		"there": promtext.ScrapeCause(a.LastError), "here": "other", "status": nil, "metrics": false, "took_s": nil,
	}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		row["here"] = "not asked"
		return row
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, bareURL(a.ScrapeURL), nil)
	if err != nil {
		return row
	}
	var connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	req.Header.Set("User-Agent", "quell")
	start := time.Now()
	res, err := t.endpoints.Do(req)
	took := time.Since(start).Seconds()
	if err != nil {
		if row["here"] = metHere(err); row["here"] == "timeout" && connected.Load() {
			row["here"] = "silent"
		}
		return row
	}
	defer func() { _ = res.Body.Close() }()
	page, _ := io.ReadAll(io.LimitReader(res.Body, reachBytes))
	row["here"], row["status"], row["took_s"] = "answers", int64(res.StatusCode), took
	row["metrics"] = res.StatusCode == http.StatusOK && looksLikeMetrics(string(page))
	return row
}

// metHere puts our own failure into the words of scrape errors.
func metHere(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if connector.Failure("", err).Status == evidence.TimedOut {
		return "timeout"
	}
	return promtext.ScrapeCause(err.Error())
}

// looksLikeMetrics reports whether the first line that says something is one of
// the exposition format.
func looksLikeMetrics(page string) bool {
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "# ") {
			return true
		}
		_, value, found := strings.Cut(line[strings.LastIndex(line, "}")+1:], " ")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		_, err := strconv.ParseFloat(number, 64)
		return found && err == nil
	}
	return false
}

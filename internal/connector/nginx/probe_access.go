package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func accessSpec() probe.Spec {
	return probe.Spec{
		Name:     "nginx.access",
		Question: "What does the access log say of the last minutes, against the time before: which statuses, which servers, which paths, which clients?",
		Why:      "The gateway sees every request: whether more of them come, who sends them, which server behind it fails, and whether the gateway or the service made an error.",
		Cost:     "reads the access logs of the two times, the newest 192 MiB at most",
		Shape:    probe.Object,
		Params:   windowParams(),
		Fields: []probe.Field{
			{Name: "requests", Type: "number", About: "in the recent time"},
			{Name: "requests_before", Type: "number", About: "in the time before"},
			{Name: "window_s", Type: "number", About: "length of the recent time"},
			{Name: "per_s", Type: "number", About: "requests per second now"},
			{Name: "per_s_before", Type: "number", About: "the usual: median over twelve parts of the time before; null where the log does not reach back"},
			{Name: "ratio", Type: "number", About: "per_s by per_s_before; null where there is no usual"},
			{Name: "share_5xx", Type: "number", About: "share of requests with a status of 500 and above, 0 to 1; null without requests, as all shares"},
			{Name: "share_5xx_before", Type: "number", About: "the same, before"},
			{Name: "share_4xx", Type: "number", About: "share with 400 to 499, those that the client gave up and those that were limited left out"},
			{Name: "share_4xx_before", Type: "number", About: "the same, before"},
			{Name: "share_499", Type: "number", About: "share whose client went away before the answer"},
			{Name: "share_499_before", Type: "number", About: "the same, before"},
			{Name: "share_limited", Type: "number", About: "share that was turned away with 429, or with 503 by the gateway itself"},
			{Name: "share_own_5xx", Type: "number", About: "share of requests with a server error that the gateway made by itself, since no server answered; null where the log does not tell"},
			{Name: "share_passed_5xx", Type: "number", About: "share of requests with a server error that came from a server behind it; null where the log does not tell"},
			{Name: "share_retried", Type: "number", About: "share for which more than one server was asked; null where the log does not tell"},
			{Name: "p95_s", Type: "number", About: "time of a whole request that 95 % stay below; null where the log does not tell"},
			{Name: "p95_before_s", Type: "number", About: "the same, usual before"},
			{Name: "upstream_p95_s", Type: "number", About: "of it the time of the server behind; null where the log does not tell"},
			{Name: "upstream_p95_before_s", Type: "number", About: "the same, usual before"},
			{Name: "outside_p95_s", Type: "number", About: "the time of a request that was not the server's: slow clients, large bodies; null where the log does not tell"},
			{Name: "bytes_p95", Type: "number", About: "bytes of an answer that 95 % stay below"},
			{Name: "bytes_p95_before", Type: "number", About: "the same, usual before"},
			{Name: "bytes_per_s", Type: "number", About: "bytes sent per second"},
			{Name: "time_by_bytes", Type: "number", About: "correlation of an answer's time with its bytes, -1 to 1; null under 30 requests"},
			{Name: "statuses", Type: "rows", About: "status, upstream_status (of the last server asked; 0 for none), requests, share, share_before: the 20 most frequent"},
			{Name: "upstreams", Type: "rows", About: "address, requests, share, share_before, errors (no answer, or 500 and above), error_share, error_share_before, p50_s, p95_s, p95_before_s, connect_p95_s: each server that was asked"},
			{Name: "skew", Type: "number", About: "requests of the busiest server by the mean of all; null under two servers"},
			{Name: "endpoints", Type: "rows", About: "endpoint (method and path, single things as :id), requests, share, share_before, errors, error_share, error_share_before, p95_s, p95_before_s, bytes_p95, bytes_p95_before, time_by_bytes: the 30 most frequent"},
			{Name: "clients", Type: "number", About: "addresses that asked in the recent time"},
			{Name: "clients_before", Type: "number", About: "the same, before"},
			{Name: "top_clients", Type: "rows", About: "address, requests, share, share_before, errors, endpoints (how many different ones): the 10 most frequent"},
			{Name: "unread", Type: "number", About: "lines that are not of the format that the configuration names"},
			{Name: "tells_upstreams", Type: "bool", About: "the log's format has $upstream_addr"},
		},
		Outcomes: []probe.Outcome{
			{When: "share_own_5xx is high and share_passed_5xx low", Means: "the gateway found nobody, or gave up: the way to the servers, or all of them"},
			{When: "share_passed_5xx is high", Means: "a server answered with an error of its own: look into the application"},
			{When: "one server has all errors", Means: "take that one out"},
			{When: "ratio is over 2", Means: "a surge; top_clients and endpoints say of whom and for what"},
			{When: "time_by_bytes is over 0.7", Means: "large answers are the slow ones"},
			{When: "tells_upstreams is false", Means: "add $upstream_addr $upstream_status $upstream_response_time $request_time to log_format: without them nobody can tell the servers apart"},
		},
	}
}

func (t *target) access(ctx context.Context, q probe.Question) evidence.Answer {
	tree, failed := t.configuration("read nginx's access log")
	if failed != nil {
		return *failed
	}
	s, err := spanOf(q, t.tools.Now())
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a duration like 5m")
	}
	b, _ := t.surroundings(ctx, tree)
	logs, notes := t.accessLogs(tree, b)
	if len(logs) == 0 {
		return evidence.Not(evidence.NotApplicable, "the configuration names no access log that can be read: "+strings.Join(notes, "; "), "write access_log into http {}, into a file")
	}
	var first time.Time
	var trouble error
	readable := logs[:0]
	for _, l := range logs {
		at, err := s.began(ctx, l.path, l.layout.timeOf)
		if err != nil {
			trouble = err
			notes = append(notes, err.Error())
			continue
		}
		readable = append(readable, l)
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if len(readable) == 0 {
		return unread(trouble)
	}
	c := newSurvey(s.fit(first))
	for _, l := range readable {
		c.tells = c.tells || l.layout.has("upstream_addr")
	}
	for _, l := range readable {
		values := map[string]string{}
		more, err := c.span.read(ctx, l.path, bytesRead/int64(len(readable)), func(line string, at time.Time) {
			clear(values)
			if l.layout.read(line, values) {
				if v, ok := readVisit(values, at); ok {
					if c.span.holds(v.at) {
						c.add(v, l.layout)
					}
					return
				}
			}
			c.unread++
		})
		notes = append(notes, more...)
		if err != nil {
			return unread(err)
		}
	}
	if c.unread > 0 {
		notes = append(notes, fmt.Sprintf("%d lines are not written as the configuration says, and were not counted", c.unread))
		if c.unread > 9*c.seen {
			return evidence.Not(evidence.NoData, fmt.Sprintf("nearly no line of %s is written in the format that the configuration names (%s)", readable[0].path, readable[0].format), "reload nginx, or correct the format that access_log names")
		}
	}
	return evidence.Of(c.value(), notes...)
}

// configuration reads the configuration, or says why it cannot be read.
func (t *target) configuration(what string) (*tree, *evidence.Answer) {
	not := func(a evidence.Answer) (*tree, *evidence.Answer) { return nil, &a }
	tree, err := load(t.config.Conf, nil)
	switch {
	case err == nil:
		return tree, nil
	case errors.Is(err, os.ErrPermission):
		return not(evidence.Not(evidence.Denied, err.Error(), "run quell as a user who may read it"))
	case errors.Is(err, os.ErrNotExist):
		return not(evidence.Not(evidence.Unreachable, what+": "+err.Error(), "set conf to the main configuration file"))
	}
	return not(connector.Failure(what, err))
}

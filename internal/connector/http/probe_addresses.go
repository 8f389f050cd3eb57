package http

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxAddresses bounds how many addresses of one name are asked.
const maxAddresses = 8

func addressesSpec() probe.Spec {
	return probe.Spec{
		Name:     "http.addresses",
		Question: "Does every address behind the name answer?",
		Why:      "One bad address of several, or a dead IPv6, fails for some people only and hides behind an average.",
		Cost:     "one GET for each address, at most 8, one after the other",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "path", Type: probe.Text, Default: `""`, About: "path to ask for; empty: the target's health path, else the path of its url"},
			{Name: "timeout", Type: probe.Duration, Default: "2s", About: "longest time for each address"},
		},
		Fields: []probe.Field{
			{Name: "address", Type: "text", About: "ip:port"},
			{Name: "family", Type: "number", About: "4 or 6"},
			{Name: "ok", Type: "bool", About: "a whole answer came, with a status from 200 to 399"},
			{Name: "phase_failed", Type: "text", About: "as in http.check"},
			{Name: "error", Type: "text", About: "as in http.check"},
			{Name: "status", Type: "number", About: "status code; 0 when none came"},
			{Name: "connect_s", Type: "number", About: "seconds to connect"},
			{Name: "total_s", Type: "number", About: "seconds in all"},
			{Name: "server", Type: "text", About: "the Server header"},
			{Name: "certificate_days_left", Type: "number", About: "days until this address's certificate expires; null without TLS"},
		},
		Outcomes: []probe.Outcome{
			{When: "some rows are ok and some are not", Means: "one backend is bad: take its address out of the name or mend it"},
			{When: "all rows of family 6 fail with unroutable", Means: "this machine has no IPv6: it says nothing about others"},
		},
	}
}

func (t *target) addresses(ctx context.Context, q probe.Question) evidence.Answer {
	path, _ := q.Args["path"].(string)
	if path == "" {
		path = t.config.Health
	}
	req, err := t.get(path)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a path, like /health")
	}
	if d, ok := q.Args["timeout"].(time.Duration); ok && d > 0 {
		req.timeout = d
	} else {
		req.timeout = 2 * time.Second
	}
	req.follow = false
	lookup, cancel := connector.Within(ctx, t.config.Timeout.Duration)
	found, err := t.resolve(lookup, req.url)
	cancel()
	if err != nil {
		return connector.Failure("look up "+req.url.Hostname(), err)
	}
	var notes []string
	if len(found) > maxAddresses {
		notes = append(notes, fmt.Sprintf("%d addresses, the first %d were asked", len(found), maxAddresses))
		found = found[:maxAddresses]
	}
	rows := []any{}
	for _, address := range found {
		req.address = address
		r, err := t.do(ctx, req)
		if err != nil {
			if len(rows) == 0 {
				return connector.Failure("ask "+address, err)
			}
			notes = append(notes, address+" was not asked: "+err.Error())
			continue
		}
		v := t.value(r)
		server, _ := v["headers"].(map[string]any)["server"].(string)
		rows = append(rows, map[string]any{
			"address": address, "family": family(address), "ok": r.ok(),
			"phase_failed": r.phase, "error": r.kind, "status": int64(r.status),
			"connect_s": r.connect.Seconds(), "total_s": r.total.Seconds(),
			"server": server, "certificate_days_left": v["certificate_days_left"],
		})
	}
	return evidence.Of(rows, notes...)
}

func family(address string) int64 {
	host, _, _ := net.SplitHostPort(address)
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		return 6
	}
	return 4
}

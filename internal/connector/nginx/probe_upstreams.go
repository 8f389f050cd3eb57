package nginx

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func upstreamsSpec() probe.Spec {
	return probe.Spec{
		Name:     "nginx.upstreams",
		Question: "Which servers does nginx pass requests to, how does it choose, and does each of them answer?",
		Why:      "Asked one by one and without nginx between, the servers say whether one of them is dead, stuck or ill, or whether they are well and the gateway is at fault.",
		Cost:     "one connection and one GET for each server that is not marked down, 64 servers at most",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "path", Type: probe.Text, Default: `""`, About: "path to ask each server for; empty: the health path of the service, else /"},
		},
		Fields: []probe.Field{
			{Name: "upstream", Type: "text", About: "name of the group; the address itself where there is none"},
			{Name: "address", Type: "text", About: "as the configuration has it"},
			{Name: "protocol", Type: "text", About: "http, https, grpc, grpcs, fastcgi, uwsgi or scgi; empty where nothing is passed to the group"},
			{Name: "method", Type: "text", About: "how the group chooses: round_robin, least_conn, ip_hash, hash, random, sticky"},
			{Name: "hash_key", Type: "text", About: "of hash and sticky"},
			{Name: "weight", Type: "number", About: "1 where none is written"},
			{Name: "weight_share", Type: "number", About: "its weight by that of all servers of the group that are in use, 0 to 1"},
			{Name: "down", Type: "bool", About: "marked down by hand"},
			{Name: "backup", Type: "bool", About: "asked only when all others are out"},
			{Name: "max_fails", Type: "text", About: "failures after which it is taken out; 0: never"},
			{Name: "fail_timeout", Type: "text", About: "for how long"},
			{Name: "servers", Type: "number", About: "servers of the group that are in use"},
			{Name: "keepalive", Type: "number", About: "idle connections that each worker keeps to the group; 0: none"},
			{Name: "connect_timeout_s", Type: "number", About: "patience while connecting; null where nothing is passed to the group"},
			{Name: "read_timeout_s", Type: "number", About: "patience between two pieces of an answer; null as before"},
			{Name: "reachable", Type: "bool", About: "a connection was taken; null when it was not tried"},
			{Name: "connect_s", Type: "number", About: "time of connecting"},
			{Name: "status", Type: "number", About: "of the GET; 0 for none, null where it does not speak plain HTTP"},
			{Name: "answer_s", Type: "number", About: "time until the whole answer, or until it failed"},
			{Name: "error", Type: "text", About: "refused, timeout, reset, closed, unroutable, no_such_host … of connecting or of the GET; empty for none"},
			{Name: "path", Type: "text", About: "what it was asked for"},
		},
		Outcomes: []probe.Outcome{
			{When: "error is refused", Means: "nothing listens there: that process is dead"},
			{When: "reachable and error is timeout", Means: "it takes connections and does not answer: stuck"},
			{When: "not reachable and error is timeout", Means: "silence: the way is blocked, the host is gone, or its queue is full"},
			{When: "status is 500 and above on one server only", Means: "that one is ill: take it out"},
			{When: "all answer well while users see errors", Means: "the gateway or the way to it is at fault"},
		},
	}
}

const mostDialled = 64

// backend is one server of a group, with what is asked of it.
type backend struct {
	row               map[string]any
	protocol, address string
	down              bool
}

func (t *target) upstreamHealth(ctx context.Context, q probe.Question) evidence.Answer {
	const what = "ask the servers behind nginx"
	tree, failed := t.configuration(what)
	if failed != nil {
		return *failed
	}
	list, notes := backends(tree)
	if len(list) > mostDialled {
		notes = append(notes, fmt.Sprintf("only the first %d of %d servers were asked", mostDialled, len(list)))
		list = list[:mostDialled]
	}
	path, host := askedFor(q)
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
	defer cancel()
	atOnce := max(t.tools.Gate.Limits().Concurrency, 1)
	patience := 2 * time.Second
	if deadline, ok := ctx.Deadline(); ok && len(list) > 0 {
		rounds := (len(list) + atOnce - 1) / atOnce
		patience = min(patience, time.Until(deadline)/time.Duration(rounds))
	}
	var busy sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, b := range list {
		b.row["path"] = path
		if b.down {
			continue
		}
		busy.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.knock(ctx, b, path, host, patience)
		})
	}
	busy.Wait()
	if ctx.Err() == context.Canceled {
		return connector.Failure(what, ctx.Err())
	}
	rows := []any{}
	for _, b := range list {
		rows = append(rows, b.row)
	}
	return evidence.Of(rows, notes...)
}

// askedFor is the path and the host that the servers are asked for.
func askedFor(q probe.Question) (path, host string) {
	path, _ = q.Args["path"].(string)
	if path == "" {
		path = q.Service.Health
	}
	if u, err := url.Parse(path); err == nil && u.Host != "" {
		path = u.RequestURI()
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if u, err := url.Parse(q.Service.URL); err == nil {
		host = u.Host
	}
	return path, host
}

// knock connects to a server, and asks it where it speaks HTTP.
func (t *target) knock(ctx context.Context, b backend, path, host string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return
	}
	defer leave()
	port := "80"
	if b.protocol == "https" || b.protocol == "grpcs" {
		port = "443"
	}
	network, address := dialAddress(b.address, port)
	start := time.Now()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	b.row["connect_s"] = round(time.Since(start).Seconds())
	b.row["reachable"] = err == nil
	if err != nil {
		b.row["error"] = connector.ErrorKind(err)
		return
	}
	_ = conn.Close()
	if b.protocol != "http" && b.protocol != "" {
		return
	}
	start = time.Now()
	status, _, err := get(ctx, network, address, "http://"+hostOf(network, address)+path, host)
	b.row["answer_s"], b.row["status"] = round(time.Since(start).Seconds()), int64(status)
	if err != nil {
		b.row["error"] = connector.ErrorKind(err)
	}
}

func hostOf(network, address string) string {
	if network == "unix" {
		return "localhost"
	}
	return address
}

// backends lists the servers of all groups, and those that are passed to
// without one.
func backends(tree *tree) (list []backend, notes []string) {
	routes, unknown := tree.routes()
	if unknown > 0 {
		notes = append(notes, fmt.Sprintf("where %d locations pass requests to is a variable: not asked", unknown))
	}
	grouped := map[string]bool{}
	for _, u := range tree.upstreams() {
		grouped[u.name] = true
		r := routeTo(routes, u.name)
		method, key := u.balancing()
		inUse, weights := 0, 0
		for _, s := range u.servers {
			if !s.down && !s.backup {
				inUse++
				weights += s.weight
			}
		}
		for _, s := range u.servers {
			row := rowOf(u.name, s.address, r)
			row["method"], row["hash_key"], row["weight"], row["servers"] = method, key, int64(s.weight), int64(inUse)
			row["down"], row["backup"], row["max_fails"], row["fail_timeout"], row["keepalive"] = s.down, s.backup, s.maxFails, s.failTimeout, u.keepalive()
			row["weight_share"] = 0.0
			if !s.down && !s.backup && weights > 0 {
				row["weight_share"] = round(float64(s.weight) / float64(weights))
			}
			list = append(list, backend{row: row, protocol: r.protocol, address: s.address, down: s.down})
		}
	}
	for _, r := range routes {
		if grouped[r.name] {
			continue
		}
		grouped[r.name] = true
		row := rowOf(r.name, r.name, r)
		list = append(list, backend{row: row, protocol: r.protocol, address: r.name})
	}
	return list, notes
}

func routeTo(routes []route, name string) route {
	for _, r := range routes {
		if r.name == name {
			return r
		}
	}
	return route{}
}

func rowOf(group, address string, r route) map[string]any {
	row := map[string]any{
		"upstream": group, "address": address, "protocol": r.protocol, "method": "round_robin", "hash_key": "",
		"weight": int64(1), "weight_share": 1.0, "down": false, "backup": false, "max_fails": "1", "fail_timeout": "10s", "servers": int64(1), "keepalive": int64(0),
		"connect_timeout_s": nil, "read_timeout_s": nil, "reachable": nil, "connect_s": nil, "status": nil, "answer_s": nil, "error": "", "path": "",
	}
	if r.name != "" {
		row["connect_timeout_s"], row["read_timeout_s"] = r.connect, r.reads
	}
	return row
}

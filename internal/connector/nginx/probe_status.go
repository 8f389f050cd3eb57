package nginx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func statusSpec() probe.Spec {
	return probe.Spec{
		Name:     "nginx.status",
		Question: "How many connections does nginx hold, does it drop any, and how many requests come?",
		Why:      "Connections that were accepted and not handled are lost without a word in any access log.",
		Cost:     "two requests of stub_status, a second apart",
		Shape:    probe.Object,
		Params:   []probe.Param{{Name: "sample", Type: probe.Duration, Default: "1s", About: "time between the two readings, 5s at most"}},
		Fields: []probe.Field{
			{Name: "url", Type: "text", About: "where stub_status was asked"},
			{Name: "active", Type: "number", About: "open connections of clients, waiting ones among them"},
			{Name: "reading", Type: "number", About: "of them: their request is being read"},
			{Name: "writing", Type: "number", About: "of them: being answered, or waited for a server"},
			{Name: "waiting", Type: "number", About: "of them: kept alive and idle"},
			{Name: "requests_per_s", Type: "number", About: "between the readings, quell's own left out"},
			{Name: "accepts_per_s", Type: "number", About: "new connections between the readings"},
			{Name: "dropped", Type: "number", About: "connections accepted and not handled, since nginx was started"},
			{Name: "dropped_per_s", Type: "number", About: "the same between the readings"},
			{Name: "per_connection", Type: "number", About: "requests by connections since the start: 1 means no keep-alive"},
			{Name: "worker_connections", Type: "number", About: "connections that each worker may have, those to servers among them"},
			{Name: "connections_share", Type: "number", About: "active by workers and worker_connections, 0 to 1; null where the workers are not known"},
		},
		Outcomes: []probe.Outcome{
			{When: "dropped_per_s is over 0", Means: "worker_connections or open files are used up: clients are turned away"},
			{When: "writing is near active", Means: "most connections wait for an answer: the servers are slow"},
			{When: "waiting is near active", Means: "idle keep-alive connections: harmless until worker_connections is near"},
		},
	}
}

// counter is one reading of stub_status.
type counter struct {
	active, accepts, handled, requests, reading, writing, waiting int64
	at                                                            time.Time
}

var stubText = regexp.MustCompile(`^Active connections: (\d+)\s+server accepts handled requests\s+(\d+) (\d+) (\d+)\s+Reading: (\d+) Writing: (\d+) Waiting: (\d+)`)

func readCounter(text string) (counter, error) {
	m := stubText.FindStringSubmatch(text)
	if m == nil {
		return counter{}, errors.New("what was answered is no stub_status")
	}
	var n [7]int64
	for i := range n {
		n[i], _ = strconv.ParseInt(m[i+1], 10, 64)
	}
	return counter{active: n[0], accepts: n[1], handled: n[2], requests: n[3], reading: n[4], writing: n[5], waiting: n[6]}, nil
}

func (t *target) status(ctx context.Context, q probe.Question) evidence.Answer {
	const what = "ask stub_status"
	tree, failed := t.configuration(what)
	if failed != nil {
		return *failed
	}
	page, ok := t.statusPage(tree)
	if !ok {
		return evidence.Not(evidence.NotApplicable, "no location of the configuration has stub_status", "write location = /nginx_status { stub_status; allow 127.0.0.1; deny all; } into a server, or name its address as status")
	}
	pause := sampleOf(q)
	one, err := t.read(ctx, page)
	if err == nil {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return connector.Failure(what, ctx.Err())
		}
	}
	two := one
	if err == nil {
		two, err = t.read(ctx, page)
	}
	if err != nil {
		return connector.Failure(what+" at "+page.url, err)
	}
	took := two.at.Sub(one.at).Seconds()
	v := map[string]any{
		"url": page.url, "active": two.active, "reading": two.reading, "writing": two.writing, "waiting": two.waiting,
		"requests_per_s": round(float64(max(two.requests-one.requests-1, 0)) / took), "accepts_per_s": round(float64(max(two.accepts-one.accepts-1, 0)) / took),
		"dropped": max(two.accepts-two.handled, 0), "dropped_per_s": round(float64(max((two.accepts-two.handled)-(one.accepts-one.handled), 0)) / took),
		"per_connection": partOf(two.requests, two.handled), "worker_connections": workerConnections(tree), "connections_share": nil,
	}
	if m, err := t.findMaster(ctx, tree); err == nil && len(m.current()) > 0 {
		v["connections_share"] = partOf(two.active, int64(len(m.current()))*workerConnections(tree))
	}
	if two.requests < one.requests {
		return evidence.Of(v, "nginx was started anew between the readings: rates are not to be trusted")
	}
	return evidence.Of(v)
}

func sampleOf(q probe.Question) time.Duration {
	pause := time.Second
	if d, ok := q.Args["sample"].(time.Duration); ok && d > 0 {
		pause = d
	}
	return min(pause, 5*time.Second)
}

// workerConnections is what each worker may have; nginx's own default is 512.
func workerConnections(tree *tree) int64 {
	n := int64(512)
	tree.walk(func(d *directive, within []*directive) {
		if d.name.text == "worker_connections" && len(within) == 1 && within[0].name.text == "events" {
			if v, err := strconv.ParseInt(d.arg(0), 10, 64); err == nil {
				n = v
			}
		}
	})
	return n
}

// statusPage is where stub_status is.
type statusPage struct{ url, host, network, address string }

// statusPage finds stub_status: as it is set, else in the configuration.
func (t *target) statusPage(tree *tree) (statusPage, bool) {
	if t.config.Status != "" {
		return statusPage{url: t.config.Status}, true
	}
	var page statusPage
	tree.walk(func(d *directive, within []*directive) {
		if d.name.text != "stub_status" || page.url != "" {
			return
		}
		path, listens, name := "/", []*directive{}, ""
		for _, block := range within {
			switch block.name.text {
			case "location":
				path = block.arg(len(block.args) - 1)
				if m := block.arg(0); len(block.args) > 1 && m != "=" && m != "^~" {
					path = "" // an expression
				}
			case "server":
				for _, l := range inside(block.block) {
					if l.name.text == "listen" {
						listens = append(listens, l)
					}
				}
				if n := block.find("server_name"); n != nil {
					name = n.arg(0)
				}
			}
		}
		if !strings.HasPrefix(path, "/") {
			return
		}
		if network, address, ok := plainListen(listens); ok {
			page = statusPage{url: "http://" + address + path, host: name, network: network, address: address}
			if network == "unix" {
				page.url = "http://localhost" + path
			}
		}
	})
	return page, page.url != ""
}

// plainListen picks an address that a server listens on without TLS.
func plainListen(listens []*directive) (network, address string, ok bool) {
	if len(listens) == 0 {
		return "tcp", "127.0.0.1:80", true
	}
	for _, l := range listens {
		if containsArg(l, "ssl") || containsArg(l, "proxy_protocol") || containsArg(l, "quic") {
			continue
		}
		where := l.arg(0)
		if _, err := strconv.Atoi(where); err == nil {
			return "tcp", net.JoinHostPort("127.0.0.1", where), true
		}
		network, address := dialAddress(where, "80")
		if network == "unix" {
			return network, address, true
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		switch host {
		case "*", "0.0.0.0":
			host = "127.0.0.1"
		case "::":
			host = "::1"
		}
		return "tcp", net.JoinHostPort(host, port), true
	}
	return "", "", false
}

func containsArg(d *directive, text string) bool {
	for _, a := range d.args {
		if a.text == text {
			return true
		}
	}
	return false
}

// read asks stub_status once.
func (t *target) read(ctx context.Context, page statusPage) (counter, error) {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return counter{}, err
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, 2*time.Second)
	defer cancel()
	status, text, err := get(ctx, page.network, page.address, page.url, page.host)
	switch {
	case err != nil:
		return counter{}, err
	case status != http.StatusOK:
		return counter{}, fmt.Errorf("it answers with status %d: allow this machine's address there", status)
	}
	c, err := readCounter(text)
	c.at = time.Now()
	return c, err
}

// get asks one address for a page, without following redirects, and reads the
// beginning of what comes.
func get(ctx context.Context, network, address, url, host string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if host != "" && host != "_" && !strings.HasPrefix(host, "~") {
		req.Host = host
	}
	req.Header.Set("User-Agent", ourselves)
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	if network != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, string(body), err
}

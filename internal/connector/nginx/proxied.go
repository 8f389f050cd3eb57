package nginx

import (
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/expr"
)

// route is what one *_pass of a configuration leads to.
type route struct {
	protocol       string // http, https, grpc, fastcgi, uwsgi, scgi
	name           string // of an upstream, or an address
	connect, reads float64
	next           string
}

var passes = map[string]string{"proxy_pass": "proxy", "grpc_pass": "grpc", "fastcgi_pass": "fastcgi", "uwsgi_pass": "uwsgi", "scgi_pass": "scgi"}

// routes lists where requests are passed to. Where that is a variable nobody
// can tell from here.
func (t *tree) routes() (list []route, unknown int) {
	t.walk(func(d *directive, within []*directive) {
		module, ok := passes[d.name.text]
		if !ok || len(d.args) == 0 || !inHTTP(within) {
			return
		}
		where, protocol := d.arg(0), module
		if module == "proxy" {
			protocol = "http"
		}
		if scheme, rest, ok := strings.Cut(where, "://"); ok {
			protocol, where = scheme, rest
		}
		if strings.HasPrefix(where, "unix:") {
			path, _, _ := strings.Cut(strings.TrimPrefix(where, "unix:"), ":") // behind it stands a path of the request
			where = "unix:" + path
		} else if module == "proxy" {
			where, _, _ = strings.Cut(where, "/")
		}
		if strings.Contains(where, "$") {
			unknown++
			return
		}
		list = append(list, route{
			protocol: protocol, name: where,
			connect: nginxTime(inherited(within, module+"_connect_timeout", "60s")),
			reads:   nginxTime(inherited(within, module+"_read_timeout", "60s")),
			next:    inherited(within, module+"_next_upstream", "error timeout"),
		})
	})
	return list, unknown
}

func inHTTP(within []*directive) bool { return len(within) > 0 && within[0].name.text == "http" }

// nginxTime is a time as nginx writes it, in seconds: 60, 60s, 1m30s, 500ms.
func nginxTime(s string) float64 {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n
	}
	if d, err := expr.ParseDuration(s); err == nil {
		return d.Seconds()
	}
	return 0
}

// balancing is how a group chooses a server, with the key of hash.
func (u upstream) balancing() (method, key string) {
	for _, d := range inside(u.block.block) {
		switch d.name.text {
		case "ip_hash", "least_conn", "random", "least_time":
			return d.name.text, ""
		case "hash":
			return "hash", d.arg(0)
		case "sticky":
			return "sticky", d.arg(1)
		}
	}
	return "round_robin", ""
}

// keepalive is how many idle connections a worker keeps to a group.
func (u upstream) keepalive() int64 {
	d := u.block.find("keepalive")
	if d == nil {
		return 0
	}
	n, _ := strconv.ParseInt(d.arg(0), 10, 64)
	return n
}

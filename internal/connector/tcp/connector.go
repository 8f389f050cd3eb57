// Package tcp asks whether a port can be reached, and if not, which kind of no
// it is: refused, silence, torn down or no route each have another cause.
package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:  "tcp",
		About: "A TCP port: connects, measures, and tells refused from silent. Sends nothing.",
		Settings: []connector.Setting{
			{Name: "address", Type: "text", Optional: true, About: "host:port; needed unless url is given"},
			{Name: "url", Type: "text", Optional: true, About: "a url whose host and port are meant"},
			{Name: "timeout", Type: "duration", Default: "3s", About: "longest time for one connection attempt"},
		},
		Languages: []connector.Language{{Name: "tcp", Shape: probe.Rows, Check: check}},
		Probes:    []probe.Spec{connectSpec()},
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := parse(s)
			if err != nil {
				return nil, err
			}
			return &target{config: c, tools: tools.Filled()}, nil
		},
	}
}

type config struct {
	Address string             `json:"address"`
	URL     string             `json:"url"`
	Timeout connector.Duration `json:"timeout"`

	host, port string
}

// defaultTimeout covers one lost SYN, which Linux sends again after a second,
// and a second lost one would come at three.
const defaultTimeout = 3 * time.Second

func parse(s connector.Settings) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	switch {
	case c.Address != "":
		host, port, err := net.SplitHostPort(c.Address)
		if err != nil || host == "" || port == "" {
			return c, errors.New("address must be host:port")
		}
		c.host, c.port = host, port
	case c.URL != "":
		u, err := url.Parse(c.URL)
		if err != nil || u.Hostname() == "" {
			return c, errors.New("url cannot be read: write it like http://127.0.0.1:8000")
		}
		c.host, c.port = u.Hostname(), u.Port()
		if c.port == "" {
			c.port = map[string]string{"http": "80", "https": "443", "postgres": "5432", "postgresql": "5432", "redis": "6379", "rediss": "6379"}[u.Scheme]
		}
		if c.port == "" {
			return c, errors.New("url names no port")
		}
	default:
		return c, errors.New("address is missing: write host:port")
	}
	if c.Timeout.Duration <= 0 {
		c.Timeout.Duration = defaultTimeout
	}
	return c, nil
}

type target struct {
	config config
	tools  connector.Tools
	closed atomic.Bool
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	switch {
	case t.closed.Load():
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	case q.Lang == "tcp":
		return t.fence(ctx, q)
	case q.Builtin == "tcp.connect":
		return t.connect(ctx, q)
	}
	return evidence.Not(evidence.NotApplicable, "a tcp target does not know the question "+q.Lang+" "+q.Builtin, "")
}

// Close implements connector.Target. Connections are never kept.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	where := net.JoinHostPort(t.config.host, t.config.port)
	addresses, dns, err := t.lookup(ctx)
	if err != nil {
		return []connector.Check{{Name: "name resolves", Detail: connector.Failure("look up "+t.config.host, err).Reason, Needed: true, Fix: "check the host name in address"}}
	}
	a, err := t.attempt(ctx, addresses[0], t.config.Timeout.Duration)
	if err != nil {
		return []connector.Check{{Name: "asked", Detail: err.Error(), Needed: true}}
	}
	c := connector.Check{Name: "connects", OK: a.kind == "", Needed: true}
	c.Detail = fmt.Sprintf("%s took %.3f s (look-up %.3f s)", where, a.took.Seconds(), dns.Seconds())
	if !c.OK {
		c.Detail = fmt.Sprintf("%s: %s after %.3f s", where, strings.ReplaceAll(a.kind, "_", " "), a.took.Seconds())
		c.Fix = "check the address, and that this machine may connect to it"
	}
	return []connector.Check{c}
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)

package otel

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/secret"
)

type config struct {
	promapi.Settings
	Tenant   secret.String      `json:"tenant"`
	Flavour  string             `json:"flavour"`
	Services map[string]string  `json:"services"`
	Timeout  connector.Duration `json:"timeout"`
}

// The stores of traces that we speak to.
const (
	jaeger = "jaeger"
	tempo  = "tempo"
)

// defaultTimeout bounds one request: a search in a store that keeps its blocks
// far away takes seconds.
const defaultTimeout = 10 * time.Second

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, Secret: true, About: "address with its path prefix, if any: http://jaeger:16686 or http://tempo:3200"},
		{Name: "flavour", Type: probe.Text, Optional: true, About: "jaeger or tempo; found out where it is not set"},
		{Name: "services", Type: probe.Map, Optional: true, About: "what traces call a service where its name differs: a map of service to service.name"},
		{Name: "tenant", Type: probe.Text, Optional: true, Secret: true, About: "sent as X-Scope-OrgID"},
		{Name: "user", Type: probe.Text, Optional: true, About: "name for basic auth"},
		{Name: "password", Type: probe.Text, Optional: true, Secret: true, About: "password for basic auth"},
		{Name: "bearer", Type: probe.Text, Optional: true, Secret: true, About: "bearer token"},
		{Name: "headers", Type: probe.Map, Optional: true, Secret: true, About: "further request headers, a map of name to value"},
		{Name: "ca", Type: probe.Text, Optional: true, About: "PEM file with the authority of the server's certificate"},
		{Name: "insecure", Type: probe.Bool, Default: "false", About: "accept any certificate"},
		{Name: "timeout", Type: probe.Duration, Default: "10s", About: "longest single request"},
	}
}

func newClient(s connector.Settings, tools connector.Tools) (*client, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return nil, err
	}
	if c.URL.Empty() {
		return nil, errors.New("url is missing: say where traces are kept, like http://127.0.0.1:16686 (Jaeger) or http://127.0.0.1:3200 (Tempo)")
	}
	base, err := url.Parse(c.URL.Reveal())
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("url cannot be read: write it like http://127.0.0.1:16686, with a path prefix at most")
	}
	if c.Flavour != "" && c.Flavour != jaeger && c.Flavour != tempo {
		return nil, fmt.Errorf("flavour is %s or %s, not %q", jaeger, tempo, c.Flavour)
	}
	headers, err := c.Header(base.User)
	if err != nil {
		return nil, err
	}
	if !c.Tenant.Empty() {
		headers.Set("X-Scope-OrgID", c.Tenant.Reveal())
	}
	transport, err := c.Transport(tools.Dir)
	if err != nil {
		return nil, err
	}
	if c.Timeout.Duration <= 0 {
		c.Timeout.Duration = defaultTimeout
	}
	base.User, base.RawPath = nil, ""
	base.Path = strings.TrimRight(base.Path, "/")
	return &client{
		base: base, headers: headers, timeout: c.Timeout.Duration, tools: tools, flavour: c.Flavour, services: c.Services,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

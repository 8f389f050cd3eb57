package loki

import (
	"fmt"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/secret"
)

type config struct {
	promapi.Settings
	Tenant string `json:"tenant"`
}

// tenantHeader is how Loki is told whose logs are meant.
const tenantHeader = "X-Scope-OrgID"

func read(s connector.Settings) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Tenant == "" {
		return c, nil
	}
	if _, twice := c.Headers[tenantHeader]; twice {
		return c, fmt.Errorf("tenant stands both as a setting and as a header: keep one")
	}
	headers := map[string]secret.String{tenantHeader: secret.New(c.Tenant)}
	for k, v := range c.Headers {
		headers[k] = v
	}
	c.Headers = headers
	return c, nil
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, About: "address of the server with its path prefix, if any: http://loki:3100, or https://grafana/api/datasources/proxy/uid/UID", Secret: true},
		{Name: "tenant", Type: probe.Text, About: "sent as X-Scope-OrgID where Loki serves several tenants", Optional: true},
		{Name: "user", Type: probe.Text, About: "name for basic auth", Optional: true},
		{Name: "password", Type: probe.Text, About: "password for basic auth", Optional: true, Secret: true},
		{Name: "bearer", Type: probe.Text, About: "bearer token, for instance of a Grafana service account", Optional: true, Secret: true},
		{Name: "headers", Type: probe.Text, About: "further request headers, name: value", Optional: true, Secret: true},
		{Name: "ca", Type: probe.Text, About: "PEM file with the authority of the server's certificate", Optional: true},
		{Name: "insecure", Type: probe.Bool, Default: "false", About: "accept any certificate"},
	}
}

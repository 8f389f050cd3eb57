package prometheus

import (
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
)

type config struct {
	promapi.Settings
	Aliases map[string]string `json:"aliases"`
}

func read(s connector.Settings) (config, error) {
	var c config
	err := s.Decode(&c)
	return c, err
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, About: "address of the server with its path prefix, if any: http://prometheus:9090, or https://grafana/api/datasources/proxy/uid/UID", Secret: true},
		{Name: "user", Type: probe.Text, About: "name for basic auth", Optional: true},
		{Name: "password", Type: probe.Text, About: "password for basic auth", Optional: true, Secret: true},
		{Name: "bearer", Type: probe.Text, About: "bearer token, for instance of a Grafana service account", Optional: true, Secret: true},
		{Name: "headers", Type: probe.Text, About: "further request headers, name: value; for instance X-Scope-OrgID", Optional: true, Secret: true},
		{Name: "ca", Type: probe.Text, About: "PEM file with the authority of the server's certificate", Optional: true},
		{Name: "insecure", Type: probe.Bool, Default: "false", About: "accept any certificate"},
		{Name: "aliases", Type: probe.Text, About: "metric names as playbooks have them: as they are here", Optional: true},
	}
}

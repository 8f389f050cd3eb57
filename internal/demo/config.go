package demo

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Config is what a quell.yaml for the shop says, as plain values: the demo
// knows nothing of connectors.
type Config struct {
	Service string // its name
	URL     string // where it answers
	Health  string // the path of its health page
	Metrics string // the address of its /metrics
	Logs    string // the path of its log

	// Scrape is how often to read /metrics so that a fault of some seconds
	// shows, and Params are the parameters of playbooks that fit such a pace.
	Scrape time.Duration
	Params map[string]string
}

// Service tells how the shop is called and where it answers.
func (s *Shop) Service() (name, url string) { return Name, "http://" + s.address }

// Config says how to look at the shop.
func (s *Shop) Config() Config {
	name, url := s.Service()
	return Config{
		Service: name, URL: url, Health: "/health",
		Metrics: url + "/metrics", Logs: filepath.Join(s.dir, "shop.json"),
		Scrape: time.Second,
		Params: map[string]string{"window": "4s", "recently": "6s", "stale_after": "4s"},
	}
}

// YAML is the configuration as a quell.yaml would have it.
func (c Config) YAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, `services:
  %s:
    url: %s
    health: %s
    logs: [shop-logs]
    metrics: [shop-metrics]
targets:
  shop-metrics: {kind: series, scrape: [%q], interval: %s}
  shop-logs: {kind: logs, paths: [%q]}
`, c.Service, c.URL, c.Health, c.Metrics, c.Scrape, c.Logs)
	return b.String()
}

package series

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
	engine "github.com/quellhq/quell/internal/series"
)

type config struct {
	Scrape    []entry            `json:"scrape"`
	Labels    map[string]string  `json:"labels"`
	Interval  connector.Duration `json:"interval"`
	Window    connector.Duration `json:"window"`
	MaxSeries int                `json:"max_series"`
	Aliases   map[string]string  `json:"aliases"`
	promapi.Access
}

// entry is one endpoint: an address, or an address with labels.
type entry struct {
	URL    string            `json:"url"`
	Labels map[string]string `json:"labels"`
}

// UnmarshalJSON reads "http://…/metrics" or {url: …, labels: {…}}.
func (e *entry) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &e.URL)
	}
	type plain entry
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode((*plain)(e)); err != nil {
		return fmt.Errorf("scrape: an endpoint is an address, or {url: address, labels: {name: value}}")
	}
	return nil
}

const (
	defaultInterval = 5 * time.Second
	shortest        = time.Second // one scrape a second is the most that an exporter is asked for
)

func read(s connector.Settings) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if len(c.Scrape) == 0 {
		return c, fmt.Errorf("scrape is missing: a list of /metrics addresses")
	}
	if c.Interval.Duration == 0 {
		c.Interval.Duration = defaultInterval
	}
	if c.Interval.Duration < shortest {
		return c, fmt.Errorf("interval=%s: the shortest is %s", c.Interval.Duration, shortest)
	}
	if c.Window.Duration < 0 || c.MaxSeries < 0 {
		return c, fmt.Errorf("window and max_series must not be below zero")
	}
	return c, nil
}

func (c config) endpoints() (list []engine.Endpoint, shown []string, err error) {
	seen := map[string]bool{}
	for _, e := range c.Scrape {
		u, err := url.Parse(e.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, nil, fmt.Errorf("scrape: each address begins with http:// or https:// and names a host")
		}
		header, err := c.Header(u.User)
		if err != nil {
			return nil, nil, err
		}
		u.User = nil
		if u.Path == "" || u.Path == "/" {
			u.Path = "/metrics"
		}
		if seen[u.String()] {
			return nil, nil, fmt.Errorf("scrape: the same address stands twice")
		}
		seen[u.String()] = true
		bare := *u
		bare.RawQuery, bare.Fragment = "", ""
		list = append(list, engine.Endpoint{URL: u.String(), Labels: c.labelsOf(e, u.Host), Header: header})
		shown = append(shown, bare.String())
	}
	return list, shown, nil
}

// labelsOf are the labels of one endpoint: its own before those of all, and job
// and instance, as every Prometheus has them.
func (c config) labelsOf(e entry, host string) map[string]string {
	labels := map[string]string{"instance": host, "job": "scrape"}
	for _, from := range []map[string]string{c.Labels, e.Labels} {
		if service := from["service"]; service != "" {
			labels["job"] = service
		}
	}
	for _, from := range []map[string]string{c.Labels, e.Labels} {
		for name, value := range from {
			labels[name] = value
		}
	}
	return labels
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "scrape", Type: probe.List, About: "addresses of /metrics endpoints; each an address, or {url: address, labels: {service: name}}"},
		{Name: "labels", Type: probe.Text, About: "labels of every series, name: value; service: NAME binds them to a service", Optional: true},
		{Name: "interval", Type: probe.Duration, Default: "5s", About: "between two scrapes, at least 1s; the second scrape comes after one second whatever it is"},
		{Name: "window", Type: probe.Duration, Default: "1h", About: "how long samples are kept"},
		{Name: "max_series", Type: probe.Number, Default: "20000", About: "most series kept"},
		{Name: "aliases", Type: probe.Text, About: "metric names as playbooks have them: as they are here", Optional: true},
		{Name: "user", Type: probe.Text, About: "name for basic auth at the endpoints", Optional: true},
		{Name: "password", Type: probe.Text, About: "password for basic auth", Optional: true, Secret: true},
		{Name: "bearer", Type: probe.Text, About: "bearer token for the endpoints", Optional: true, Secret: true},
		{Name: "headers", Type: probe.Text, About: "further request headers, name: value", Optional: true, Secret: true},
		{Name: "ca", Type: probe.Text, About: "PEM file with the authority of the endpoints' certificates", Optional: true},
		{Name: "insecure", Type: probe.Bool, Default: "false", About: "accept any certificate"},
	}
}

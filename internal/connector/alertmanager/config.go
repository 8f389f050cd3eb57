package alertmanager

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
)

type config struct {
	promapi.Settings
	Timeout connector.Duration `json:"timeout"`
}

// defaultTimeout bounds one request. Alertmanager answers from memory: what
// takes longer hangs.
const defaultTimeout = 10 * time.Second

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, Secret: true, About: "address with its path prefix, if any: http://alertmanager:9093"},
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
		return nil, errors.New("url is missing: say where Alertmanager answers, like http://127.0.0.1:9093")
	}
	base, err := url.Parse(c.URL.Reveal())
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("url cannot be read: write it like http://127.0.0.1:9093, with a path prefix at most")
	}
	headers, err := c.Header(base.User)
	if err != nil {
		return nil, err
	}
	transport, err := c.Transport(tools.Dir)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if c.Timeout.Duration <= 0 {
		c.Timeout.Duration = defaultTimeout
	}
	base.User, base.RawPath = nil, ""
	base.Path = strings.TrimRight(base.Path, "/")
	return &client{
		base: base, headers: headers, timeout: c.Timeout.Duration, tools: tools,
		http: &http.Client{Transport: transport, CheckRedirect: stay},
	}, nil
}

// stay follows no redirect: a login page is not an answer, and a POST that
// becomes a GET on its way is no silence.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

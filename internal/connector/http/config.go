package http

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/secret"
)

// config is what quell.yaml may say of a target of kind http.
type config struct {
	URL        string                   `json:"url"`
	Health     string                   `json:"health"`
	Headers    map[string]secret.String `json:"headers"`
	Timeout    connector.Duration       `json:"timeout"`
	Address    string                   `json:"address"`
	ServerName string                   `json:"server_name"`
	CAFile     string                   `json:"ca_file"`
	Resolver   string                   `json:"resolver"`
	Calls      map[string]writtenCall   `json:"calls"`

	base  *url.URL
	roots *x509.CertPool
	calls map[string]call
}

// defaultTimeout bounds one request from the look-up to the last byte. Ten
// seconds, so that a slow answer (a proxy gives up after 30 or 60) is told
// apart from none by its phase; the investigation's own deadline may be shorter.
const defaultTimeout = 10 * time.Second

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: "text", About: "where it answers: http://host:port/ or https://host/; its path is the default path"},
		{Name: "health", Type: "text", Optional: true, About: "path of the health endpoint, such as /health"},
		{Name: "headers", Type: "map", Optional: true, Secret: true, About: "headers sent with each request, such as Authorization: a map of name to value"},
		{Name: "timeout", Type: "duration", Default: "10s", About: "longest single request, from the look-up to the last byte"},
		{Name: "address", Type: "text", Optional: true, About: "connect to this host:port in place of the url's (straight to the origin, past a CDN); Host and TLS name stay"},
		{Name: "server_name", Type: "text", Optional: true, About: "TLS name to ask for, where it is not the url's host"},
		{Name: "ca_file", Type: "text", Optional: true, About: "PEM file of authorities to trust in place of the system's"},
		{Name: "resolver", Type: "text", Optional: true, About: "host:port of the DNS server to ask in place of this machine's"},
		{Name: "calls", Type: "map", Optional: true, Holes: true, About: "what http.call may send, by name: request (METHOD /path), body, headers, repeat (once, idempotent or key-header), check (get with status, pointer and equals, or contains), undo, values, timeout, risk, about; ${name} is a value"},
	}
}

func parse(s connector.Settings, dir string) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.URL == "" {
		return c, errors.New("url is missing: say where the service answers, like http://127.0.0.1:8000")
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return c, errors.New("url cannot be read: write it like http://127.0.0.1:8000")
	case u.Scheme != "http" && u.Scheme != "https":
		return c, fmt.Errorf("url has the scheme %q: write http:// or https://", u.Scheme)
	case u.Hostname() == "":
		return c, errors.New("url has no host: write it like http://127.0.0.1:8000")
	}
	c.base = u
	if c.Timeout.Duration <= 0 {
		c.Timeout.Duration = defaultTimeout
	}
	if c.Address != "" {
		if _, _, err := net.SplitHostPort(c.Address); err != nil {
			return c, errors.New("address must be host:port")
		}
	}
	if c.Resolver != "" {
		if _, _, err := net.SplitHostPort(c.Resolver); err != nil {
			c.Resolver = net.JoinHostPort(c.Resolver, "53")
		}
	}
	if c.CAFile != "" {
		path := c.CAFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		pem, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read ca_file: %w", err)
		}
		c.roots = x509.NewCertPool()
		if !c.roots.AppendCertsFromPEM(pem) {
			return c, fmt.Errorf("ca_file %s holds no certificate in PEM form", c.CAFile)
		}
	}
	c.calls, err = checkCalls(c.Calls, c.Timeout.Duration)
	return c, err
}

// port is the port that the url names or implies.
func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

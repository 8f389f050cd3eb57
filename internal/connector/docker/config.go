package docker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/secret"
)

type config struct {
	URL secret.String `json:"url"`
	promapi.Access
	Cert     string             `json:"cert"`
	Key      string             `json:"key"`
	Services map[string]string  `json:"services"`
	Proc     string             `json:"proc"`
	Timeout  connector.Duration `json:"timeout"`
}

const (
	defaultURL = "unix:///var/run/docker.sock"
	// defaultTimeout bounds one request. Figures of usage take the engine one
	// to two seconds, since it takes two samples.
	defaultTimeout = 10 * time.Second
)

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, Default: defaultURL, Secret: true, About: "where the engine answers: unix:///var/run/docker.sock, tcp://host:2376 or https://host:2376"},
		{Name: "services", Type: probe.Map, Optional: true, About: "what Docker calls a service where its name differs: a map of service to Compose service, Swarm service or container"},
		{Name: "ca", Type: probe.Text, Optional: true, About: "PEM file with the authority of the engine's certificate"},
		{Name: "cert", Type: probe.Text, Optional: true, About: "PEM file with our certificate"},
		{Name: "key", Type: probe.Text, Optional: true, About: "PEM file with the key of our certificate"},
		{Name: "insecure", Type: probe.Bool, Default: "false", About: "accept any certificate"},
		{Name: "user", Type: probe.Text, Optional: true, About: "name for basic auth, where a proxy stands before the engine"},
		{Name: "password", Type: probe.Text, Optional: true, Secret: true, About: "password for basic auth"},
		{Name: "bearer", Type: probe.Text, Optional: true, Secret: true, About: "bearer token"},
		{Name: "headers", Type: probe.Map, Optional: true, Secret: true, About: "further request headers, a map of name to value"},
		{Name: "proc", Type: probe.Text, Default: "/proc", About: "where the engine's /proc is mounted, to see what listens inside of a container"},
		{Name: "timeout", Type: probe.Duration, Default: "10s", About: "longest single request"},
	}
}

// newClient checks the settings. It does not connect.
func newClient(s connector.Settings, tools connector.Tools) (*client, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return nil, err
	}
	address := c.URL.Reveal()
	if address == "" {
		address = defaultURL
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("url cannot be read: write it like " + defaultURL + " or tcp://host:2376")
	}
	headers, err := c.Header(u.User)
	if err != nil {
		return nil, err
	}
	transport, err := c.transport(tools.Dir)
	if err != nil {
		return nil, err
	}
	out := &client{headers: headers, tools: tools, timeout: c.Timeout.Duration, proc: c.Proc, services: c.Services}
	if out.timeout <= 0 {
		out.timeout = defaultTimeout
	}
	if out.proc == "" {
		out.proc = "/proc"
	}
	switch {
	case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		socket := u.Path
		out.local, out.where, out.base = true, "unix://"+socket, "http://docker"
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}
	case u.Host != "" && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "tcp"):
		scheme := u.Scheme
		if scheme == "tcp" {
			scheme = "http"
			if c.CA != "" || c.Cert != "" || c.Insecure {
				scheme = "https"
			}
		}
		out.where = u.Host
		out.base = scheme + "://" + u.Host + strings.TrimRight(u.Path, "/")
	default:
		return nil, errors.New("url must be unix:///path/of/the/socket, tcp://host:port, http:// or https://")
	}
	out.http = &http.Client{Transport: readOnly{transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return out, nil
}

func (c config) transport(dir string) (*http.Transport, error) {
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("cert and key belong together: give both, or neither")
	}
	transport, err := c.Transport(dir)
	if err != nil || c.Cert == "" {
		return transport, err
	}
	pair, err := tls.LoadX509KeyPair(from(dir, c.Cert), from(dir, c.Key))
	if err != nil {
		return nil, fmt.Errorf("read cert and key: %w", err)
	}
	transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	return transport, nil
}

func from(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

package tls

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
)

type config struct {
	Address    string             `json:"address"`
	URL        string             `json:"url"`
	ServerName string             `json:"server_name"`
	CAFile     string             `json:"ca_file"`
	StartTLS   string             `json:"starttls"`
	Timeout    connector.Duration `json:"timeout"`

	host, port string
	plain      bool // the url says that there is no TLS
	roots      *x509.CertPool
}

const defaultTimeout = 5 * time.Second

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "address", Type: "text", Optional: true, About: "host:port; needed unless url is given"},
		{Name: "url", Type: "text", Optional: true, About: "a url whose host and port are meant; one with http:// has no certificate, and every question is not applicable"},
		{Name: "server_name", Type: "text", Optional: true, About: "name to ask for and to find in the certificate, where it is not the host"},
		{Name: "ca_file", Type: "text", Optional: true, About: "PEM file of authorities to trust in place of the system's"},
		{Name: "starttls", Type: "text", Optional: true, About: "postgres: ask a Postgres server to change to TLS first"},
		{Name: "timeout", Type: "duration", Default: "5s", About: "longest time for one handshake"},
	}
}

func parse(s connector.Settings, dir string) (config, error) {
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
			return c, errors.New("url cannot be read: write it like https://example.org")
		}
		c.host, c.port, c.plain = u.Hostname(), u.Port(), u.Scheme == "http"
		if c.port == "" {
			c.port = "443"
		}
	default:
		return c, errors.New("address is missing: write host:port")
	}
	if c.StartTLS != "" && c.StartTLS != "postgres" {
		return c, fmt.Errorf("starttls is %q: only postgres is known", c.StartTLS)
	}
	if c.ServerName == "" {
		c.ServerName = c.host
	}
	if c.Timeout.Duration <= 0 {
		c.Timeout.Duration = defaultTimeout
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
	return c, nil
}

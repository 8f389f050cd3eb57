// Package promapi speaks the HTTP dialect that Prometheus and Loki share: GET
// with a query string, JSON back in an envelope {status, data, error}, behind
// whatever stands in front: a path prefix, basic auth, a bearer token, a tenant
// header, Grafana's data source proxy. It tells the ways apart in which such a
// question fails.
package promapi

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/secret"
)

// Settings are the keys that every target with such an API takes. A connector
// embeds them in its own.
type Settings struct {
	URL secret.String `json:"url"` // may hold user:password@, so it cannot print itself
	Access
}

// Access is how one is let in: what every HTTP endpoint may ask for.
type Access struct {
	User     string                   `json:"user"`
	Password secret.String            `json:"password"`
	Bearer   secret.String            `json:"bearer"`
	Headers  map[string]secret.String `json:"headers"`
	CA       string                   `json:"ca"`
	Insecure bool                     `json:"insecure"`
}

// Client asks one server. It may be used by several goroutines at once.
type Client struct {
	name    string   // "Prometheus", "Loki": for reasons
	base    *url.URL // without user and password
	headers http.Header
	http    *http.Client
	tools   connector.Tools
}

// New checks the settings and returns a client. It does not connect.
func New(name string, s Settings, tools connector.Tools) (*Client, error) {
	if s.URL.Empty() {
		return nil, fmt.Errorf("url is missing: the address of %s, like http://127.0.0.1:9090", name)
	}
	base, err := url.Parse(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url is not an address") // the parser's text repeats the address, password and all
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("url must begin with http:// or https:// and name a host")
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("url must end with its path: no ? and no #")
	}
	headers, err := s.Header(base.User)
	if err != nil {
		return nil, err
	}
	base.User = nil
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	transport, err := s.Transport(tools.Dir)
	if err != nil {
		return nil, err
	}
	c := &Client{name: name, base: base, headers: headers, tools: tools.Filled()}
	c.http = &http.Client{Transport: transport, CheckRedirect: sameHost}
	return c, nil
}

// sameHost follows a redirect only to the host that was meant: a login page
// elsewhere is not an answer, and its address gets no token of ours.
func sameHost(req *http.Request, via []*http.Request) error {
	if req.URL.Host != via[0].URL.Host || len(via) >= 5 {
		return http.ErrUseLastResponse
	}
	return nil
}

// Header returns the request headers that let one in. user is what the address
// itself holds, or nil.
func (s Access) Header(user *url.Userinfo) (http.Header, error) {
	name, password := s.User, s.Password.Reveal()
	if user != nil {
		if name != "" {
			return nil, fmt.Errorf("user stands both in url and as a setting: keep one")
		}
		name = user.Username()
		password, _ = user.Password()
	}
	if name != "" && !s.Bearer.Empty() {
		return nil, fmt.Errorf("user and bearer are two ways to be let in: keep one")
	}
	if name == "" && !s.Password.Empty() {
		return nil, fmt.Errorf("password without user")
	}
	h := http.Header{}
	for k, v := range s.Headers {
		h.Set(k, v.Reveal())
	}
	switch {
	case name != "":
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
	case !s.Bearer.Empty():
		h.Set("Authorization", "Bearer "+s.Bearer.Reveal())
	}
	h.Set("Accept", "application/json")
	return h, nil
}

// Transport returns a transport of its own, with the authority of the settings;
// a relative file name starts from dir.
func (s Access) Transport(dir string) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 2
	t.IdleConnTimeout = 30 * time.Second
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.Insecure} //nolint:gosec // the operator's explicit setting
	if s.CA != "" {
		file := s.CA
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s holds no PEM certificate", s.CA)
		}
		config.RootCAs = pool
	}
	t.TLSClientConfig = config
	return t, nil
}

// Host is host and port of the server, for reasons.
func (c *Client) Host() string { return c.base.Host }

// Close gives back idle connections. It may be called twice.
func (c *Client) Close() { c.http.CloseIdleConnections() }

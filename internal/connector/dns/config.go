package dns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/quellhq/quell/internal/connector"
)

type config struct {
	Name        string             `json:"name"`
	URL         string             `json:"url"`
	Resolvers   []string           `json:"resolvers"`
	Expect      []string           `json:"expect"`
	Authorities []string           `json:"authorities"`
	AuthPort    int                `json:"authority_port"`
	Timeout     connector.Duration `json:"timeout"`

	literal bool // the name is an address, or one that never leaves the machine
}

// defaultTimeout bounds one question to one server. Stub resolvers wait five
// seconds and then ask again; two tell a lost packet from a slow answer.
const defaultTimeout = 2 * time.Second

// rootServers start the walk to a name's own servers where nothing else is
// configured: three of the thirteen of IANA's root hints.
var rootServers = [...]string{"198.41.0.4", "199.9.14.201", "193.0.14.129"}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "name", Type: "text", Optional: true, About: "the name to ask for; needed unless url is given"},
		{Name: "url", Type: "text", Optional: true, About: "a url whose host is meant"},
		{Name: "resolvers", Type: "list", Optional: true, About: "DNS servers to ask and to compare, host or host:port; without them, those of /etc/resolv.conf"},
		{Name: "expect", Type: "list", Optional: true, About: "addresses, or the alias, that the name should stand for; without it nothing can say that a record is wrong"},
		{Name: "authorities", Type: "list", Optional: true, About: "servers to start the walk to the name's own servers from, in place of the root servers: host or host:port"},
		{Name: "authority_port", Type: "number", Default: "53", About: "port of the servers that the walk meets"},
		{Name: "timeout", Type: "duration", Default: "2s", About: "longest time for one question to one server"},
	}
}

func parse(s connector.Settings) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Name == "" && c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Hostname() == "" {
			return c, errors.New("url cannot be read: write it like https://example.org")
		}
		c.Name = u.Hostname()
	}
	if c.Name == "" {
		return c, errors.New("name is missing: say which name to ask for")
	}
	_, err := netip.ParseAddr(c.Name)
	c.literal = err == nil || c.Name == "localhost" || strings.HasSuffix(c.Name, ".localhost")
	if !c.literal {
		if _, ok := dns.IsDomainName(c.Name); !ok {
			return c, fmt.Errorf("%q is not a domain name", c.Name)
		}
	}
	if c.Timeout.Duration <= 0 {
		c.Timeout.Duration = defaultTimeout
	}
	if c.AuthPort == 0 {
		c.AuthPort = 53
	}
	for i, r := range c.Resolvers {
		if c.Resolvers[i], err = server(r, 53); err != nil {
			return c, err
		}
	}
	for i, r := range c.Authorities {
		if c.Authorities[i], err = server(r, c.AuthPort); err != nil {
			return c, err
		}
	}
	if len(c.Authorities) == 0 {
		for _, ip := range rootServers {
			c.Authorities = append(c.Authorities, net.JoinHostPort(ip, fmt.Sprint(c.AuthPort)))
		}
	}
	return c, nil
}

// server completes a server's address with a port. Servers are given by IP
// address: a name would need the resolver under suspicion.
func server(text string, port int) (string, error) {
	host, p := text, fmt.Sprint(port)
	if h, given, err := net.SplitHostPort(text); err == nil {
		host, p = h, given
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil {
		return "", fmt.Errorf("DNS server %q must be an IP address, with or without a port", text)
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), p), nil
}

// resolvers lists the servers to ask: the configured ones, or this machine's.
func (t *target) resolvers() ([]string, error) {
	if len(t.config.Resolvers) > 0 {
		return t.config.Resolvers, nil
	}
	conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil, fmt.Errorf("read /etc/resolv.conf: %w", err)
	}
	var out []string
	for _, s := range conf.Servers {
		out = append(out, net.JoinHostPort(s, conf.Port))
	}
	if len(out) == 0 {
		return nil, errors.New("/etc/resolv.conf names no server")
	}
	return out, nil
}

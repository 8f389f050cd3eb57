package redisapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// Settings are the keys in quell.yaml that say where a Redis is. A connector
// embeds them in its own.
type Settings struct {
	URL           secret.String      `json:"url"`
	Username      string             `json:"username"`
	Password      secret.String      `json:"password"`
	DB            *int               `json:"db"`
	CAFile        string             `json:"ca_file"`
	CertFile      string             `json:"cert_file"`
	KeyFile       string             `json:"key_file"`
	ServerName    string             `json:"server_name"`
	SkipTLSVerify bool               `json:"skip_tls_verify"`
	ConnectWithin connector.Duration `json:"connect_within"`
}

// connectWithin bounds dialling, TLS, AUTH and PING together. Own value: a
// server that needs longer is of no use to its clients either, and redis-py
// and go-redis give up in the same order of magnitude.
const connectWithin = 2500 * time.Millisecond

// SettingList says what each of the Settings is, for Kind.Settings.
func SettingList() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, Secret: true, About: "redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path/to/socket?db=0"},
		{Name: "username", Type: probe.Text, Optional: true, About: "ACL user, where it does not stand in the url"},
		{Name: "password", Type: probe.Text, Optional: true, Secret: true, About: "password, where it does not stand in the url: env:NAME or file:PATH"},
		{Name: "db", Type: probe.Number, Optional: true, About: "number of the database, where it does not stand in the url"},
		{Name: "ca_file", Type: probe.Text, Optional: true, About: "certificates that may sign the server's (PEM); the system's otherwise"},
		{Name: "cert_file", Type: probe.Text, Optional: true, About: "our certificate, for servers that want one (PEM)"},
		{Name: "key_file", Type: probe.Text, Optional: true, About: "key of cert_file (PEM)"},
		{Name: "server_name", Type: probe.Text, Optional: true, About: "name that the certificate must bear; the url's host otherwise"},
		{Name: "skip_tls_verify", Type: probe.Bool, Default: "false", About: "accept any certificate"},
		{Name: "connect_within", Type: probe.Duration, Default: "2500ms", About: "longest time for connecting, TLS, AUTH and the first PING together"},
	}
}

// Address is where a Redis is and how we get in.
type Address struct {
	Network  string // "tcp" or "unix"
	Addr     string // host:port, or the path of the socket
	Host     string // empty for a socket
	Username string
	Password secret.String
	DB       int
	TLS      *tls.Config   // nil without TLS
	Within   time.Duration // bounds dialling, TLS, AUTH and PING together
	// Lenient lets one in to a server that answers BUSY: a script runs, and
	// only what stops it is heard.
	Lenient bool
}

// errURL deliberately repeats nothing of the url: it may hold a password.
var errURL = errors.New("url cannot be read: write it like redis://user:password@host:6379/0, rediss://… for TLS, or unix:///path/to/socket")

// Address reads the settings; relative files start from dir. Its errors repeat
// nothing of the url, which may hold a password.
func (s Settings) Address(dir string) (Address, error) {
	text := strings.TrimSpace(s.URL.Reveal())
	if text == "" {
		return Address{}, errors.New("url is missing: write it like redis://host:6379/0")
	}
	if !strings.Contains(text, "://") {
		text = "redis://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return Address{}, errURL
	}
	a := Address{Username: s.Username, Password: s.Password, Within: s.ConnectWithin.Duration}
	if a.Within <= 0 {
		a.Within = connectWithin
	}
	if u.User != nil {
		if name := u.User.Username(); name != "" && a.Username == "" {
			a.Username = name
		}
		if p, ok := u.User.Password(); ok && a.Password.Empty() {
			a.Password = secret.New(p)
		}
	}
	db := u.Query().Get("db")
	switch u.Scheme {
	case "redis", "rediss", "valkey", "valkeys":
		if u.Hostname() == "" {
			return Address{}, errors.New("url names no host: write it like redis://host:6379/0")
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		} else if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return Address{}, errors.New("the port in url is not a number from 1 to 65535")
		}
		a.Network, a.Host, a.Addr = "tcp", u.Hostname(), net.JoinHostPort(u.Hostname(), port)
		if path := strings.Trim(u.Path, "/"); path != "" {
			db = path
		}
	case "unix", "redis+unix":
		a.Network, a.Addr = "unix", u.Path
		if a.Addr == "" {
			return Address{}, errors.New("url names no socket: write it like unix:///run/redis/redis.sock")
		}
	default:
		return Address{}, fmt.Errorf("url begins with %q: redis://, rediss:// and unix:// are understood", u.Scheme+"://")
	}
	if db != "" {
		if a.DB, err = strconv.Atoi(db); err != nil || a.DB < 0 {
			return Address{}, fmt.Errorf("url names database %q: it is a number, like 0", db)
		}
	}
	if s.DB != nil {
		a.DB = *s.DB
	}
	if a.DB < 0 {
		return Address{}, fmt.Errorf("db is %d: it is a number from 0", a.DB)
	}
	if strings.HasSuffix(u.Scheme, "ss") || u.Scheme == "valkeys" {
		if a.TLS, err = s.tlsConfig(dir, a.Host); err != nil {
			return Address{}, err
		}
	}
	return a, nil
}

func (s Settings) tlsConfig(dir, host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName, InsecureSkipVerify: s.SkipTLSVerify}
	if c.ServerName == "" {
		c.ServerName = host
	}
	if s.CAFile != "" {
		pem, err := os.ReadFile(inDir(dir, s.CAFile))
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate", s.CAFile)
		}
	}
	if s.CertFile != "" || s.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(inDir(dir, s.CertFile), inDir(dir, s.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) || dir == "" {
		return path
	}
	return filepath.Join(dir, path)
}

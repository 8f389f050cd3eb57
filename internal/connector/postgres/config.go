package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// settings are the keys of a postgres target in quell.yaml.
type settings struct {
	Kind           string             `json:"kind"`
	URL            secret.String      `json:"url"`
	Password       secret.String      `json:"password"`
	AllowFunctions []string           `json:"allow_functions"`
	ConnectTimeout connector.Duration `json:"connect_timeout"`
	Window         connector.Duration `json:"window"`
}

// Defaults of the settings. Three seconds are enough for a TLS handshake and a
// login over any network that a service could use; a second between two samples
// is the flush interval of the server's own statistics.
const (
	defaultConnectTimeout = 2 * time.Second
	defaultWindow         = time.Second
	maxWindow             = 10 * time.Second
)

func settingSpecs() []connector.Setting {
	return []connector.Setting{
		{Name: "url", Type: probe.Text, Secret: true, About: "address as applications have it: postgres://user@host:5432/db, postgresql+asyncpg://…, or host=… dbname=…; socket directories work as host"},
		{Name: "password", Type: probe.Text, Secret: true, Optional: true, About: "where the address has none"},
		{Name: "allow_functions", Type: probe.List, Optional: true, About: "functions of your own that SQL fences may call, as schema.name: you vouch that they change nothing"},
		{Name: "connect_timeout", Type: probe.Duration, Default: "2s", About: "longest time for dialling and login"},
		{Name: "window", Type: probe.Duration, Default: "1s", About: "time between the two samples of questions about rates, 200ms to 10s"},
	}
}

// config is a checked form of the settings.
type config struct {
	conn           *pgconn.Config
	allow          map[string]bool // "schema.name", lower case as the catalog has it
	connectTimeout time.Duration
	window         time.Duration
	redact         *secret.Redactor
}

func readConfig(s connector.Settings) (config, error) {
	var set settings
	if err := s.Decode(&set); err != nil {
		return config{}, err
	}
	if set.URL.Empty() {
		return config{}, errors.New("url is missing: write the address of the database, or a reference like env:DATABASE_URL")
	}
	cfg := config{connectTimeout: defaultConnectTimeout, window: defaultWindow, allow: map[string]bool{}}
	if set.ConnectTimeout.Duration > 0 {
		cfg.connectTimeout = set.ConnectTimeout.Duration
	}
	if w := set.Window.Duration; w != 0 {
		if w < 200*time.Millisecond || w > maxWindow {
			return config{}, fmt.Errorf("window is %s: it must lie between 200ms and %s", w, maxWindow)
		}
		cfg.window = w
	}
	for _, name := range set.AllowFunctions {
		schema, fn, ok := strings.Cut(name, ".")
		if !ok || schema == "" || fn == "" || strings.ContainsAny(fn, "(. ") {
			return config{}, fmt.Errorf("allow_functions: %q is not of the form schema.name", name)
		}
		cfg.allow[name] = true
	}
	conn, err := parseAddress(set.URL)
	if err != nil {
		return config{}, err
	}
	if !set.Password.Empty() {
		conn.Password = set.Password.Reveal()
	}
	conn.ConnectTimeout = cfg.connectTimeout
	cfg.conn, cfg.redact = conn, secret.NewRedactor(set.URL, secret.New(conn.Password))
	return cfg, nil
}

// dropped are query parameters that drivers and frameworks read for themselves
// and that the server would refuse as unknown settings.
var dropped = []string{
	"pgbouncer", "connection_limit", "pool_timeout", "pool_size", "max_overflow", "schema", "statement_cache_size",
	"prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback", "socket_timeout",
	"command_timeout", "charset", "serverVersion", "reconnect", "pool", "encoding", "timezone", "prepareThreshold",
	"ssl", "tcpKeepAlive", "sslaccept", "client_encoding",
}

// parseAddress reads an address as it is found in the wild. Its errors never
// show the address, which holds the password.
func parseAddress(address secret.String) (*pgconn.Config, error) {
	text := strings.TrimSpace(address.Reveal())
	text = strings.TrimPrefix(text, "jdbc:")
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		base, driver, _ := strings.Cut(strings.ToLower(scheme), "+")
		switch base {
		case "postgres", "postgresql", "psql", "pgsql", "postgis", "cockroachdb":
		default:
			return nil, fmt.Errorf("the address begins with %s://, which is not a Postgres address", scheme)
		}
		_ = driver // the application's library: asyncpg, psycopg2, pg8000; we bring our own
		cleaned, err := cleanURL("postgres://" + rest)
		if err != nil {
			return nil, err
		}
		text = cleaned
	} else if !strings.Contains(text, "=") {
		return nil, errors.New("the address is neither a postgres:// URL nor of the form host=… dbname=…")
	}
	cfg, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("read the address: %s", addressProblem(err))
	}
	// What we set per transaction must not be overridden from the address.
	for name := range cfg.RuntimeParams {
		switch name {
		case "search_path", "application_name", "role":
		default:
			delete(cfg.RuntimeParams, name)
		}
	}
	cfg.RuntimeParams["application_name"] = ApplicationName
	return cfg, nil
}

// ApplicationName is how our own sessions are known on the server; every
// built-in question leaves them out.
const ApplicationName = "quell"

func cleanURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" {
		// A password with an unescaped @, # or / is the usual reason.
		return "", errors.New("the address is not a URL: a password in it must be percent-encoded (@ is %40, # is %23, / is %2F)")
	}
	q := u.Query()
	switch strings.ToLower(q.Get("ssl")) { // asyncpg, node-postgres, JDBC
	case "true", "1", "require", "no-verify":
		setDefault(q, "sslmode", "require")
	case "false", "0", "disable":
		setDefault(q, "sslmode", "disable")
	case "prefer", "allow", "verify-ca", "verify-full":
		setDefault(q, "sslmode", strings.ToLower(q.Get("ssl")))
	}
	if q.Get("sslmode") == "no-verify" { // node-postgres
		q.Set("sslmode", "require")
	}
	for _, name := range dropped {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func setDefault(q url.Values, name, value string) {
	if q.Get(name) == "" {
		q.Set(name, value)
	}
}

// addressProblem says what is wrong with an address, without the address.
func addressProblem(err error) string {
	var parse *pgconn.ParseConfigError
	if !errors.As(err, &parse) {
		return "it cannot be read"
	}
	cause := errors.Unwrap(err)
	text := err.Error()
	switch {
	case cause != nil && strings.Contains(cause.Error(), "no such file"):
		return "a certificate file that it names is not there"
	case strings.Contains(text, "port"):
		return "the port is not a number from 1 to 65535"
	case strings.Contains(text, "sslmode"):
		return "sslmode is one of disable, allow, prefer, require, verify-ca, verify-full"
	case strings.Contains(text, "tls"), strings.Contains(text, "sslcert"), strings.Contains(text, "sslrootcert"):
		return "its TLS settings do not fit together (sslcert needs sslkey; the files must be readable)"
	}
	return "it is neither a URL nor key=value pairs"
}

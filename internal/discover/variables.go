package discover

import (
	"io/fs"
	"net/url"
	"regexp"
	"strings"
)

func (l *look) readDotenv() {
	data, err := fs.ReadFile(l.world.Files, ".env")
	if err != nil {
		return
	}
	for _, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		name, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(name, "#") {
			l.dotenv[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
}

var addressVariable = regexp.MustCompile(`^(?:[A-Z0-9_]+_)?(?:DATABASE_URL|DATABASE_URI|DB_URL|POSTGRES_URL|POSTGRESQL_URL|REDIS_URL|REDIS_URI|BROKER_URL|VALKEY_URL|DSN)$|^(?:PROMETHEUS|LOKI|JAEGER|TEMPO)_URL$`)

// variables looks for the addresses that applications are configured with.
func (l *look) variables() {
	for _, name := range l.names() {
		if !addressVariable.MatchString(name) {
			continue
		}
		value, from := l.env(name)
		l.address(name, value, from)
	}
	if host, from := l.env("PGHOST"); host != "" {
		l.libpq(host, from)
	}
}

func (l *look) address(name, value, from string) {
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok {
		return
	}
	scheme, _, _ = strings.Cut(strings.ToLower(scheme), "+")
	t := Target{From: name + " in " + from, Settings: []Setting{{"url", "env:" + name}}}
	defaultPort := ""
	switch scheme {
	case "postgres", "postgresql":
		t.Kind, defaultPort = "postgres", "5432"
	case "redis", "rediss":
		t.Kind, defaultPort = "redis", "6379"
	case "http", "https":
		switch {
		case strings.HasPrefix(name, "PROMETHEUS"):
			t.Kind, defaultPort = "prometheus", "9090"
		case strings.HasPrefix(name, "LOKI"):
			t.Kind, defaultPort = "loki", "3100"
		case strings.HasPrefix(name, "JAEGER"):
			t.Kind, defaultPort = "otel", "16686"
		case strings.HasPrefix(name, "TEMPO"):
			t.Kind, defaultPort = "otel", "3200"
		default:
			return
		}
	case "mysql", "mariadb", "mongodb", "sqlite", "sqlite3", "amqp", "amqps", "mssql", "oracle":
		l.note(name + " in " + from + " is an address of the kind " + scheme + "://, which this release cannot ask")
		return
	default:
		return
	}
	// The address is read for host and port only; what else stands in it stays there.
	if u, err := url.Parse("x://" + rest); err == nil {
		t.host, t.port = u.Hostname(), u.Port()
	}
	if t.port == "" {
		t.port = defaultPort
	}
	t.Name = targetName(name, t.Kind)
	if c := l.composed[t.host]; c != nil {
		// The name has a meaning inside of the compose network only.
		if port := c.published(t.port); port != "" {
			return // found with its port on this machine
		}
		t.Hint = "the host " + t.host + " is known inside of the compose network only"
		t.Off = true
	}
	l.add(t)
}

// targetName is db for DATABASE_URL and orders-db for ORDERS_DATABASE_URL.
func targetName(variable, kind string) string {
	role := map[string]string{"postgres": "db", "redis": "cache", "prometheus": "prometheus", "loki": "loki", "otel": "traces"}[kind]
	if strings.HasSuffix(variable, "BROKER_URL") {
		role = "broker"
	}
	for _, suffix := range []string{"DATABASE_URL", "DATABASE_URI", "DB_URL", "POSTGRES_URL", "POSTGRESQL_URL", "REDIS_URL", "REDIS_URI", "BROKER_URL", "VALKEY_URL", "DSN", "PROMETHEUS_URL", "LOKI_URL", "JAEGER_URL", "TEMPO_URL"} {
		if rest, ok := strings.CutSuffix(variable, suffix); ok {
			rest = strings.Trim(strings.ToLower(strings.ReplaceAll(rest, "_", "-")), "-")
			if rest == "" || rest == "celery" || rest == "sqlalchemy" {
				return role
			}
			return rest + "-" + role
		}
	}
	return role
}

// libpq reads the PG* variables that psql and libpq know.
func (l *look) libpq(host, from string) {
	t := Target{Name: "db", Kind: "postgres", From: "PGHOST in " + from, host: host, port: "5432"}
	text := "host=${env:PGHOST}"
	for _, v := range []struct{ name, key string }{{"PGPORT", "port"}, {"PGUSER", "user"}, {"PGDATABASE", "dbname"}, {"PGSSLMODE", "sslmode"}} {
		if value, _ := l.env(v.name); value != "" {
			text += " " + v.key + "=${env:" + v.name + "}"
			if v.name == "PGPORT" {
				t.port = value
			}
		}
	}
	t.Settings = []Setting{{"url", text}}
	if password, _ := l.env("PGPASSWORD"); password != "" {
		t.Settings = append(t.Settings, Setting{"password", "env:PGPASSWORD"})
	}
	l.add(t)
}

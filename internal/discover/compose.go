package discover

import (
	"fmt"
	"io/fs"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// composeService is what we read of a service in a compose file.
type composeService struct {
	name    string
	image   string
	build   bool
	command string
	ports   []composePort
	env     map[string]string // values as written, ${…} unresolved
	depends []string
}

type composePort struct{ published, inside string }

// published is the port of this machine that leads to a port of the container.
func (c *composeService) published(inside string) string {
	for _, p := range c.ports {
		if p.inside == inside {
			return p.published
		}
	}
	return ""
}

var composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}

// compose reads the first compose file that there is.
func (l *look) compose() {
	for _, name := range composeFiles {
		data, err := fs.ReadFile(l.world.Files, name)
		if err != nil {
			continue
		}
		var doc struct {
			Services map[string]map[string]any `yaml:"services"`
		}
		if err := yaml.Unmarshal(data, &doc); err != nil {
			l.note(name + " could not be read as YAML and was left out")
			return
		}
		l.composed = map[string]*composeService{}
		for service, body := range doc.Services {
			l.composed[service] = l.composeService(service, body)
		}
		l.fromCompose(name)
		return
	}
}

func (l *look) composeService(name string, body map[string]any) *composeService {
	c := &composeService{name: name, env: map[string]string{}}
	c.image, _ = body["image"].(string)
	c.image = l.interpolate(c.image)
	c.build = body["build"] != nil
	c.command = strings.TrimSpace(strings.Join(words(body["command"]), " "))
	for _, p := range list(body["ports"]) {
		if port, ok := l.port(p); ok {
			c.ports = append(c.ports, port)
		}
	}
	switch env := body["environment"].(type) {
	case map[string]any:
		for k, v := range env {
			if v != nil {
				c.env[k] = fmt.Sprint(v)
			} else {
				c.env[k] = "${" + k + "}"
			}
		}
	case []any:
		for _, e := range env {
			k, v, ok := strings.Cut(fmt.Sprint(e), "=")
			if !ok {
				v = "${" + k + "}"
			}
			c.env[k] = v
		}
	}
	switch d := body["depends_on"].(type) {
	case []any:
		c.depends = words(d)
	case map[string]any:
		for k := range d {
			c.depends = append(c.depends, k)
		}
	}
	sort.Strings(c.depends)
	return c
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func words(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		out := make([]string, len(v))
		for i := range v {
			out[i] = fmt.Sprint(v[i])
		}
		return out
	}
	return nil
}

// port reads "8000:80", "127.0.0.1:8000:80/tcp" and {target: 80, published: 8000}.
func (l *look) port(v any) (composePort, bool) {
	if long, ok := v.(map[string]any); ok {
		p := composePort{published: l.interpolate(fmt.Sprint(long["published"])), inside: fmt.Sprint(long["target"])}
		return p, isPort(p.published) && isPort(p.inside)
	}
	text, _, _ := strings.Cut(l.interpolate(fmt.Sprint(v)), "/")
	parts := strings.Split(text, ":")
	if len(parts) < 2 {
		return composePort{}, false // a port of this machine that changes with each start
	}
	p := composePort{published: parts[len(parts)-2], inside: parts[len(parts)-1]}
	return p, isPort(p.published) && isPort(p.inside)
}

var port = regexp.MustCompile(`^[0-9]{1,5}$`)

func isPort(text string) bool { return port.MatchString(text) }

var interpolation = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// interpolate fills ${NAME:-default} as compose does, from the environment and
// .env. It is for ports and images only, never for what may be a secret.
func (l *look) interpolate(text string) string {
	return interpolation.ReplaceAllStringFunc(text, func(m string) string {
		g := interpolation.FindStringSubmatch(m)
		if value, _ := l.env(g[1] + g[3]); value != "" {
			return value
		}
		return g[2]
	})
}

// role says what a container is by its image.
func (c *composeService) role() string {
	image, _, _ := strings.Cut(c.image, "@")
	base := image[strings.LastIndexByte(image, '/')+1:]
	base, _, _ = strings.Cut(base, ":")
	for _, r := range []struct{ part, role string }{
		{"postgres-exporter", "other"}, {"postgres_exporter", "other"}, {"redis-exporter", "other"}, {"redis_exporter", "other"},
		{"redis-commander", "other"}, {"redisinsight", "other"}, {"pgadmin", "other"}, {"pgbouncer", "other"}, {"nginx-exporter", "other"},
		{"postgres", "postgres"}, {"postgis", "postgres"}, {"timescaledb", "postgres"}, {"pgvector", "postgres"},
		{"redis", "redis"}, {"valkey", "redis"}, {"prometheus", "prometheus"}, {"loki", "loki"},
		{"jaeger", "jaeger"}, {"tempo", "tempo"},
		{"nginx", "web"}, {"caddy", "web"}, {"traefik", "web"}, {"haproxy", "web"},
		{"grafana", "other"}, {"promtail", "other"}, {"alloy", "other"}, {"rabbitmq", "other"}, {"mysql", "other"}, {"mariadb", "other"},
		{"mongo", "other"}, {"kafka", "other"}, {"elasticsearch", "other"}, {"minio", "other"}, {"mailhog", "other"}, {"mailpit", "other"}, {"adminer", "other"},
	} {
		if strings.Contains(base, r.part) {
			return r.role
		}
	}
	if c.build || c.image != "" {
		return "app"
	}
	return "other"
}

// fromCompose turns containers into targets and services.
func (l *look) fromCompose(file string) {
	names := make([]string, 0, len(l.composed))
	for name := range l.composed {
		names = append(names, name)
	}
	sort.Strings(names)
	known := map[string]string{} // container → target
	for _, name := range names {
		c := l.composed[name]
		from := "service " + name + " in " + file
		switch c.role() {
		case "postgres":
			known[name] = l.composeTarget(c, from, "postgres", "5432")
		case "redis":
			known[name] = l.composeTarget(c, from, "redis", "6379")
		case "prometheus":
			known[name] = l.composeTarget(c, from, "prometheus", "9090")
		case "loki":
			known[name] = l.composeTarget(c, from, "loki", "3100")
		case "jaeger":
			l.composeTarget(c, from, "otel", "16686")
		case "tempo":
			l.composeTarget(c, from, "otel", "3200")
		}
	}
	for _, name := range names {
		c := l.composed[name]
		if role := c.role(); role != "app" && role != "web" {
			continue
		}
		s := Service{Name: name, From: "service " + name + " in " + file, DependsOn: l.dependencies(c, known)}
		if len(c.ports) > 0 {
			scheme := "http://"
			if c.ports[0].inside == "443" {
				scheme = "https://"
			}
			s.URL = scheme + "127.0.0.1:" + c.ports[0].published
		}
		if s.URL == "" && len(s.DependsOn) == 0 {
			continue
		}
		l.found.Services = append(l.found.Services, s)
	}
	// A proxy depends on the services behind it.
	for i := range l.found.Services {
		s := &l.found.Services[i]
		for _, d := range l.composed[s.Name].depends {
			for _, other := range l.found.Services {
				if other.Name == d && d != s.Name {
					s.DependsOn = append(s.DependsOn, d)
				}
			}
		}
	}
}

func (l *look) composeTarget(c *composeService, from, kind, inside string) string {
	t := Target{Name: c.name, Kind: kind, From: from, host: "127.0.0.1", port: c.published(inside)}
	port := t.port
	if port == "" {
		t.Off = true
		t.host, t.port, port = c.name, inside, inside
		t.Hint = "publish its port " + inside + ", or run Quell inside of the compose network"
	}
	address := t.host + ":" + port
	switch kind {
	case "postgres":
		user, database := "postgres", ""
		if v := l.interpolate(c.env["POSTGRES_USER"]); v != "" {
			user = v
		}
		if database = l.interpolate(c.env["POSTGRES_DB"]); database == "" {
			database = user
		}
		t.Settings = []Setting{{"url", "postgres://" + user + "@" + address + "/" + database}}
		if c.env["POSTGRES_PASSWORD"] != "" || c.env["POSTGRES_PASSWORD_FILE"] != "" {
			l.password(&t, c.env["POSTGRES_PASSWORD"], "POSTGRES_PASSWORD")
		}
	case "redis":
		t.Settings = []Setting{{"url", "redis://" + address + "/0"}}
		if _, after, ok := strings.Cut(c.command, "requirepass"); ok || c.env["REDIS_PASSWORD"] != "" {
			word := c.env["REDIS_PASSWORD"]
			if fields := strings.Fields(after); len(fields) > 0 {
				word = fields[0]
			}
			l.password(&t, word, "REDIS_PASSWORD")
		}
	default:
		t.Settings = []Setting{{"url", "http://" + address}}
	}
	return l.add(t)
}

// password refers to the variable that the compose file takes the password
// from; one that stands in it in plain text is not copied.
func (l *look) password(t *Target, written, variable string) {
	if m := interpolation.FindStringSubmatch(strings.Trim(written, `"'`)); m != nil && m[0] == strings.Trim(written, `"'`) {
		variable = m[1] + m[3]
	} else if !t.Off {
		t.Hint = "put the password into the environment or .env as " + variable
	}
	t.Settings = append(t.Settings, Setting{"password", "env:" + variable})
}

// dependencies are the targets that a container names in depends_on or in an
// address of its environment.
func (l *look) dependencies(c *composeService, known map[string]string) []string {
	names := map[string]bool{}
	for _, d := range c.depends {
		names[d] = true
	}
	for _, value := range c.env {
		if _, rest, ok := strings.Cut(l.interpolate(value), "://"); ok {
			host := rest[strings.LastIndexByte(rest, '@')+1:]
			if end := strings.IndexAny(host, ":/?"); end >= 0 {
				host = host[:end]
			}
			names[host] = true
		}
	}
	var out []string
	for name := range names {
		if target := known[name]; target != "" {
			out = append(out, target)
		}
	}
	sort.Strings(out)
	return out
}

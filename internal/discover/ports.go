package discover

import (
	"io/fs"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Listening lists the TCP ports that something listens on, from /proc/net below
// root. It is empty where that cannot be read.
func Listening(root fs.FS) []int {
	seen := map[int]bool{}
	for _, name := range []string{"proc/net/tcp", "proc/net/tcp6"} {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[3] != "0A" { // 0A is LISTEN
				continue
			}
			_, hex, ok := strings.Cut(fields[1], ":")
			if port, err := strconv.ParseInt(hex, 16, 32); ok && err == nil {
				seen[int(port)] = true
			}
		}
	}
	out := make([]int, 0, len(seen))
	for port := range seen {
		out = append(out, port)
	}
	sort.Ints(out)
	return out
}

func (l *look) listens(port int) bool {
	for _, p := range l.world.Listening {
		if p == port {
			return true
		}
	}
	return false
}

// ports adds the servers that listen on their usual ports.
func (l *look) ports() {
	for _, known := range []struct {
		port             int
		name, kind, hint string
	}{
		{5432, "db", "postgres", "check user and database, and add a password if it needs one"},
		{6379, "cache", "redis", "add a password if it needs one"},
		{9090, "prometheus", "prometheus", "check that this is a Prometheus"},
		{3100, "loki", "loki", "check that this is a Loki"},
		{16686, "traces", "otel", "check that this is a Jaeger"},
		{3200, "traces", "otel", "check that this is a Tempo"},
	} {
		if !l.listens(known.port) {
			continue
		}
		text := strconv.Itoa(known.port)
		scheme := map[string]string{"postgres": "postgres://postgres@", "redis": "redis://"}[known.kind]
		if scheme == "" {
			scheme = "http://"
		}
		end := map[string]string{"postgres": "/postgres", "redis": "/0"}[known.kind]
		l.add(Target{Name: known.name, Kind: known.kind, From: "port " + text + " of this machine, which something listens on", Hint: known.hint,
			Settings: []Setting{{"url", scheme + "127.0.0.1:" + text + end}}, host: "127.0.0.1", port: text})
	}
}

var portFlag = regexp.MustCompile(`(?:--port[= ]|-p |--bind[= ]\S*:|-b \S*:|--listen[= ]\S*:|runserver \S*:)(\d{2,5})\b`)

// procfile reads the line of the web process.
func (l *look) procfile() {
	data, err := fs.ReadFile(l.world.Files, "Procfile")
	if err != nil {
		return
	}
	for _, line := range strings.Split(string(data), "\n") {
		name, command, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name != "web" {
			continue
		}
		port := ""
		if m := portFlag.FindStringSubmatch(command); m != nil {
			port = m[1]
		} else if v, _ := l.env("PORT"); isPort(v) {
			port = v
		}
		if port == "" {
			l.note("the web process of the Procfile names no port: add its url to the service")
			continue
		}
		l.service(Service{Name: l.projectName(), URL: "http://127.0.0.1:" + port, From: "the web process of the Procfile"})
	}
}

// service adds a service unless one of the name or the address is there.
func (l *look) service(s Service) {
	for i, have := range l.found.Services {
		if have.URL == s.URL && s.URL != "" {
			return
		}
		if have.Name == s.Name {
			if have.URL == "" {
				l.found.Services[i].URL = s.URL
			}
			return
		}
	}
	l.found.Services = append(l.found.Services, s)
}

var notName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func (l *look) projectName() string {
	name := strings.Trim(notName.ReplaceAllString(l.world.Dir, "-"), "-._")
	if name == "" {
		return "app"
	}
	return name
}

// webPorts are the usual ports of applications and web servers, the likeliest first.
var webPorts = []int{8000, 8080, 5000, 3000, 8888, 80}

// project makes a service of the project itself where none was found: with
// everything that was found in its environment, and the first usual web port
// that something listens on.
func (l *look) project() {
	if len(l.found.Services) == 0 {
		s := Service{Name: l.projectName(), From: "the name of this directory"}
		for _, port := range webPorts {
			if l.listens(port) {
				s.URL = "http://127.0.0.1:" + strconv.Itoa(port)
				s.From += "; something listens on port " + strconv.Itoa(port) + ": check that it is this service"
				break
			}
		}
		if s.URL == "" && !l.has("postgres") && !l.has("redis") {
			return
		}
		l.found.Services = append(l.found.Services, s)
	}
	if len(l.found.Services) != 1 {
		return
	}
	// With a single service, all that was found belongs to it.
	s := &l.found.Services[0]
	for _, t := range l.found.Targets {
		if (t.Kind == "postgres" || t.Kind == "redis") && !contains(s.DependsOn, t.Name) {
			s.DependsOn = append(s.DependsOn, t.Name)
		}
	}
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

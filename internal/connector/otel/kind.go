package otel

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

// The sorts of work that a span may be, as its service sees it.
const (
	own      = "own"      // the service's own code
	database = "database" //
	cache    = "cache"    //
	queue    = "queue"    // sending to it or receiving
	call     = "call"     // another service, and all that it does
)

// part is where time goes: what sort of work, with whom, what exactly.
type part struct{ kind, peer, service, operation string }

// of says what a span is to the service.
func of(service string, s *span) part {
	p := part{kind: own, service: s.service, operation: s.operation()}
	system := s.attr("db.system", "db.system.name", "db.type")
	switch {
	case s.service != service:
		p.kind, p.peer = call, s.service
	case system == "redis" || system == "valkey" || system == "memcached" || system == "dragonfly":
		p.kind, p.peer = cache, peer(s, system)
	case system != "":
		p.kind, p.peer = database, peer(s, system)
	case s.attr("messaging.system") != "":
		p.kind, p.peer = queue, peer(s, s.attr("messaging.system"))
	case s.kind == "client" || s.kind == "producer":
		p.kind, p.peer = call, peer(s, "")
	}
	return p
}

// peer names whom a span speaks to: the service that answers it, if its side
// was traced, otherwise what the span says of the other side.
func peer(s *span, system string) string {
	for _, c := range s.children {
		if c.service != s.service && c.service != "" {
			return c.service
		}
	}
	name := s.attr("peer.service")
	if name == "" {
		name = s.attr("db.namespace", "db.name", "messaging.destination.name", "messaging.destination")
	}
	if name == "" {
		name = host(s.attr("server.address", "net.peer.name", "http.host", "net.peer.ip", "network.peer.address", "peer.hostname"))
	}
	if name == "" {
		if u, err := url.Parse(s.attr("url.full", "http.url")); err == nil {
			name = u.Hostname()
		}
	}
	if name == "" {
		name = s.attr("rpc.service")
	}
	switch {
	case system == "":
		return name
	case name == "":
		return system
	}
	return system + " " + name
}

func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}

// operation is what a span does, with what changes from one to the next taken
// out: the statement, the route, or its name.
func (s *span) operation() string {
	if text := s.attr("db.statement", "db.query.text"); text != "" {
		return fingerprint(text)
	}
	route := s.attr("http.route")
	method := s.attr("http.request.method", "http.method")
	switch {
	case route != "" && method != "":
		return method + " " + cut(route, 200)
	case strings.EqualFold(s.name, method), strings.EqualFold(s.name, "HTTP "+method), s.name == "":
		// The name says the method alone: the path tells one call from another.
		if u, err := url.Parse(s.attr("url.full", "http.url", "url.path", "http.target")); err == nil && u.Path != "" {
			return strings.TrimSpace(method + " " + template(u.Path))
		}
	}
	return cut(template(s.name), 200)
}

var (
	identifiers = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b[0-9a-fA-F]{16,}\b|\b[0-9]+\b`)
	texts       = regexp.MustCompile(`'(?:[^'\\]|''|\\.)*'`)
	numbers     = regexp.MustCompile(`\$[0-9]+|%\([a-zA-Z0-9_]+\)s|%s|\b[0-9]+(?:\.[0-9]+)?\b|:[a-zA-Z_][a-zA-Z0-9_]*\b`)
	lists       = regexp.MustCompile(`\(\s*\?(?:\s*,\s*\?)+\s*\)`)
	spaces      = regexp.MustCompile(`\s+`)
	comments    = regexp.MustCompile(`/\*.*?\*/`)
)

// template takes ids out of a path or a name.
func template(text string) string { return identifiers.ReplaceAllString(text, "?") }

// fingerprint takes values out of a statement, so that two that differ in them
// alone are the same. It also keeps people's data out of evidence.
func fingerprint(statement string) string {
	s := statement[:min(len(statement), 4000)]
	s = comments.ReplaceAllString(s, " ")
	s = texts.ReplaceAllString(s, "?")
	s = strings.ReplaceAll(s, "::", "\x00") // a cast of Postgres is no parameter
	s = numbers.ReplaceAllString(s, "?")
	s = strings.ReplaceAll(s, "\x00", "::")
	s = lists.ReplaceAllString(s, "(?…)")
	return cut(strings.TrimSpace(spaces.ReplaceAllString(s, " ")), 200)
}

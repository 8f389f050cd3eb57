// Package gateway reads what proxies and balancers write of the servers behind
// them: which one refuses, hangs, is taken out, and what they turn away themselves.
package gateway

import (
	"regexp"
	"strings"
)

// Complaint is one line of an error log, taken apart.
type Complaint struct {
	Level    string // "error"
	Text     string // what happened, without the facts behind it
	Upstream string // address or name of the server that it is about; empty for none
	Client   string
	Request  string // its first line: "GET /items?x=1 HTTP/1.1"
	kind     string // where the line itself says it, and no text has to be looked at
}

// complaintHead is date, level and process: 2026/01/02 03:04:05 [error] 12#12: *34 text.
var complaintHead = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[([a-z]+)\] \d+#\d+: (?:\*\d+ )?`)

// Read takes a line of nginx or of HAProxy apart; false where it is neither's.
func Read(line string) (Complaint, bool) {
	if c, ok := readHAProxy(line); ok {
		return c, true
	}
	return readNginx(line)
}

func readNginx(line string) (Complaint, bool) {
	head := complaintHead.FindStringSubmatch(line)
	if head == nil {
		return Complaint{}, false
	}
	c := Complaint{Level: head[1], Text: strings.TrimRight(line[len(head[0]):], "\r\n")}
	// The facts come last, each behind a comma: client, server, request, upstream.
	rest := c.Text
	if i := strings.Index(rest, ", client: "); i >= 0 {
		c.Text, rest = rest[:i], rest[i:]
		c.Client = fact(rest, "client")
		c.Request = strings.Trim(fact(rest, "request"), `"`)
		c.Upstream = addressOf(strings.Trim(fact(rest, "upstream"), `"`))
	}
	return c, true
}

// fact is the value of one of the facts behind a message.
func fact(text, name string) string {
	_, rest, ok := strings.Cut(text, ", "+name+": ")
	if !ok {
		return ""
	}
	if strings.HasPrefix(rest, `"`) {
		if end := strings.Index(rest[1:], `"`); end >= 0 {
			return rest[:end+2]
		}
		return rest
	}
	value, _, _ := strings.Cut(rest, ",")
	return value
}

// addressOf is the server in what nginx calls an upstream: a URL, a socket, or
// an address alone.
func addressOf(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if strings.HasPrefix(s, "unix:") {
		path, _, _ := strings.Cut(strings.TrimPrefix(s, "unix:"), ":")
		return "unix:" + path
	}
	host, _, _ := strings.Cut(s, "/")
	return host
}

// troubleKind is one sort of trouble that nginx tells of.
type troubleKind struct {
	name, means string
	// all of a list must stand in the text, of at least one list; the texts are
	// those of nginx's own sources, and of the operating system's errors.
	marks [][]string
}

// kinds are asked in order: the first that fits counts.
var kinds = []troubleKind{
	{"no_live", "every server of the group is taken out: nginx answers 502 by itself", [][]string{{"no live upstreams"}}},
	{"refused", "a server refuses connections: its process is dead, or listens elsewhere", [][]string{{"(111:", "upstream"}}},
	{"unroutable", "there is no way to a server", [][]string{{"(113:"}, {"(101:"}, {"(100:"}}},
	{"no_socket", "the socket of a server is not there: its process is dead", [][]string{{"connect() to unix:", "(2:"}, {"connect()", "(2: No such file"}}},
	{"backlog_full", "the queue of a server's socket is full: its process accepts too slowly", [][]string{{"connect()", "(11:"}}},
	{"connect_timeout", "a server does not take connections: silence on the way, or a full queue", [][]string{{"(110:", "while connecting to upstream"}}},
	{"read_timeout", "a server took the request and did not answer in time: stuck, or far too slow", [][]string{{"upstream timed out"}}},
	{"hung_up", "a server hung up before it answered: a worker was killed, or its keep-alive is shorter than nginx's", [][]string{
		{"upstream prematurely closed connection"}, {"upstream closed prematurely"}, {"(104:", "upstream"}, {"(32:", "upstream"},
	}},
	{"too_big_header", "headers of an answer are larger than proxy_buffer_size: often cookies", [][]string{{"upstream sent too big header"}}},
	{"invalid_header", "a server does not speak what nginx expects: wrong port or protocol", [][]string{{"upstream sent no valid"}, {"upstream sent invalid header"}, {"upstream sent invalid"}, {"upstream sent unsupported"}}},
	{"ejected", "a server was taken out for fail_timeout", [][]string{{"upstream server temporarily disabled"}}},
	{"not_resolved", "a name of a server does not resolve", [][]string{{"could not be resolved"}, {"host not found"}, {"no resolver defined"}}},
	{"tls_upstream", "the TLS handshake with a server failed", [][]string{
		{"SSL_do_handshake() failed", "upstream"}, {"peer closed connection in SSL handshake", "upstream"}, {"upstream SSL certificate"}, {"SSL handshaking to upstream"},
	}},
	{"certificate", "a certificate or key cannot be loaded", [][]string{{"cannot load certificate"}, {"key values mismatch"}, {"SSL_CTX_use_PrivateKey"}, {"cannot load certificate key"}}},
	{"tls_client", "TLS handshakes of clients fail", [][]string{{"SSL_do_handshake() failed"}, {"while SSL handshaking"}, {"SSL_read() failed"}}},
	{"rate_limited", "requests are turned away by limit_req", [][]string{{"limiting requests"}}},
	{"delayed", "requests are held back by limit_req", [][]string{{"delaying request"}}},
	{"connections_limited", "requests are turned away by limit_conn", [][]string{{"limiting connections"}}},
	{"body_too_large", "requests are larger than client_max_body_size: 413", [][]string{{"client intended to send too large"}}},
	{"workers_full", "worker_connections are used up: new connections are dropped", [][]string{{"worker_connections are not enough"}, {"worker_connections exceed"}}},
	{"files", "nginx may not open more files or sockets", [][]string{{"(24:"}, {"(23:"}}},
	{"ports", "no local port is left for connections to a server", [][]string{{"(99:"}}},
	{"memory", "there is no memory left", [][]string{{"(12:"}, {"could not allocate"}}},
	{"space", "the disk is full", [][]string{{"(28:"}, {"(122:"}}},
	{"denied", "nginx may not read or reach something", [][]string{{"(13:"}, {"access forbidden by rule"}, {"directory index of"}}},
	{"bind", "an address cannot be bound", [][]string{{"bind() to"}, {"still could not bind"}}},
	{"worker_died", "a worker of nginx itself died", [][]string{{"exited on signal"}, {"exited with fatal code"}}},
	{"cycle", "a redirect inside of nginx goes in circles", [][]string{{"redirection cycle"}}},
	{"buffered", "bodies or answers are larger than the buffers and go through the disk", [][]string{{"is buffered to a temporary file"}}},
	{"not_found", "a file that was asked for is not there", [][]string{{"(2: No such file"}, {"is not found"}}},
	{"client_gone", "clients went away", [][]string{{"client prematurely closed"}, {"client closed"}, {"client timed out"}, {"(104:", "client"}}},
}

// Kinds lists the names that Kind gives, but for "other" and "".
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Kind names the trouble of a line; "" for one that is none.
func (c Complaint) Kind() string {
	if c.kind != "" {
		return c.kind
	}
	for _, k := range kinds {
		for _, all := range k.marks {
			if containsAll(c.Text, all) {
				return k.name
			}
		}
	}
	switch c.Level {
	case "error", "crit", "alert", "emerg":
		return "other"
	}
	return ""
}

func containsAll(text string, marks []string) bool {
	for _, m := range marks {
		if !strings.Contains(text, m) {
			return false
		}
	}
	return true
}

// Meaning is what a kind says to a person.
func Meaning(name string) string {
	for _, k := range kinds {
		if k.name == name {
			return k.means
		}
	}
	return "something else"
}

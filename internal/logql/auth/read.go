package auth

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/logql/request"
)

// Line is a log line as its own format tells it, and Field a name and a value of it.
type (
	Line  = request.Line
	Field = request.Field
)

// Outcome is what came of an attempt.
type Outcome uint8

// Outcomes of an event.
const (
	Refused Outcome = iota + 1
	In              // somebody logged in
	Served          // a request was answered, so whoever sent it was let through
)

// Event is one attempt.
type Event struct {
	At       int64
	Outcome  Outcome
	Reason   Reason // of a refusal
	User     string
	IP       string
	Instance string // the process or host that decided
	Session  string // id of the session or the token, where the line has one
	Request  string // id of the request, where the line has one
	Access   bool   // told by an access log: a status and not a reason
	Sample   string // the line, shortened; of refusals with a reason
	plain    bool   // told by a text access log: that of the gateway, mostly
	paired   bool   // a line of the access log was taken for the same
	// Of a login that is told by its status alone: where, and which status.
	path   string
	status int16
}

// Reader turns lines into events. It is used by one goroutine.
type Reader struct {
	lower []byte
	names map[string]string // strings once made
}

const maxKept = 20_000

// keep makes a string of bytes, one for all that are equal.
func (r *Reader) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := r.names[string(b)]; ok {
		return s
	}
	if len(r.names) >= maxKept || r.names == nil {
		r.names = map[string]string{}
	}
	s := string(b)
	r.names[s] = s
	return s
}

// facts are the fields that matter, by what they mean.
type facts struct {
	user, session, ip, instance, pid, request, path, method []byte
	status                                                  int
	reason                                                  []byte // what the line calls its reason
}

// Read gives the event of a line; false where it tells none.
func (r *Reader) Read(l Line) (Event, bool) {
	f := r.facts(l)
	e := Event{At: l.At}
	if f.status == 0 || len(f.path) == 0 {
		e.plain = readAccess(l.Text, &f)
	}
	said, reason := Outcome(0), Reason("")
	if !e.plain { // an access log says it by its status, and its words are those of addresses and browsers
		said, reason = r.said(l, f)
	}
	isAccess := f.status != 0 && (len(f.path) > 0 || len(f.method) > 0)
	switch {
	case said == 0 && !isAccess:
		return e, false
	case said != 0 && (reason.told() || !isAccess || said == In):
		e.Outcome, e.Reason = said, reason
		if said == Refused && f.status >= 200 && f.status < 300 && !reason.told() {
			return e, false
		}
	default:
		e.Access = true
		if !e.fromStatus(f) {
			return e, false
		}
	}
	e.User, e.Session, e.Request = r.keep(f.user), r.keep(f.session), r.keep(f.request)
	e.IP = r.keep(address(f.ip))
	if e.Outcome == In && e.Access {
		path, _, _ := bytes.Cut(f.path, []byte("?"))
		e.path, e.status = r.keep(path), int16(f.status)
	}
	e.Instance = r.keep(f.instance)
	if len(f.pid) > 0 && len(f.instance)+len(f.pid) < 100 {
		e.Instance = r.keep(append(append(append([]byte{}, f.instance...), '/'), f.pid...))
	}
	if e.Outcome != Served && !e.Access {
		fromText(l.Message, &e, r)
	}
	if e.Outcome == Refused && e.Reason.told() {
		e.Sample = string(l.Message[:min(len(l.Message), 200)])
	}
	return e, true
}

// said looks for what the words of a line tell. What the line itself calls its
// reason is heard first.
func (r *Reader) said(l Line, f facts) (Outcome, Reason) {
	reason := Reason("")
	if len(f.reason) > 0 {
		r.lower = appendLower(append(r.lower[:0], "reason "...), f.reason)
		if !elsewhere.Match(r.lower) {
			reason = reasonOf(r.lower)
		}
	}
	about := r.about(l.Message)
	if reason.told() && (about || f.status == 401 || f.status == 403) && !elsewhere.Match(r.lower) {
		return Refused, reason
	}
	if !about {
		return 0, ""
	}
	if elsewhere.Match(r.lower) {
		return 0, ""
	}
	if reason := reasonOf(r.lower); reason != "" && (reason.told() || f.status == 0 || f.status >= 400) {
		if reason == Other && len(f.method) > 0 && bytes.Contains(l.Text, []byte(" HTTP/")) {
			return 0, "" // "401 Unauthorized" of an access log is its status
		}
		return Refused, reason
	}
	if accepted.Match(r.lower) && !denies.Match(r.lower) {
		return In, ""
	}
	return 0, ""
}

var denies = regexp.MustCompile(`\bnot\b|\bfail|\bno\b|logged out|could not|unable`)

// about reports whether a text speaks of logins at all, and leaves it in lower
// case.
func (r *Reader) about(text []byte) bool {
	r.lower = r.lower[:0]
	first, rest, more := bytes.Cut(text, []byte("\n"))
	r.lower = appendLower(r.lower, first[:min(len(first), 500)])
	if more { // a trace: what it is about stands at its ends, and in its middle the names of files
		last := bytes.TrimSpace(rest)
		last = last[bytes.LastIndexByte(last, '\n')+1:]
		r.lower = appendLower(append(r.lower, ' '), last[:min(len(last), 500)])
	}
	for _, m := range mentions {
		if bytes.Contains(r.lower, m) {
			return true
		}
	}
	return false
}

func appendLower(to, from []byte) []byte {
	for _, c := range from {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

func reasonOf(lower []byte) Reason {
	for _, p := range phrases {
		if p.is.Match(lower) {
			return p.reason
		}
	}
	return ""
}

// loginPath is where people log in.
var loginPath = regexp.MustCompile(`(?i)/(log-?in|sign-?in|logon|auth|authenticate|token|tokens|sessions?|oauth2?/token|j_security_check|wp-login\.php)/?(\?|$)`)

// fromStatus judges a request by its status alone.
func (e *Event) fromStatus(f facts) bool {
	login := loginPath.Match(f.path) && (len(f.method) == 0 || bytes.EqualFold(f.method, []byte("POST")))
	switch s := f.status; {
	case s == 401 && login, login && (s == 400 || s == 403 || s == 422 || s == 423 || s == 429):
		e.Outcome, e.Reason = Refused, Login
	case login && s >= 500:
		e.Outcome, e.Reason = Refused, Service
	case s == 401:
		e.Outcome, e.Reason = Refused, Other
	case login && s >= 200 && s < 400:
		e.Outcome = In
	case s >= 200 && s < 400:
		e.Outcome = Served
	default:
		return false
	}
	return true
}

// facts sorts the fields of a line by their usual names.
func (r *Reader) facts(l Line) facts {
	var f facts
	rank := [4]int{99, 99, 99, 99}
	better := func(slot, n int, into *[]byte, value []byte) {
		if n < rank[slot] && len(value) > 0 && len(value) < 200 {
			rank[slot], *into = n, value
		}
	}
	for _, field := range l.Fields {
		name, v := field.Name, field.Value
		switch request.PartOf(name) {
		case request.Target, request.Pattern:
			better(3, 1, &f.path, v)
		case request.Method:
			f.method = v
		case request.Opening:
			if parts := bytes.Fields(v); len(parts) >= 2 {
				f.method, f.path = parts[0], parts[1]
			}
		case request.Status:
			if n, ok := request.StatusOf(v); ok {
				f.status = n
			}
		}
		if n, ok := request.AddressRank(name); ok {
			if n == 0 {
				v = firstOf(v)
			}
			better(1, n, &f.ip, v)
		}
		if request.IsRequestID(name) && len(f.request) == 0 && !bytes.ContainsAny(v, " /") {
			f.request = v
		}
		switch string(name) {
		case "user_id", "userId", "userid", "user", "uid", "user_name", "userName":
			better(0, 1, &f.user, v)
		case "username", "login", "email", "account", "account_id", "sub", "subject", "principal", "details_user", "details_username", "details_email", "details_user_id", "user_id_hash":
			better(0, 2, &f.user, v)
		case "addr", "details_ip", "details_source_ip":
			better(1, 3, &f.ip, v)
		case "instance", "instance_id", "replica", "pod", "pod_name", "kubernetes_pod_name", "task_id", "container", "container_id", "worker", "worker_id":
			better(2, 1, &f.instance, v)
		case "host", "hostname", "node", "server", "upstream", "upstream_addr":
			better(2, 2, &f.instance, v)
		case "session_id", "sessionId", "session", "sid", "session_hash", "session_key", "jti", "token_id", "details_session", "details_session_id":
			if len(f.session) == 0 && len(v) < 200 {
				f.session = v
			}
		case "pid", "process", "process_id":
			if len(v) < 12 {
				f.pid = v
			}
		case "reason", "details_reason", "detail_reason", "failure_reason", "error_reason", "error_type", "errorType", "error", "error_code", "errorCode", "error_name", "exception", "exc_type", "err", "detail", "details", "cause":
			if len(v) < 300 {
				f.reason = append(append(f.reason, ' '), v...)
			}
		}
	}
	return f
}

func firstOf(list []byte) []byte {
	if i := bytes.IndexByte(list, ','); i >= 0 {
		list = list[:i]
	}
	return bytes.TrimSpace(list)
}

// opening finds what an access log of text says: the request between quotes and
// its status.
var opening = regexp.MustCompile(`"([A-Z]{3,7}) (\S{1,1000}) HTTP/[0-9.]+" ([1-5][0-9]{2})\b`)

func readAccess(text []byte, f *facts) bool {
	if !bytes.Contains(text, []byte(" HTTP/")) {
		return false
	}
	m := opening.FindSubmatch(text)
	if m == nil {
		return false
	}
	f.method, f.path = m[1], m[2]
	f.status, _ = strconv.Atoi(string(m[3]))
	if len(f.ip) == 0 {
		f.ip = anyAddress.Find(text)
	}
	return true
}

var (
	anyAddress = regexp.MustCompile(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b|\b[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{0,4}){3,7}\b`)
	fromWhere  = regexp.MustCompile(`(?i)\b(?:from|ip|rhost|client|addr(?:ess)?|remote)[ =:"]{1,3}\[?([0-9a-fA-F:.]{3,45})`)
	byWhom     = regexp.MustCompile(`(?i)\b(?:user(?:name)?|account|e-?mail|login|for(?: invalid)?(?: user)?)[ =:]{1,2}["'<(]?([A-Za-z0-9][A-Za-z0-9_.@+-]{0,80})`)
)

// fromText reads of a message what its fields do not say.
func fromText(message []byte, e *Event, r *Reader) {
	message = message[:min(len(message), 1000)]
	if e.IP == "" {
		if m := fromWhere.FindSubmatch(message); m != nil {
			e.IP = r.keep(address(m[1]))
		}
		if e.IP == "" {
			e.IP = r.keep(address(anyAddress.Find(message)))
		}
	}
	if e.User == "" {
		for _, m := range byWhom.FindAllSubmatch(message, 4) {
			if !noName[strings.ToLower(string(m[1]))] {
				e.User = r.keep(bytes.TrimRight(m[1], ".,"))
				break
			}
		}
	}
}

// noName are words that stand where a name could.
var noName = map[string]bool{
	"failed": true, "failure": true, "ok": true, "user": true, "from": true, "not": true, "invalid": true, "was": true, "is": true, "has": true, "the": true, "a": true,
	"successful": true, "succeeded": true, "success": true, "attempt": true, "denied": true, "rejected": true, "logged": true, "authenticated": true, "account": true,
	"login": true, "email": true, "name": true, "unknown": true, "found": true, "does": true, "error": true, "service": true, "by": true, "for": true, "this": true, "required": true,
	"id": true, "session": true, "token": true, "locked": true, "expired": true, "password": true, "credentials": true, "or": true, "and": true, "in": true,
}

// address is an IP without its port; nil for what is none.
func address(b []byte) []byte {
	if len(b) == 0 || len(b) > 60 {
		return nil
	}
	s := string(b)
	if a, err := netip.ParseAddr(s); err == nil {
		return []byte(a.Unmap().String())
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return []byte(ap.Addr().Unmap().String())
	}
	return nil
}

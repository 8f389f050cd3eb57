package request

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"
)

// Field is a name and a value of a line; both are valid during the call alone.
type Field struct{ Name, Value []byte }

// Line is a log line as its own format tells it.
type Line struct {
	At      int64 // nanoseconds since 1970
	Text    []byte
	Message []byte
	Fields  []Field
}

// Request is what a line tells of a request. Bytes is negative where it does not.
type Request struct {
	Method, Target, IP, Agent []byte
	Status                    int
	Bytes                     int64
	Took                      Took
	Database                  Database
	// Gateway: the line is of what stands before a service, or of an access log,
	// which tell of requests that the service's own lines may tell of as well.
	Gateway bool
}

var (
	bare       = regexp.MustCompile(`\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) "?(/[^\s"]{0,1000})(?: HTTP/[0-9.]+)?["\s][\s"|:,=>()\[\]-]*(?:(?:status|status_code|code|responded|returned|answered|completed|with)[\s"|:,=>-]*){0,3}\b([1-5][0-9]{2})\b`)
	turned     = regexp.MustCompile(`\| *([1-5][0-9]{2}) *\|[^"]{1,120}?\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) +"?(/[^\s"]{0,1000})`)         // gin, echo
	timers     = regexp.MustCompile(` -?[0-9]+/-?[0-9]+/-?[0-9]+/-?[0-9]+/\+?([0-9]+) ([1-5][0-9]{2}) \+?[0-9]+ .*"([A-Z]{3,7}) ([^" ]{1,1000})`) // HAProxy's httplog: the last of its five times is the whole
	anyAddress = regexp.MustCompile(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b|\b[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{0,4}){3,7}\b`)
)

// Read takes the request of a line; false where the line tells none.
func Read(l Line) (Request, bool) {
	r := Request{Bytes: -1, Database: Database{Statements: -1}}
	rank := 9
	for _, f := range l.Fields {
		v := f.Value
		switch PartOf(f.Name) {
		case Target:
			if len(v) > len(r.Target) {
				r.Target = v // of a path and a url, the one with the query
			}
		case Query:
			if len(v) > 0 && len(r.Target) > 0 && !bytes.Contains(r.Target, []byte("?")) {
				r.Target = append(append(append([]byte{}, r.Target...), '?'), v...)
			}
		case Pattern:
			if len(r.Target) == 0 {
				r.Target = v
			}
		case Method:
			r.Method = v
		case Opening:
			if p := bytes.Fields(v); len(p) >= 2 {
				r.Method, r.Target = p[0], p[1]
			}
		case Status:
			if n, ok := StatusOf(v); ok {
				r.Status = n
			}
		}
		switch string(f.Name) {
		case "bytes", "body_bytes_sent", "bytes_sent", "size", "response_size", "content_length", "resp_bytes", "response_bytes", "http_response_size":
			if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
				r.Bytes = n
			}
		case "upstream_response_time", "upstream_addr", "upstream_status", "upstream_cluster", "ServiceAddr", "backend_name":
			r.Gateway = true
		}
		if n, ok := AddressRank(f.Name); ok && n < rank && len(v) > 0 {
			r.IP, rank = v, n
			if i := bytes.IndexByte(v, ','); n == 0 && i > 0 {
				r.IP = v[:i]
			}
		}
		if isAgent(f.Name) {
			r.Agent = v
		}
		if t, ok := tookOf(f); ok && (r.Took.Unit == None || r.Took.Unit == Unsaid) {
			r.Took = t
		}
		r.Database.field(f)
	}
	if r.Status == 0 || len(r.Target) == 0 {
		if !fromText(l.Text, &r) {
			return r, false
		}
		if rank == 9 {
			r.IP = anyAddress.Find(l.Text)
		}
	}
	r.IP = address(r.IP)
	return r, true
}

// StatusOf reads the status of an answer; false where a value is none.
func StatusOf(value []byte) (int, bool) {
	n, err := strconv.Atoi(string(value))
	return n, err == nil && n >= 100 && n < 600
}

// fromText reads the line of an access log, or a sentence that names method,
// path and status.
func fromText(text []byte, r *Request) bool {
	text = text[:min(len(text), 4096)]
	if proxied(text, r) {
		return true
	}
	end := quoted(text, r)
	if end > 0 {
		r.Gateway = true
	} else {
		var told bool
		if end, told = sentence(text, r); !told {
			return false
		}
	}
	if r.Took.Unit == None {
		r.Took = tookFrom(text, end)
	}
	return true
}

// slashed finds numbers with a slash between them, as HAProxy writes its times.
func slashed(text []byte) bool {
	for i := 1; i+1 < len(text); i++ {
		if text[i] == '/' && isDigit(text[i-1]) && (isDigit(text[i+1]) || text[i+1] == '-' || text[i+1] == '+') {
			return true
		}
	}
	return false
}

// proxied reads a line of HAProxy's httplog.
func proxied(text []byte, r *Request) bool {
	if !bytes.Contains(text, []byte(" HTTP/")) || !slashed(text) {
		return false
	}
	m := timers.FindSubmatch(text)
	if m == nil {
		return false
	}
	r.Gateway, r.Method, r.Target, r.Status = true, m[3], m[4], number(m[2])
	r.Took, _ = measured(string(m[1]), Millis) // digits alone
	return true
}

// sentence reads what people and frameworks write; end is where its status stands.
func sentence(text []byte, r *Request) (end int, ok bool) {
	if !hasVerb(text) {
		return 0, false
	}
	if at := bare.FindSubmatchIndex(text); at != nil && !measure.Match(text[at[1]:]) {
		r.Method, r.Target, r.Status = text[at[2]:at[3]], text[at[4]:at[5]], number(text[at[6]:at[7]])
		return at[1], true
	}
	if at := turned.FindSubmatchIndex(text); at != nil {
		r.Method, r.Target, r.Status = text[at[4]:at[5]], text[at[6]:at[7]], number(text[at[2]:at[3]])
		return at[3], true
	}
	return 0, false
}

// number of digits that an expression has matched.
func number(digits []byte) int {
	n, _ := strconv.Atoi(string(digits))
	return n
}

// quoted reads what access logs have: "GET /path HTTP/1.1" 200 512. It returns
// where the status ends, and 0 where there is no such thing.
func quoted(text []byte, r *Request) int {
	i := bytes.Index(text, []byte(" HTTP/"))
	if i < 0 {
		return 0
	}
	begin := bytes.LastIndexByte(text[:i], '"') + 1
	method, target, ok := bytes.Cut(text[begin:i], []byte(" "))
	end := bytes.IndexByte(text[i:], '"')
	status := i + end + 2
	if begin == 0 || !ok || len(method) > 7 || len(target) == 0 || end < 0 || len(text) < status+3 || text[status-1] != ' ' {
		return 0
	}
	n, err := strconv.Atoi(string(text[status : status+3]))
	if err != nil || n < 100 || n > 599 {
		return 0
	}
	r.Method, r.Target, r.Status = method, target, n
	sent, _, _ := bytes.Cut(bytes.TrimPrefix(text[status+3:], []byte(" ")), []byte(" "))
	if n, err := strconv.ParseInt(string(sent), 10, 64); err == nil {
		r.Bytes = n
	}
	if i := bytes.LastIndex(text, []byte(`" "`)); i > 0 {
		r.Agent = text[i+3:]
	}
	return status + 3
}

// measure tells that the number before it was no status: "GET /x 200 ms".
var measure = regexp.MustCompile(`^ ?(ms|s|[uµ]s|msec|sec)\b`)

// hasVerb reports whether a text has a method with a path behind it, before an
// expression looks closer.
func hasVerb(text []byte) bool {
	for _, verb := range verbs {
		if i := bytes.Index(text, verb); i >= 0 && bytes.IndexByte(text[i:min(len(text), i+20)], '/') > 0 {
			return true
		}
	}
	return false
}

var verbs = [][]byte{[]byte("GET "), []byte("POST "), []byte("PUT "), []byte("PATCH "), []byte("DELETE "), []byte("HEAD "), []byte("OPTIONS ")}

func address(b []byte) []byte {
	if len(b) == 0 || len(b) > 60 {
		return nil
	}
	s := string(bytes.TrimSpace(b))
	if a, err := netip.ParseAddr(s); err == nil {
		return []byte(a.Unmap().String())
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return []byte(ap.Addr().Unmap().String())
	}
	return nil
}

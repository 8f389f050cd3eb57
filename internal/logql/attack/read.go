package attack

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
	At     int64
	Text   []byte
	Fields []Field
}

// Request is what an access log tells of a request. Bytes and Seconds are
// negative where it does not.
type Request struct {
	Method, Target, IP, Agent []byte
	Status                    int
	Bytes                     int64
	Seconds                   float64
}

var (
	request    = regexp.MustCompile(`"([A-Z]{3,7}) ([^"]{1,1000}?) HTTP/[0-9.]+" ([1-5][0-9]{2})(?: ([0-9]+))?`)
	anyAddress = regexp.MustCompile(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b|\b[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{0,4}){3,7}\b`)
)

// Read takes the request of a line; false where the line tells none.
func Read(l Line) (Request, bool) {
	r := Request{Bytes: -1, Seconds: -1}
	rank := 9
	ip := func(n int, v []byte) {
		if n < rank && len(v) > 0 {
			r.IP, rank = v, n
		}
	}
	for _, f := range l.Fields {
		v := f.Value
		switch string(f.Name) {
		case "path", "url", "uri", "request_uri", "http_path", "http_target", "http_url", "target", "request_path":
			if len(v) > len(r.Target) {
				r.Target = v // of a path and a url, the one with the query
			}
		case "query", "query_string", "args":
			if len(v) > 0 && len(r.Target) > 0 && !bytes.Contains(r.Target, []byte("?")) {
				r.Target = append(append(append([]byte{}, r.Target...), '?'), v...)
			}
		case "endpoint", "route", "http_route":
			if len(r.Target) == 0 {
				r.Target = v
			}
		case "method", "http_method", "request_method", "verb":
			r.Method = v
		case "request":
			if p := bytes.Fields(v); len(p) >= 2 {
				r.Method, r.Target = p[0], p[1]
			}
		case "status", "status_code", "statusCode", "http_status", "response_status", "http_status_code", "response_code", "code":
			if n, err := strconv.Atoi(string(v)); err == nil && n >= 100 && n < 600 {
				r.Status = n
			}
		case "bytes", "body_bytes_sent", "bytes_sent", "size", "response_size", "content_length", "resp_bytes", "response_bytes", "http_response_size":
			if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
				r.Bytes = n
			}
		case "duration_ms", "latency_ms", "elapsed_ms", "took_ms", "response_time_ms", "durationMs":
			if n, err := strconv.ParseFloat(string(v), 64); err == nil {
				r.Seconds = n / 1000
			}
		case "request_time", "duration_s", "duration_seconds", "upstream_response_time":
			if n, err := strconv.ParseFloat(string(v), 64); err == nil {
				r.Seconds = n
			}
		case "x_forwarded_for", "forwarded_for", "http_x_forwarded_for":
			if i := bytes.IndexByte(v, ','); i > 0 {
				v = v[:i]
			}
			ip(0, v)
		case "source_ip", "client_ip", "clientIp", "ip", "ip_address", "remote_ip", "src_ip", "sourceIp":
			ip(1, v)
		case "remote_addr", "client", "client_addr", "peer", "remote", "client_host":
			ip(2, v)
		case "user_agent", "http_user_agent", "agent", "userAgent", "ua":
			r.Agent = v
		}
	}
	if r.Status == 0 || len(r.Target) == 0 {
		if !bytes.Contains(l.Text, []byte(" HTTP/")) {
			return r, false
		}
		m := request.FindSubmatch(l.Text)
		if m == nil {
			return r, false
		}
		r.Method, r.Target = m[1], m[2]
		r.Status, _ = strconv.Atoi(string(m[3]))
		if len(m[4]) > 0 {
			r.Bytes, _ = strconv.ParseInt(string(m[4]), 10, 64)
		}
		if rank == 9 {
			r.IP = anyAddress.Find(l.Text)
		}
		if i := bytes.LastIndex(l.Text, []byte(`" "`)); i > 0 {
			r.Agent = l.Text[i+3:]
		}
	}
	r.IP = address(r.IP)
	return r, true
}

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

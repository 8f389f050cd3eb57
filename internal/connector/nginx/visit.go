package nginx

import (
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// visit is one request as an access log tells it. Numbers that it does not tell
// are NaN.
type visit struct {
	at       time.Time
	client   string
	method   string
	path     string
	status   int
	bytes    float64
	took     float64 // seconds, of the whole request
	header   float64 // seconds until the last server began to answer
	attempts []attempt
	agent    string
}

// attempt is one server that was asked for a request.
type attempt struct {
	address string
	status  int // 0: no answer
	took    float64
	connect float64
}

// readVisit makes a visit of the values of a line. otherwise is the time of a
// line whose format tells none.
func readVisit(v map[string]string, otherwise time.Time) (visit, bool) {
	r := visit{at: lineTime(v, otherwise), client: clientOf(v), bytes: math.NaN(), took: float(v["request_time"]), header: math.NaN(), agent: v["http_user_agent"]}
	var err error
	if r.status, err = strconv.Atoi(v["status"]); err != nil || r.status < 100 || r.status > 999 {
		return r, false
	}
	if r.bytes = float(v["body_bytes_sent"]); math.IsNaN(r.bytes) {
		r.bytes = float(v["bytes_sent"])
	}
	r.method, r.path = requestOf(v)
	addresses := list(v["upstream_addr"])
	statuses, times, connects := list(v["upstream_status"]), list(v["upstream_response_time"]), list(v["upstream_connect_time"])
	for i := range max(len(addresses), len(statuses), len(times)) {
		a := attempt{address: nth(addresses, i), took: float(nth(times, i)), connect: float(nth(connects, i))}
		a.status, _ = strconv.Atoi(nth(statuses, i))
		if a.address != "" || a.status != 0 || !math.IsNaN(a.took) {
			r.attempts = append(r.attempts, a)
		}
	}
	if headers := list(v["upstream_header_time"]); len(headers) > 0 {
		r.header = float(headers[len(headers)-1])
	}
	return r, true
}

func lineTime(v map[string]string, otherwise time.Time) time.Time {
	if s := v["msec"]; s != "" {
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return time.UnixMicro(int64(n * 1e6))
		}
	}
	if at, err := time.Parse(time.RFC3339, v["time_iso8601"]); err == nil {
		return at
	}
	if at, err := time.Parse("02/Jan/2006:15:04:05 -0700", v["time_local"]); err == nil {
		return at
	}
	return otherwise
}

// clientOf is who asked. Behind a balancer that is what the balancer says, but
// only one with an address of its own network is believed.
func clientOf(v map[string]string) string {
	remote := v["remote_addr"]
	forwarded, _, _ := strings.Cut(v["http_x_forwarded_for"], ",")
	if forwarded = strings.TrimSpace(forwarded); forwarded == "" || forwarded == "-" {
		return remote
	}
	if ip, err := netip.ParseAddr(remote); err == nil && (ip.IsPrivate() || ip.IsLoopback()) {
		if claimed, err := netip.ParseAddr(forwarded); err == nil {
			return claimed.String()
		}
	}
	return remote
}

func requestOf(v map[string]string) (method, path string) {
	method, path = v["request_method"], v["request_uri"]
	if path == "" {
		path = v["uri"]
	}
	if request := strings.Fields(v["request"]); len(request) >= 2 {
		method, path = request[0], request[1]
	}
	path, _, _ = strings.Cut(path, "?")
	return method, templateOf(path)
}

// changing is a part of a path that names one thing of many.
var changing = regexp.MustCompile(`^([0-9]+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|.*[0-9].{15,}|.{41,})$`)

// templateOf is a path without the names of single things.
func templateOf(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if changing.MatchString(p) {
			parts[i] = ":id"
		}
	}
	if len(parts) > 8 {
		parts = append(parts[:8], "…")
	}
	return strings.Join(parts, "/")
}

// list takes apart what nginx writes of several servers: commas between those
// that were asked one after the other, a colon where an internal redirect lies
// between.
func list(s string) []string {
	if s == "" || s == "-" {
		return nil
	}
	out := strings.FieldsFunc(strings.ReplaceAll(s, " : ", ", "), func(r rune) bool { return r == ',' })
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

func nth(list []string, i int) string {
	if i >= len(list) || list[i] == "-" {
		return ""
	}
	return list[i]
}

func float(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || s == "" {
		return math.NaN()
	}
	return n
}

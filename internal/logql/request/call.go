package request

import (
	"bytes"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Call is a request that the service sends to another, as its log tells it.
type Call struct {
	Peer   string // host or name of the other
	Failed bool
	Took   Took
}

var (
	// saysCall are words of libraries and people for a request that goes out.
	saysCall = regexp.MustCompile(`(?i)\b(external|outbound|outgoing|downstream|third[ -]?party|partner|provider|remote|upstream)\b.{0,40}\b(call|request|api|service|response)|` +
		`\b(api|http|rpc|grpc) (call|request|client)\b.{0,80}\b(to|fail|slow|took|timed|complet|error|sent|done|finish)|\bcall(ed|ing|s)? (to |of )?.{0,60}(\bapi\b|\bservice\b|https?://)|` +
		`\b(request|response) (to|from) .{0,80}(https?://|\bapi\b|\bservice\b)|^http request: |\b(fetch|get|post|put)(ed|ing)? .{0,20}https?://`)
	failedWords = regexp.MustCompile(`(?i)fail|timed?[ -]?out|refused|unavailable|unreachable|error|reset|aborted`)
	absolute    = regexp.MustCompile(`https?://([^/\s"'?#]{1,120})`)
	answered    = regexp.MustCompile(`(?:HTTP/[0-9.]+ |\bstatus(?:[ _]code)?[=: ]+)([1-5][0-9]{2})\b`)
	// somebodyAnswered is a sentence like "payments API answered 500".
	somebodyAnswered = regexp.MustCompile(`(?i)\b([\w.-]{2,40}) (?:api|service|backend|gateway|provider|server) (?:has )?(?:answered|returned|responded|replied)(?: with)?(?: an?)?(?: (?:http|status|code|error))*[ :=]+([1-5][0-9]{2})\b`)
	ofGateway        = regexp.MustCompile(`while (reading|connecting|sending|SSL)|no live upstreams`)
)

// peers are names of fields that hold whom a call goes to, the best first; a
// field whose name ends in one of them behind "_" counts as well.
var peers = []string{"peer_service", "net_peer_name", "server_address", "peer", "target_host", "remote_host", "upstream_host", "url_host", "dependency", "provider", "partner",
	"external_service", "third_party", "target_service", "downstream", "upstream", "host"}

var ranks = func() map[string]int {
	out := map[string]int{}
	for i, p := range peers {
		out[p] = i
	}
	return out
}()

// peerRank is the place of a field's name in peers, or of what stands behind one
// of its "_"; len(peers) where it is none.
func peerRank(name string) int {
	for {
		if i, ok := ranks[name]; ok {
			return i
		}
		_, rest, ok := strings.Cut(name, "_")
		if !ok {
			return len(peers)
		}
		name = rest
	}
}

// nobody are words before "service" or "API" that name none.
var nobody = map[string]bool{"the": true, "this": true, "that": true, "our": true, "a": true, "an": true, "external": true, "remote": true, "other": true, "upstream": true, "and": true, "if": true, "when": true}

var scheme = []byte("://")

// ReadCall takes the call that a line tells of; false where it tells none.
// level is the line's own, "" where it has none.
func ReadCall(l Line, level string) (Call, bool) {
	c, says := Call{}, false
	message := l.Message[:min(len(l.Message), 1000)]
	status, rank := 0, len(peers)
	var at []byte
	for _, f := range l.Fields {
		name := string(f.Name)
		switch name {
		case "direction", "kind", "span_kind":
			if v := strings.ToLower(string(f.Value)); v == "outbound" || v == "outgoing" || v == "client" || v == "egress" {
				says = true
			}
		}
		if t, ok := tookOf(f); ok && (c.Took.Unit == None || c.Took.Unit == Unsaid) {
			c.Took = t
		}
		if strings.HasSuffix(name, "status") || strings.HasSuffix(name, "status_code") || strings.HasSuffix(name, "statusCode") {
			if n, err := strconv.Atoi(string(f.Value)); err == nil && n >= 100 && n < 600 {
				status = n
			}
		}
		if at == nil && (strings.HasSuffix(name, "url") || strings.HasSuffix(name, "uri") || strings.HasSuffix(name, "target")) && bytes.Contains(f.Value, scheme) {
			if m := absolute.FindSubmatch(f.Value); m != nil {
				at = m[1]
			}
		}
		if i := peerRank(name); i < rank && len(f.Value) > 0 && len(f.Value) <= 120 {
			c.Peer, rank = hostOf(f.Value), i
		}
	}
	if at == nil && bytes.Contains(message, scheme) {
		if m := absolute.FindSubmatch(message); m != nil {
			at = m[1]
		}
	}
	if saysAnswered(message) {
		if m := somebodyAnswered.FindSubmatch(message); m != nil && !nobody[strings.ToLower(string(m[1]))] {
			says, c.Peer, status = true, string(m[1]), number(m[2])
		}
	}
	// Most lines name nobody: the words are looked at last.
	if at == nil && c.Peer == "" || !says && !(saysCall.Match(message) && !ofGateway.Match(message)) {
		return c, false
	}
	if at != nil {
		c.Peer = string(at)
	}
	if m := answered.FindSubmatch(message); m != nil && status == 0 {
		status = number(m[1])
	}
	if c.Took.Unit == None {
		c.Took = tookFrom(message, 0)
	}
	bad := level == "error" || level == "warn" || level == "critical" || level == "fatal"
	c.Failed = status >= 500 || status == 0 && bad && failedWords.Match(message)
	return c, true
}

// saysAnswered is cheap, and true wherever somebodyAnswered may match, but for
// words in capitals.
func saysAnswered(message []byte) bool {
	for _, word := range [...]string{"nswered", "eturned", "esponded", "eplied"} {
		if bytes.Contains(message, []byte(word)) {
			return true
		}
	}
	return false
}

// hostOf is the host of an address that may be a URL.
func hostOf(v []byte) string {
	if bytes.Contains(v, scheme) {
		if u, err := url.Parse(string(v)); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return string(v)
}

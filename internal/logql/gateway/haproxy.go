package gateway

import (
	"regexp"
	"strings"
)

// What HAProxy writes of its servers, as its sources have it (send_log in
// check.c and server.c): a server that comes or goes with the reason of its
// check, and a group without any.
var (
	serverDown = regexp.MustCompile(`Server (\S+/\S+) is (?:going )?DOWN(?:, reason: ([^,]+))?(?:.*?info: "([^"]*)")?`)
	noServer   = regexp.MustCompile(`(?:backend|proxy) (\S+) has no server available`)
)

func readHAProxy(line string) (Complaint, bool) {
	if !strings.Contains(line, "DOWN") && !strings.Contains(line, "no server available") {
		return Complaint{}, false
	}
	if m := noServer.FindStringSubmatch(line); m != nil {
		return Complaint{Level: "emerg", Text: m[0], Upstream: m[1], kind: "no_live"}, true
	}
	m := serverDown.FindStringSubmatch(line)
	if m == nil {
		return Complaint{}, false
	}
	c := Complaint{Level: "alert", Text: m[0], Upstream: m[1], kind: "ejected"}
	switch reason, info := m[2], strings.ToLower(m[3]); {
	case strings.Contains(info, "refused"):
		c.kind = "refused"
	case strings.Contains(info, "no route"), strings.Contains(info, "unreachable"):
		c.kind = "unroutable"
	case reason == "Layer4 timeout":
		c.kind = "connect_timeout"
	case strings.HasPrefix(reason, "Layer") && strings.HasSuffix(reason, "timeout"):
		c.kind = "read_timeout"
	case reason == "Layer4 connection problem":
		c.kind = "refused"
	case strings.HasPrefix(reason, "Layer6"):
		c.kind = "tls_upstream"
	}
	return c, true
}

package nginx

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLinesAreReadByTheirFormat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format, line string
		want         map[string]string
	}{
		"combined": {combined, `192.0.2.7 - anna [02/Jan/2026:03:04:05 +0000] "GET /a?b=1 HTTP/1.1" 200 12 "-" "curl/8"` + "\n",
			map[string]string{"remote_addr": "192.0.2.7", "remote_user": "anna", "request": "GET /a?b=1 HTTP/1.1", "status": "200", "http_user_agent": "curl/8"}},
		"JSON": {`{"s":$status,"u":"${upstream_addr}"}`, `{"s":502,"u":"10.0.0.1:80, 10.0.0.2:80"}`, map[string]string{"status": "502", "upstream_addr": "10.0.0.1:80, 10.0.0.2:80"}},
		"lists with blanks between blanks": {`$status $upstream_addr $upstream_status $request_time`, `200 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 502, 200 : 404 0.5`,
			map[string]string{"upstream_addr": "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80", "upstream_status": "502, 200 : 404", "request_time": "0.5"}},
		"a dollar that is none": {`$ $status`, `$ 200`, map[string]string{"status": "200"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			require.True(t, readLayout(c.format).read(c.line, got))
			for k, v := range c.want {
				require.Equal(t, v, got[k], k)
			}
		})
	}
	require.Nil(t, readLayout("$status$request"), "nobody can tell where the one ends")
	require.Nil(t, readLayout("nothing"))
	require.False(t, readLayout(combined).read("2026/01/02 03:04:05 [error] 1#1: x", map[string]string{}))
}

func TestVisits(t *testing.T) {
	t.Parallel()
	v, ok := readVisit(map[string]string{
		"msec": "1767323045.250", "status": "200", "remote_addr": "10.0.0.9", "http_x_forwarded_for": "203.0.113.5, 10.0.0.1",
		"request": "GET /users/123/orders/5f2b9c1e-1111-2222-3333-444455556666?x=1 HTTP/1.1", "body_bytes_sent": "10", "request_time": "0.700",
		"upstream_addr": "10.0.0.1:80, 10.0.0.2:80", "upstream_status": "-, 200", "upstream_response_time": "0.500, 0.100",
	}, time.Time{})
	require.True(t, ok)
	require.Equal(t, "203.0.113.5", v.client)
	require.Equal(t, "/users/:id/orders/:id", v.path)
	require.Len(t, v.attempts, 2)
	require.Equal(t, 0, v.attempts[0].status)
	require.Equal(t, 200, v.answered())
	require.True(t, math.IsNaN(v.header))
	_, ok = readVisit(map[string]string{"status": "-"}, time.Time{})
	require.False(t, ok)
	require.Equal(t, "198.51.100.1", clientOf(map[string]string{"remote_addr": "198.51.100.1", "http_x_forwarded_for": "203.0.113.5"}), "a stranger may claim anything")
}

func TestKindsOfComplaints(t *testing.T) {
	t.Parallel()
	head, facts := "2026/01/02 03:04:05 [error] 12#12: *34 ", `, client: 192.0.2.1, server: shop, request: "GET /a?token=1 HTTP/1.1", upstream: "http://10.0.0.1:8000/a?token=1", host: "shop"`
	for text, want := range map[string]string{
		"connect() failed (111: Connection refused) while connecting to upstream":                                                   "refused",
		"connect() failed (113: No route to host) while connecting to upstream":                                                     "unroutable",
		"connect() to unix:/run/app.sock failed (2: No such file or directory) while connecting to upstream":                        "no_socket",
		"connect() to unix:/run/app.sock failed (11: Resource temporarily unavailable) while connecting to upstream":                "backlog_full",
		"upstream timed out (110: Connection timed out) while connecting to upstream":                                               "connect_timeout",
		"upstream timed out (110: Connection timed out) while reading response header from upstream":                                "read_timeout",
		"upstream prematurely closed connection while reading response header from upstream":                                        "hung_up",
		"recv() failed (104: Connection reset by peer) while reading response header from upstream":                                 "hung_up",
		"no live upstreams while connecting to upstream":                                                                            "no_live",
		"upstream sent too big header while reading response header from upstream":                                                  "too_big_header",
		"limiting requests, excess: 5.2 by zone \"one\"":                                                                            "rate_limited",
		"limiting connections by zone \"addr\"":                                                                                     "connections_limited",
		"client intended to send too large body: 10485760 bytes":                                                                    "body_too_large",
		"SSL_do_handshake() failed (SSL: error:0A000086:SSL routines::certificate verify failed) while SSL handshaking to upstream": "tls_upstream",
		"something that nobody has seen yet":                                                                                        "other",
	} {
		c, ok := readComplaint(head + text + facts)
		require.True(t, ok)
		require.Equal(t, want, c.kindOf(), text)
		require.Equal(t, "10.0.0.1:8000", c.upstream)
		require.Equal(t, "192.0.2.1", c.client)
		require.NotContains(t, asked(c.request), "token")
	}
	for line, want := range map[string]string{
		"2026/01/02 03:04:05 [alert] 12#12: *34 1024 worker_connections are not enough while connecting to upstream, client: 1.2.3.4":  "workers_full",
		"2026/01/02 03:04:05 [crit] 12#12: accept4() failed (24: Too many open files)":                                                 "files",
		"2026/01/02 03:04:05 [alert] 1#1: worker process 7 exited on signal 11":                                                        "worker_died",
		"2026/01/02 03:04:05 [notice] 1#1: signal 1 (SIGHUP) received":                                                                 "",
		"2026/01/02 03:04:05 [error] 1#1: *7 upstream timed out (110: Connection timed out), upstream: \"http://unix:/run/a.sock:/x\"": "read_timeout",
	} {
		c, ok := readComplaint(line)
		require.True(t, ok, line)
		require.Equal(t, want, c.kindOf(), line)
	}
	require.Equal(t, "unix:/run/a.sock", addressOf("http://unix:/run/a.sock:/x"))
	_, ok := readComplaint("anything else")
	require.False(t, ok)
}

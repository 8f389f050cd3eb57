package gateway

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
		c, ok := readNginx(head + text + facts)
		require.True(t, ok)
		require.Equal(t, want, c.Kind(), text)
		require.Equal(t, "10.0.0.1:8000", c.Upstream)
		require.Equal(t, "192.0.2.1", c.Client)
		require.NotContains(t, asked(c.Request), "token")
	}
	for line, want := range map[string]string{
		"2026/01/02 03:04:05 [alert] 12#12: *34 1024 worker_connections are not enough while connecting to upstream, client: 1.2.3.4":  "workers_full",
		"2026/01/02 03:04:05 [crit] 12#12: accept4() failed (24: Too many open files)":                                                 "files",
		"2026/01/02 03:04:05 [alert] 1#1: worker process 7 exited on signal 11":                                                        "worker_died",
		"2026/01/02 03:04:05 [notice] 1#1: signal 1 (SIGHUP) received":                                                                 "",
		"2026/01/02 03:04:05 [error] 1#1: *7 upstream timed out (110: Connection timed out), upstream: \"http://unix:/run/a.sock:/x\"": "read_timeout",
	} {
		c, ok := readNginx(line)
		require.True(t, ok, line)
		require.Equal(t, want, c.Kind(), line)
	}
	require.Equal(t, "unix:/run/a.sock", addressOf("http://unix:/run/a.sock:/x"))
	_, ok := readNginx("anything else")
	require.False(t, ok)
}

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

package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/gateway"
)

func TestLinesOfHAProxy(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`Server be_shop/web2 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 1 active and 0 backup servers left.`: "refused be_shop/web2",
		`Server be_shop/web2 is DOWN, reason: Layer4 connection problem, info: "No route to host", check duration: 3ms.`:                                       "unroutable be_shop/web2",
		`[WARNING]  (12) : Server be_shop/web1 is DOWN, reason: Layer4 timeout, check duration: 2001ms.`:                                                       "connect_timeout be_shop/web1",
		`Server be_shop/web1 is DOWN, reason: Layer7 timeout, check duration: 2001ms.`:                                                                         "read_timeout be_shop/web1",
		`Server be_shop/web1 is DOWN, reason: Layer7 wrong status, code: 503, info: "Service Unavailable", check duration: 1ms.`:                               "ejected be_shop/web1",
		`backend be_shop has no server available!`:                                                "no_live be_shop",
		`Server be_shop/web2 is UP, reason: Layer7 check passed, code: 200, check duration: 1ms.`: "",
		`the countDOWN of server shop/web is over`:                                                "",
	} {
		c, ok := gateway.Read(line)
		got := ""
		if ok {
			got = c.Kind() + " " + c.Upstream
		}
		require.Equal(t, want, got, line)
	}
}

func TestComplaintsAreCountedByServer(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	split := end.Add(-2 * time.Minute)
	one, other := gateway.NewTally(split), gateway.NewTally(split)
	refused := func(into *gateway.Tally, client, server string, ago time.Duration) {
		c, ok := gateway.Read(`2026/03/01 12:00:00 [error] 3#3: *9 connect() failed (111: Connection refused) while connecting to upstream, client: ` + client +
			`, server: , request: "GET /items/17?token=x HTTP/1.1", upstream: "http://` + server + `/items/17", host: "shop"`)
		require.True(t, ok)
		into.Add(c, end.Add(-ago))
	}
	refused(one, "192.0.2.1", "10.0.0.1:80", time.Second)
	refused(one, "192.0.2.1", "10.0.0.2:80", time.Minute)
	refused(other, "192.0.2.2", "10.0.0.1:80", 30*time.Second)
	refused(other, "192.0.2.2", "10.0.0.1:80", 5*time.Minute)
	fine, ok := gateway.Read("2026/03/01 12:00:00 [notice] 1#1: signal 1 (SIGHUP) received")
	require.True(t, ok)
	one.Add(fine, end)
	one.Merge(other)
	rows := one.Rows(end)
	require.Len(t, rows, 2)
	first := rows[0].(map[string]any)
	require.Equal(t, "refused", first["kind"])
	require.Equal(t, "10.0.0.1:80", first["upstream"])
	require.Equal(t, int64(2), first["recent"])
	require.Equal(t, int64(1), first["before"])
	require.Equal(t, int64(2), first["clients"])
	require.Equal(t, 1.0, first["last_ago_s"])
	require.Equal(t, 300.0, first["first_ago_s"])
	require.Equal(t, "GET /items/*", first["request"])
}

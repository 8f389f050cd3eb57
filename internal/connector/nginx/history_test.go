package nginx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// logged writes a configuration and an access log of its own, and asks about it.
func logged(t *testing.T, now time.Time, lines []string) map[string]any {
	t.Helper()
	dir := t.TempDir()
	conf := `events {} http {
  log_format short '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time $upstream_addr $upstream_status $upstream_response_time';
  access_log ` + dir + `/access.log short;
  server { location / { proxy_pass http://10.0.0.1:80; } }
}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "access.log"), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	target := open(t, connector.Settings{"conf": dir + "/nginx.conf"})
	a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "nginx.access", Now: now, Args: map[string]any{"recent": "2m", "before": "1h"}})
	require.Empty(t, a.Reason)
	return a.Value.(map[string]any)
}

func line(at time.Time, client, path string, status, bytes int, took float64, server string) string {
	return fmt.Sprintf(`%s [%s] "GET %s HTTP/1.1" %d %d %.3f %s %d %.3f`, client, at.Format(time.RFC3339), path, status, bytes, took, server, status, took)
}

func TestASurgeOfOneClientThatHasLastedForTenMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var lines []string
	for s := 3600; s > 0; s -= 2 {
		at := now.Add(-time.Duration(s) * time.Second)
		lines = append(lines, line(at, fmt.Sprintf("198.51.100.%d", s%50), "/home", 200, 1000+s, 0.02, "10.0.0.1:80"))
		for range 10 {
			if s <= 600 {
				lines = append(lines, line(at, "203.0.113.9", "/search", 200, 1000, 0.2, "10.0.0.1:80"))
			}
		}
	}
	v := logged(t, now, lines)
	require.InDelta(t, 11, v["ratio"], 1, "ten minutes do not become the usual")
	top := v["top_clients"].([]any)[0].(map[string]any)
	require.Equal(t, "203.0.113.9", top["address"])
	require.Greater(t, top["share"], 0.8)
	require.Less(t, top["share_before"], 0.75)
	require.InDelta(t, 0.02, v["p95_before_s"], 0.001)
	require.InDelta(t, 0.2, v["p95_s"], 0.001)
}

func TestLargeAnswersAreTheSlowOnes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var lines []string
	for s := 3000; s > 0; s-- {
		size := 1000 * (1 + s%40)
		if s < 300 {
			size *= 50
		}
		lines = append(lines, line(now.Add(-time.Duration(s)*time.Second), "198.51.100.1", "/export", 200, size, 0.01+float64(size)/1e6, "10.0.0.1:80"))
	}
	v := logged(t, now, lines)
	require.Greater(t, v["time_by_bytes"], 0.9)
	require.Greater(t, v["bytes_p95"], 40*v["bytes_p95_before"].(float64))
}

func TestAYoungLogIsCutInThree(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var lines []string
	for s := 90; s > 0; s-- {
		status := 200
		if s < 25 {
			status = 500
		}
		lines = append(lines, line(now.Add(-time.Duration(s)*time.Second), "198.51.100.1", "/x", status, 10, 0.01, "10.0.0.1:80"))
	}
	v := logged(t, now, lines)
	require.InDelta(t, 30, v["window_s"], 0.5)
	require.Greater(t, v["share_5xx"], 0.7)
	require.EqualValues(t, 0, v["share_5xx_before"])
	require.InDelta(t, 1, v["ratio"], 0.1)
}

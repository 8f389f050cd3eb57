package logs_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/realserver"
)

// look asks the errors of a real log, as it is being written.
func look(t *testing.T, paths ...any) (rows []any, errors map[string]any) {
	t.Helper()
	target, err := logs.Kind().Open(connector.Settings{"paths": paths}, connector.Tools{})
	require.NoError(t, err)
	q := builtin("logs.sources", nil)
	q.Now = time.Now().Add(time.Second) // syslog-like times have no fraction
	a := target.Ask(context.Background(), q)
	require.True(t, a.Known(), "%+v", a)
	rows = a.Value.([]any)
	q.Builtin = "logs.errors"
	a = target.Ask(context.Background(), q)
	require.True(t, a.Known(), "%+v", a)
	return rows, a.Value.(map[string]any)
}

func fresh(t *testing.T, rows []any) {
	t.Helper()
	for _, r := range rows {
		row := r.(map[string]any)
		require.Equal(t, "ok", row["state"], "%v", row)
		require.InDelta(t, 0, row["newest_age_s"], 120, "%v", row)
		require.Greater(t, row["timed_share"], 0.5, "%v", row)
	}
}

func templates(v map[string]any) string {
	text := ""
	for _, r := range v["templates"].([]any) {
		text += fmt.Sprintln(r.(map[string]any)["template"], r.(map[string]any)["samples"])
	}
	return text
}

func TestLogsOfARealNginx(t *testing.T) {
	t.Parallel()
	nobody := realserver.Port(t)
	n := realserver.StartNginx(t, fmt.Sprintf(`server { listen 127.0.0.1:PORT; location / { proxy_pass http://127.0.0.1:%d; } location /ok { return 200; } }`, nobody), nil)
	for _, path := range []string{"/ok", "/orders/1", "/orders/2"} {
		r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", n.Port, path))
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
	}
	realserver.WaitFor(t, "nginx's logs", 5*time.Second, "", func() error {
		text, err := os.ReadFile(filepath.Join(n.Dir, "access.log"))
		if lines := strings.Count(string(text), "\n"); err == nil && lines < 3 {
			return fmt.Errorf("%d lines so far", lines)
		}
		return err
	})
	rows, v := look(t, filepath.Join(n.Dir, "access.log"), filepath.Join(n.Dir, "error.log"))
	fresh(t, rows)
	require.EqualValues(t, 4, v["errors"], "two refusals in the error log, two 502 in the access log: %s", templates(v))
	require.Contains(t, templates(v), "Connection refused")
}

func TestLogsOfARealRedis(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	target, err := logs.Kind().Open(connector.Settings{"paths": []any{s.Log}}, connector.Tools{})
	require.NoError(t, err)
	q := fence(t, `{service="shop"} |= "Ready to accept connections"`, nil)
	q.Now = time.Now().Add(time.Second)
	a := target.Ask(context.Background(), q)
	require.Len(t, list(t, a), 1, "%+v", a)
	require.InDelta(t, float64(time.Now().Unix()), a.Value.([]any)[0].(map[string]any)["at"], 120)
}

func TestLogsOfARealPostgres(t *testing.T) {
	t.Parallel()
	p := realserver.StartPostgres(t, realserver.PostgresConfig{})
	conn := p.Connect(t, "app")
	for i := range 3 {
		_, err := conn.Exec(context.Background(), fmt.Sprintf("SELECT * FROM missing_%d", i))
		require.Error(t, err)
	}
	rows, v := look(t, p.LogFile)
	fresh(t, rows)
	// Our own waiting for the server may have been refused while it started.
	counts := map[bool]int64{}
	for _, r := range v["templates"].([]any) {
		row := r.(map[string]any)
		counts[strings.Contains(row["template"].(string), `ERROR: relation "<*>" does not exist`)] += row["count"].(int64)
	}
	require.EqualValues(t, 3, counts[true], templates(v))
}

func TestLogsOfARealPythonProgram(t *testing.T) {
	t.Parallel()
	python := realserver.Find(t, "python3", "python3-minimal")
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	program := `
import logging, sys
logging.basicConfig(filename=sys.argv[1], level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log = logging.getLogger("shop")
log.info("started")
for i in range(3):
    try:
        {}["order-%d" % i]
    except KeyError:
        log.exception("order %d failed", i)
log.warning("done, with errors")
`
	out, err := exec.Command(python, "-c", program, path).CombinedOutput()
	require.NoError(t, err, string(out))
	rows, v := look(t, path)
	require.EqualValues(t, "text", rows[0].(map[string]any)["format"])
	require.EqualValues(t, 5, v["lines"], "a trace is part of its line")
	require.EqualValues(t, 3, v["errors"])
	require.Len(t, v["templates"], 1)
	require.Contains(t, templates(v), "KeyError")
}

func TestLogsOfARealSyslogLine(t *testing.T) {
	t.Parallel()
	now := time.Now()
	path := filepath.Join(t.TempDir(), "syslog")
	host, err := os.Hostname()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(now.Format(time.Stamp)+" "+host+" app[12]: ERROR: no "+net.IPv4bcast.String()+"\n"), 0o600))
	_, v := look(t, path)
	require.EqualValues(t, 1, v["errors"])
}

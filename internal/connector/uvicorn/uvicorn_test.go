package uvicorn_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/uvicorn"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

const app = `async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
`

// started is a real uvicorn.
func started(t *testing.T, args ...string) (connector.Settings, *realserver.Process, string) {
	t.Helper()
	bin := realserver.Find(t, "uvicorn", "uvicorn")
	dir, port := realserver.TempDir(t, ""), realserver.Port(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app.py"), []byte(app), 0o644))
	log := filepath.Join(dir, "out.log")
	p := realserver.Start(t, "", dir, log, append(append([]string{bin}, args...), "--port", strconv.Itoa(port), "app:app")...)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	realserver.WaitFor(t, "uvicorn", 20*time.Second, log, func() error {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return connector.Settings{"match": "port " + strconv.Itoa(port)}, p, address
}

func ask(t *testing.T, s connector.Settings, builtin string) evidence.Answer {
	t.Helper()
	target, err := uvicorn.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: builtin, Now: time.Now()})
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	return a
}

func workers(t *testing.T, s connector.Settings) map[string]any {
	t.Helper()
	a := ask(t, s, "uvicorn.workers")
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	v := a.Value.(map[string]any)
	for _, f := range uvicorn.Kind().Probes[0].Fields {
		require.Contains(t, v, f.Name)
	}
	return v
}

func TestItsPartIsTold(t *testing.T) {
	t.Parallel()
	for part, args := range map[string][]string{"single": {"--workers", "0"}, "parent": {"--workers", "2"}, "reloader": {"--reload", "--workers", "2"}} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			s, p, address := started(t, args...)
			v := workers(t, s)
			require.Equal(t, part, v["part"])
			require.Equal(t, int64(p.Cmd.Process.Pid), v["pid"])
			require.Equal(t, []any{address}, v["binds"])
			require.Equal(t, []any{address}, v["listens_on"])
			require.Equal(t, map[string]int64{"single": 0, "parent": 2, "reloader": 1}[part], v["workers"])
			require.Equal(t, map[string]int64{"single": 1, "parent": 2, "reloader": 2}[part], v["configured"])
			require.Len(t, v["list"], int(v["workers"].(int64))+1)
			if part == "reloader" {
				kinds := map[string]bool{}
				for _, r := range ask(t, s, "uvicorn.log").Value.([]any) {
					kinds[r.(map[string]any)["kind"].(string)] = true
				}
				require.True(t, kinds["reloader"], kinds)
			}
		})
	}
}

func TestAServerThatHasEndedIsMissed(t *testing.T) {
	t.Parallel()
	s, p, _ := started(t)
	require.Equal(t, int64(0), workers(t, s)["halted"])
	require.NoError(t, syscall.Kill(p.Cmd.Process.Pid, syscall.SIGSTOP))
	require.Eventually(t, func() bool { return workers(t, s)["halted"] == int64(1) }, 5*time.Second, 20*time.Millisecond)
	p.Stop(syscall.SIGKILL)
	a := ask(t, s, "uvicorn.workers")
	require.Equal(t, evidence.Unreachable, a.Status)
	require.Contains(t, a.Reason, "does not run")
	_, err := uvicorn.Kind().Open(connector.Settings{"match": "("}, connector.Tools{})
	require.ErrorContains(t, err, "match")
}

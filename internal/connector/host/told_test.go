package host_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

const asgiApp = `import asyncio, time
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/block":
        time.sleep(0.3)
    if scope["path"] == "/wait":
        await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
`

// asgi starts a real server with an event loop.
func asgi(t *testing.T, program, config string, args ...string) (service, address, dir string) {
	t.Helper()
	bin := realserver.Find(t, program, program)
	port := realserver.Port(t)
	dir, address = realserver.TempDir(t, ""), fmt.Sprintf("127.0.0.1:%d", port)
	service = fmt.Sprintf("shop%d", port)
	require.NoError(t, os.WriteFile(filepath.Join(dir, service+".py"), []byte(asgiApp), 0o644))
	if config != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "gunicorn.conf.py"), []byte(config), 0o644))
	}
	at := []string{"-b", address}
	if program == "uvicorn" {
		at = []string{"--port", strconv.Itoa(port)}
	}
	lib := filepath.Join(dir, "venv") // without the package that hides command lines behind titles
	require.NoError(t, os.Mkdir(lib, 0o755))
	if !slices.Contains(args, "titled") {
		require.NoError(t, os.WriteFile(filepath.Join(lib, "setproctitle.py"), []byte("raise ImportError()\n"), 0o644))
	}
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "titled" })
	realserver.Start(t, "", dir, filepath.Join(dir, "out.log"), append(append(append([]string{"/usr/bin/env", "PYTHONPATH=" + lib, bin}, args...), at...), service+":app")...)
	realserver.WaitFor(t, program, 20*time.Second, filepath.Join(dir, "out.log"), func() error {
		resp, err := http.Get("http://" + address + "/")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	})
	return service, address, dir
}

func TestALoopThatIsBlockedIsToldFromOneThatWaits(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"gunicorn", "gunicorn titled", "uvicorn"} {
		name, title, _ := strings.Cut(program, " ")
		var args []string
		if name == "gunicorn" {
			args = []string{"-w", "1", "-k", "uvicorn.workers.UvicornWorker"}
		}
		if title != "" {
			args = append(args, title)
		}
		for path, blocked := range map[string]bool{"/block": true, "/wait": false} {
			t.Run(program+path, func(t *testing.T) {
				t.Parallel()
				service, address, _ := asgi(t, name, "", args...)
				stop := make(chan struct{})
				done := make(chan struct{})
				go func() {
					defer close(done)
					for {
						select {
						case <-stop:
							return
						default:
						}
						if resp, err := http.Get("http://" + address + path); err == nil {
							_ = resp.Body.Close()
						}
					}
				}()
				v := object(t, ask(t, nil, "host.service", map[string]any{"service": service, "sample": time.Second}))
				close(stop)
				<-done
				require.NotNil(t, v["loop_blocked_share"])
				if blocked {
					require.Greater(t, v["loop_blocked_share"], 0.5)
					require.Equal(t, "sleep", v["loop_waits_for"])
				} else {
					require.Less(t, v["loop_blocked_share"], 0.3)
				}
			})
		}
	}
}

func TestWhatAServerWasToldStandsBesideWhatRuns(t *testing.T) {
	t.Parallel()
	service, _, dir := asgi(t, "gunicorn", "workers = 2\npreload_app = True\nmax_requests = 900\n", "-k", "uvicorn.workers.UvicornWorker", "--timeout", "45")
	settings := connector.Settings{"processes": map[string]any{service: "gunicorn.*" + service}}
	v := object(t, ask(t, settings, "host.service", map[string]any{"service": service}))
	require.Equal(t, int64(2), v["configured_workers"])
	require.Equal(t, "file", v["workers_from"])
	require.Equal(t, "yes", v["preload"])
	require.Equal(t, int64(900), v["max_requests"])
	require.InDelta(t, 45, v["timeout_s"], 0)
	require.Equal(t, "uvicorn.workers.UvicornWorker", v["worker_class"])
	require.Positive(t, v["cores_allowed"])
	require.Equal(t, filepath.Join(dir, service+".py"), v["code_newest"])
	require.Greater(t, v["code_age_s"], v["master_age_s"].(float64)-1, "the code is older than what runs")
	require.Equal(t, false, v["directory_gone"])

	require.NoError(t, os.WriteFile(filepath.Join(dir, service+".py"), []byte(asgiApp+"#\n"), 0o644))
	v = object(t, ask(t, settings, "host.service", map[string]any{"service": service}))
	require.Less(t, v["code_age_s"], v["master_age_s"], "the code is younger than what runs")
}

func TestWorkersThatAMasterHasSpawnedAreMissedWhenItIsGone(t *testing.T) {
	t.Parallel()
	service, address, _ := asgi(t, "uvicorn", "", "--workers", "2")
	_, port, _ := strings.Cut(address, ":")
	args := map[string]any{"service": service, "port": port}
	v := object(t, ask(t, nil, "host.service", args))
	require.Equal(t, int64(1), v["masters"])
	require.Equal(t, int64(2), v["workers"])
	require.Equal(t, int64(2), v["configured_workers"])
	require.Equal(t, int64(0), v["orphans"])
	var workers []int
	for _, r := range v["list"].([]any) {
		row := r.(map[string]any)
		if row["role"] == "worker" {
			workers = append(workers, int(row["pid"].(int64)))
		}
	}
	t.Cleanup(func() {
		for _, pid := range workers {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	require.NoError(t, syscall.Kill(int(v["port_pid"].(int64)), syscall.SIGKILL))
	time.Sleep(200 * time.Millisecond)
	v = object(t, ask(t, nil, "host.service", args))
	require.Equal(t, int64(2), v["orphans"], "%v", v["list"])
	require.Equal(t, int64(0), v["masters"])
}

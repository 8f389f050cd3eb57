package appserver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/appserver"
)

// process is a /proc with one process 7 in it.
func process(t *testing.T, env, config string) (proc string) {
	t.Helper()
	proc, work := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(proc, "7"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(proc, "7", "environ"), []byte(env), 0o600))
	require.NoError(t, os.Symlink(work, filepath.Join(proc, "7", "cwd")))
	if config != "" {
		require.NoError(t, os.WriteFile(filepath.Join(work, "gunicorn.conf.py"), []byte(config), 0o644))
	}
	return proc
}

// brief writes what was told in one line.
func brief(t appserver.Told) string {
	n := func(p *int64) string {
		if p == nil {
			return "?"
		}
		return fmt.Sprint(*p)
	}
	timeout := "?"
	if t.Timeout != nil {
		timeout = fmt.Sprint(*t.Timeout)
	}
	return fmt.Sprintf("%s w=%s (%s) k=%s th=%s t=%s max=%s preload=%s reload=%s %s %s", t.Server, n(t.Workers), t.WorkersFrom, t.Class, n(t.Threads), timeout, n(t.MaxRequests), t.Preload, t.Reload, strings.Join(t.Binds, ","), t.App)
}

func TestWhatAServerWasToldIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, env, config, want string }{
		"flags":                     {line: "gunicorn -w 4 -k uvicorn.workers.UvicornWorker -t 60 --max-requests=1000 -b :8000 shop.main:app", want: "gunicorn w=4 (arguments) k=uvicorn.workers.UvicornWorker th=1 t=60 max=1000 preload=no reload=no :8000 shop.main:app"},
		"joined, by an interpreter": {line: "/usr/bin/python3 /usr/bin/gunicorn -w3 --bind=unix:/run/x.sock --preload app:app", want: "gunicorn w=3 (arguments) k=sync th=1 t=30 max=0 preload=yes reload=no unix:/run/x.sock app:app"},
		"nothing":                   {line: "gunicorn app:app", want: "gunicorn w=1 (default) k=sync th=1 t=30 max=0 preload=no reload=no  app:app"},
		"the environment's number":  {line: "gunicorn app:app", env: "SECRET=x\x00WEB_CONCURRENCY=5", want: "gunicorn w=5 (environment) k=sync th=1 t=30 max=0 preload=no reload=no  app:app"},
		"arguments win over the environment, and that over the file": {
			line: "gunicorn -w 2 app:app", env: "GUNICORN_CMD_ARGS=--workers=3 --threads 8", config: "workers = 9\nthreads = 4\npreload_app = True\n",
			want: "gunicorn w=2 (arguments) k=sync th=8 t=30 max=0 preload=yes reload=no  app:app"},
		"a file that counts cores":     {line: "gunicorn app:app", config: "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1  # as the manual says\nbind = ['0.0.0.0:80', ':81']\n", want: "gunicorn w=33 (the machine's cores) k=sync th=1 t=30 max=0 preload=no reload=no 0.0.0.0:80,:81 app:app"},
		"a file that computes":         {line: "gunicorn app:app", config: "workers = int(os.environ['N'])\nif PROD:\n    preload_app = True\n", want: "gunicorn w=? (unknown) k=sync th=1 t=30 max=0 preload=unknown reload=no  app:app"},
		"a file that is not there":     {line: "gunicorn -c other.py app:app", want: "gunicorn w=? (unknown) k= th=? t=? max=? preload=unknown reload=unknown  app:app"},
		"a title hides the arguments":  {line: "gunicorn: master [app:app]", want: "gunicorn w=? (unknown) k= th=? t=? max=? preload=unknown reload=unknown  app:app"},
		"its file still speaks":        {line: "gunicorn: master [app:app]", config: "workers = 3\npreload_app = True\n", want: "gunicorn w=3 (file) k= th=? t=? max=? preload=yes reload=unknown  app:app"},
		"uvicorn":                      {line: "/usr/bin/python3 /usr/bin/uvicorn shop:app --reload --workers 4 --port 9000", want: "uvicorn w=4 (arguments) k= th=? t=? max=? preload=no reload=yes 127.0.0.1:9000 shop:app"},
		"uvicorn with no workers":      {line: "python3 -m uvicorn --workers 0 --host 0.0.0.0 shop:app", want: "uvicorn w=1 (arguments) k= th=? t=? max=? preload=no reload=no 0.0.0.0:8000 shop:app"},
		"uvicorn from the environment": {line: "uvicorn shop:app", env: "WEB_CONCURRENCY=3", want: "uvicorn w=3 (environment) k= th=? t=? max=? preload=no reload=no 127.0.0.1:8000 shop:app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, brief(appserver.Of(process(t, c.env, c.config), 7, words(c.line), 16)))
		})
	}
}

// words are the arguments of a line; a title is one.
func words(line string) []string {
	if strings.HasPrefix(line, "gunicorn: ") {
		return []string{line}
	}
	return strings.Fields(line)
}

func TestALogIsGroupedByWhatItSays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "error.log")
	require.NoError(t, os.WriteFile(file, []byte(`[2026-01-01 09:00:00 +0000] [5] [CRITICAL] WORKER TIMEOUT (pid:6)
[2026-01-01 12:00:00 +0000] [5] [INFO] Listening at: http://0.0.0.0:8000 (5)
[2026-01-01 12:00:01 +0000] [7] [INFO] Booting worker with pid: 7
[2026-01-01 12:01:00 +0000] [5] [CRITICAL] WORKER TIMEOUT (pid:7)
[2026-01-01 12:01:01 +0000] [5] [ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?
{"time": "2026-01-01T12:02:00.5Z", "message": "WORKER TIMEOUT (pid:8)"}
nothing to see
INFO:     Started server process [9]
[2026-01-01 12:03:00 +0000] [5] [WARNING] Worker with pid 9 was terminated due to signal 11
[2026-01-01 12:03:01 +0000] [5] [ERROR] Worker (pid:10) was sent SIGABRT!
[2026-01-01 12:03:01 +0000] [5] [WARNING] Worker with pid 8 was terminated due to signal 6
[2026-01-01 12:03:01 +0000] [5] [WARNING] Worker with pid 7 was terminated due to signal 11
[2026-01-01 12:03:02 +0000] [5] [WARNING] Worker with pid 11 was terminated due to signal 15
`), 0o600))
	said, cut, err := appserver.ReadLog(file, time.Date(2026, 1, 1, 11, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.False(t, cut)
	var out []string
	for _, s := range said {
		out = append(out, fmt.Sprintf("%s %d %s %v", s.Kind, s.Count, s.Last.UTC().Format("15:04"), s.PIDs))
	}
	require.Equal(t, []string{"timeout 2 12:02 [7 8]", "killed 1 12:01 [7]", "crashed 3 12:03 [9 10 7]", "signalled 1 12:03 [11]", "booted 2 12:00 [7 9]", "started 1 12:00 []"}, out)
}

func TestTheNewestCodeIsTheApplicationsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for file, at := range map[string]time.Time{
		"app.py": old, "shop/views.py": old.Add(time.Minute), "venv/lib/x.py": time.Now(), ".git/y.py": time.Now(), "tests/test_a.py": time.Now(), "notes.txt": time.Now(),
	} {
		path := filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		require.NoError(t, os.Chtimes(path, at, at))
	}
	path, changed := appserver.NewestCode(dir)
	require.Equal(t, filepath.Join(dir, "shop/views.py"), path)
	require.WithinDuration(t, old.Add(time.Minute), changed, time.Second)
	_, changed = appserver.NewestCode("/")
	require.True(t, changed.IsZero())
}

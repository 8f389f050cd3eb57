package nginx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/nginx"
	"github.com/quellhq/quell/internal/realserver"
)

// asApplier makes the test binary carry out one order and nothing else, so that
// a test can kill it in the middle.
const asApplier = "QUELL_TEST_NGINX_ORDER"

// errand is what such a process is given.
type errand struct {
	Settings connector.Settings
	Order    action.Order
}

func TestMain(m *testing.M) {
	if text := os.Getenv(asApplier); text != "" {
		os.Exit(runErrand([]byte(text)))
	}
	os.Exit(m.Run())
}

func runErrand(text []byte) int {
	var e errand
	if err := json.Unmarshal(text, &e); err != nil {
		return 2
	}
	target, err := nginx.Kind().Open(e.Settings, connector.Tools{})
	if err != nil {
		return 2
	}
	doer, _ := target.(action.Changer).Doer(e.Order.Type)
	if _, err := doer.Apply(context.Background(), e.Order); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// site is a real nginx in front of three backends, which are servers of its own.
type site struct {
	*realserver.Nginx
	a, b, c string // addresses of the backends
}

// front is the part of the configuration that tests change.
const front = `# The shop's backends.
upstream shop {
    server A weight=5; # the big one; it has two sockets
    server "B" max_fails=3
           fail_timeout=5s;
    server C down;
}
upstream alone { server A; server B down; }
`

// start runs nginx with further server blocks beside the usual ones. PORT, DIR
// and the names of backends are replaced.
func start(t *testing.T, more string) *site {
	t.Helper()
	s := &site{}
	address := func() string { return fmt.Sprintf("127.0.0.1:%d", realserver.Port(t)) }
	s.a, s.b, s.c = address(), address(), address()
	names := strings.NewReplacer("server A", "server "+s.a, `server "B"`, `server "`+s.b+`"`, "server B", "server "+s.b, "server C", "server "+s.c)
	servers := `
  include snippets/*.conf;
  include sites-enabled/*;
  server { listen ` + s.a + `; return 200 a; }
  server { listen ` + s.b + `; return 200 b; }
  server { listen ` + s.c + `; return 200 c; }
  server {
    listen 127.0.0.1:PORT; server_name shop.test www.shop.test;
    location / { proxy_pass http://shop; }
    location /static/ { alias DIR/static/; }
  }
` + more
	s.Nginx = realserver.StartNginx(t, servers, map[string]string{
		"sites-available/shop.conf": names.Replace(front), "sites-enabled/shop": "symlink:../sites-available/shop.conf", // as Debian has it
		"snippets/readme": "", "static/x": "x",
	})
	return s
}

func (s *site) settings() connector.Settings {
	return connector.Settings{"conf": s.Dir + "/nginx.conf", "prefix": s.Dir, "snippets": s.Dir + "/snippets", "backups": s.Dir + "/backups"}
}

func (s *site) changer(t *testing.T) action.Changer {
	t.Helper()
	return open(t, s.settings()).(action.Changer)
}

func open(t *testing.T, settings connector.Settings) connector.Target {
	t.Helper()
	target, err := nginx.Kind().Open(settings, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func (s *site) doer(t *testing.T, name string) action.Doer {
	t.Helper()
	d, ok := s.changer(t).Doer(name)
	require.True(t, ok)
	return d
}

// shopFile is where the upstreams really are.
func (s *site) shopFile() string { return filepath.Join(s.Dir, "sites-available/shop.conf") }

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// get asks the front for a path and returns status and body.
func (s *site) get(t *testing.T, path string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d%s", s.Port, path), nil)
	require.NoError(t, err)
	req.Host = "shop.test"
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

// backends are those that answer, of twelve requests: nginx's round robin
// begins anew with each worker, so their order is no sign of anything.
func (s *site) backends(t *testing.T) string {
	t.Helper()
	seen := map[string]bool{}
	for range 12 {
		_, body := s.get(t, "/")
		seen[body] = true
	}
	return fmt.Sprint(seen)
}

// files are the texts and modes of every configuration file.
func (s *site) files(t *testing.T) string {
	t.Helper()
	var lines []string
	require.NoError(t, filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "backups":
			return fs.SkipDir
		case !d.IsDir() && (strings.HasSuffix(path, ".conf") || strings.Contains(d.Name(), "quell")):
			info, err := d.Info()
			require.NoError(t, err)
			lines = append(lines, fmt.Sprintf("%s %s %s", strings.TrimPrefix(path, s.Dir), info.Mode(), read(t, path)))
		}
		return nil
	}))
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// world is every configuration file, and who answers.
func (s *site) world(t *testing.T) string {
	t.Helper()
	return s.files(t) + s.backends(t)
}

// loads counts how often the master was told to load.
func (s *site) loads(t *testing.T) int {
	t.Helper()
	return strings.Count(read(t, s.Dir+"/error.log"), "signal 1 (SIGHUP) received")
}

func spec(t *testing.T, name string) action.Spec {
	t.Helper()
	for _, s := range nginx.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatal("no action " + name)
	return action.Spec{}
}

func change(t *testing.T, name string, args map[string]any) action.Change {
	t.Helper()
	complete, err := spec(t, name).Complete(args)
	require.NoError(t, err)
	return action.Change{Type: name, Args: complete}
}

func order(t *testing.T, d action.Doer, c action.Change) action.Order {
	t.Helper()
	p, err := d.Preview(t.Context(), c)
	require.NoError(t, err)
	return action.Order{Change: c, Preview: p, Key: "INC-1.1.1-a", By: "tester", Intended: time.Now()}
}

// gone is a site whose master does not run: its pid file names nobody.
func (s *site) gone(t *testing.T) action.Changer {
	t.Helper()
	settings := s.settings()
	settings["pidfile"] = filepath.Join(t.TempDir(), "pid")
	require.NoError(t, os.WriteFile(settings["pidfile"].(string), []byte("4194000"), 0o644))
	return open(t, settings).(action.Changer)
}

func eventually(t *testing.T, what string, shown func() bool) {
	t.Helper()
	require.Eventually(t, shown, 10*time.Second, 20*time.Millisecond, what)
}

package discover_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/discover"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// plain is a password that stands in the projects in plain text, or in the
// environment: it must never be written.
const plain = "Tr0ub4dor"

func world(dir string) discover.World {
	return discover.World{Dir: filepath.Base(dir), Files: os.DirFS(dir), Root: fstest.MapFS{}, Env: map[string]string{}}
}

func TestProjects(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*discover.World){
		"compose": func(*discover.World) {},
		"dotenv":  func(w *discover.World) { w.Listening = []int{22, 5432, 8000} },
		"heroku": func(w *discover.World) {
			w.Env = map[string]string{"DATABASE_URL": "postgres://u:" + plain + "@db.example.com/shop", "REDIS_URL": "rediss://:" + plain + "@cache.example.com:6380", "PORT": "5000",
				"CELERY_BROKER_URL": "amqp://u:" + plain + "@mq", "PROMETHEUS_URL": "http://prom:9090", "LOKI_URL": "http://loki:3100", "TEMPO_URL": "http://tempo:3200", "DOCKER_HOST": "tcp://10.0.0.7:2376", "DOCKER_TLS_VERIFY": "1"}
		},
		"bare": func(w *discover.World) {
			w.Listening = []int{5432, 6379, 3100, 8080, 9090, 16686}
			w.Env = map[string]string{"PGHOST": "localhost", "PGUSER": "app", "PGPASSWORD": plain, "PGDATABASE": "shop"}
			w.Root = fstest.MapFS{"var/log/bare/app.log": {}, "var/log/nginx/error.log": {}, "var/log/nginx/access.log.1": {}, "var/run/docker.sock": {Mode: fs.ModeSocket}}
		},
		"onlylogs": func(*discover.World) {},
		"network":  func(*discover.World) {},
		"nothing":  func(*discover.World) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", name)
			w := world(dir)
			change(&w)
			found := discover.Look(w)
			text := found.YAML()
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), text)
			for range 5 {
				require.Equal(t, text, discover.Look(w).YAML(), "the same world, the same text")
			}
			require.NotContains(t, text, plain)
			require.Equal(t, name == "nothing", found.Empty())
		})
	}
}

func TestListening(t *testing.T) {
	t.Parallel()
	root := fstest.MapFS{
		"proc/net/tcp":  {Data: []byte("  sl  local_address rem_address   st\n   0: 0100007F:1538 00000000:0000 0A 0\n   1: 0100007F:1539 0100007F:1538 01 0\n")},
		"proc/net/tcp6": {Data: []byte("  sl  local_address rem_address   st\n   0: 00000000000000000000000000000000:0050 0:0 0A 0\n")},
	}
	require.Equal(t, []int{80, 5432}, discover.Listening(root))
	require.Empty(t, discover.Listening(fstest.MapFS{}))
}

func TestAnExistingFileStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "quell.yaml")
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	require.ErrorIs(t, discover.Write(path, "new", false), discover.ErrExists)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(data))
	require.NoError(t, discover.Write(path, "new", true))
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
	require.Error(t, discover.Write(filepath.Join(path, "x", "quell.yaml"), "new", false))
}

func TestHere(t *testing.T) {
	t.Setenv("QUELL_TEST_DATABASE_URL", "postgres://u:"+plain+"@nowhere.example/d")
	w, err := discover.Here(t.TempDir())
	require.NoError(t, err)
	require.Contains(t, discover.Look(w).YAML(), `url: "env:QUELL_TEST_DATABASE_URL"`)
}

func FuzzCompose(f *testing.F) {
	f.Add("services:\n  a: {image: postgres, ports: [\"5432:5432\", {target: 1, published: 2}], environment: [A, B=c], depends_on: {b: {}}}\n")
	f.Add("services:\n  a: {image: 5, command: [1, null], environment: {X: \"a://\"}}\n  b:\n")
	f.Fuzz(func(_ *testing.T, text string) {
		w := discover.World{Dir: "x", Files: fstest.MapFS{"compose.yaml": {Data: []byte(text)}, ".env": {Data: []byte(text)}, "Procfile": {Data: []byte(text)}}}
		_ = discover.Look(w).YAML()
	})
}

func TestAVariableKnowsMoreThanAPublishedPort(t *testing.T) {
	f := discover.Look(discover.World{
		Dir:   "shop",
		Files: fstest.MapFS{"compose.yaml": {Data: []byte("services:\n  db: {image: postgres:15, ports: [\"55432:5432\"]}\n")}},
		Env:   map[string]string{"DATABASE_URL": "postgres://app:geheim@127.0.0.1:55432/app"},
	})
	require.Contains(t, f.YAML(), `url: "env:DATABASE_URL"`)
	require.NotContains(t, f.YAML(), "postgres@127.0.0.1", "the user of the image is a guess")
}

package rq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/rq"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// site is a Redis with RQ's own programs around it.
type site struct {
	server *realserver.RedisServer
	client *goredis.Client
	dir    string // where the jobs write
	python string
	rq     string
	how    string // to enqueue: see enqueueHow
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{python: realserver.Python(t, "rq", "python3-rq"), rq: realserver.Find(t, "rq", "python3-rq"), dir: t.TempDir()}
	s.server = realserver.Redis(t)
	s.client = goredis.NewClient(&goredis.Options{Addr: s.server.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = s.client.Close() })
	return s
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func (s *site) environ(t testing.TB) []string {
	t.Helper()
	jobs, err := filepath.Abs("testdata")
	require.NoError(t, err)
	return []string{"PATH=" + os.Getenv("PATH"), "PYTHONPATH=" + jobs, "QUELL_TEST_DIR=" + s.dir, "PYTHONDONTWRITEBYTECODE=1", "HOME=" + s.dir, "QUELL_TEST_HOW=" + s.how}
}

// run runs a program of the site to its end.
func (s *site) run(t testing.TB, argv ...string) string {
	t.Helper()
	cmd := exec.CommandContext(within(t, time.Minute), argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = s.environ(t), s.dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%v: %s", argv, out)
	return string(out)
}

// enqueue lets RQ itself enqueue jobs and returns their ids.
func (s *site) enqueue(t testing.TB, queue, function string, args ...any) []string {
	t.Helper()
	return s.enqueueHow(t, "", queue, function, args...)
}

// enqueueHow does it in one of the ways of testdata/jobs.py.
func (s *site) enqueueHow(t testing.TB, how, queue, function string, args ...any) []string {
	t.Helper()
	s.how = how
	defer func() { s.how = "" }()
	argv := []string{s.python, "-m", "jobs", s.server.URL(), queue, function}
	for _, a := range args {
		argv = append(argv, fmt.Sprint(a))
	}
	var ids []string
	require.NoError(t, json.Unmarshal([]byte(s.run(t, argv...)), &ids))
	return ids
}

// work lets a worker do what waits, and end.
func (s *site) work(t testing.TB, queues ...string) {
	t.Helper()
	s.run(t, append([]string{s.rq, "worker", "--burst", "--url", s.server.URL()}, queues...)...)
}

// starts starts a worker that goes on, in a process group of its own.
func (s *site) starts(t testing.TB, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(s.rq, append([]string{"worker", "--url", s.server.URL()}, argv...)...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = s.environ(t), s.dir, &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return cmd
}

// breaks makes jobs fail until they are mended.
func (s *site) breaks(t testing.TB) (mend func()) {
	t.Helper()
	file := filepath.Join(s.dir, "broken")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	return func() { require.NoError(t, os.Remove(file)) }
}

// done lists what jobs have done, each as often as it did.
func (s *site) done(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "done"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	return strings.Fields(string(data))
}

// cmd is one command of Redis that must work.
func (s *site) cmd(t testing.TB, words ...any) any {
	t.Helper()
	v, err := s.client.Do(within(t, 10*time.Second), words...).Result()
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	require.NoError(t, err, "%v", words)
	return v
}

// world is all keys of RQ with their values, without times to live.
func (s *site) world(t testing.TB) string {
	t.Helper()
	var lines []string
	keys, err := s.client.Keys(within(t, 10*time.Second), "rq:*").Result()
	require.NoError(t, err)
	for _, k := range keys {
		if strings.HasPrefix(k, "rq:clean_registries:") {
			continue
		}
		value := any(nil)
		switch s.cmd(t, "TYPE", k) {
		case "list":
			value = s.cmd(t, "LRANGE", k, 0, -1)
		case "zset":
			value = s.cmd(t, "ZRANGE", k, 0, -1, "WITHSCORES")
		case "hash":
			value, err = s.client.HGetAll(within(t, 10*time.Second), k).Result()
			require.NoError(t, err)
		case "set":
			value = s.cmd(t, "SMEMBERS", k)
		case "stream":
			value = s.cmd(t, "XRANGE", k, "-", "+")
		}
		lines = append(lines, fmt.Sprintf("%s %v", k, value))
	}
	return strings.Join(sorted(lines), "\n")
}

// calls is how often the server carried a command out, by its own count.
func (s *site) calls(t testing.TB, command string) int {
	t.Helper()
	text, err := s.client.Info(within(t, 10*time.Second), "commandstats").Result()
	require.NoError(t, err)
	var n int
	if m := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+),`).FindStringSubmatch(text); m != nil {
		_, err = fmt.Sscan(m[1], &n)
		require.NoError(t, err)
	}
	return n
}

func open(t testing.TB, s connector.Settings) connector.Target {
	t.Helper()
	target, err := rq.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func (s *site) changer(t testing.TB) action.Changer {
	t.Helper()
	return open(t, connector.Settings{"url": s.server.URL()}).(action.Changer)
}

func nobodyThere(t *testing.T) action.Changer {
	t.Helper()
	return open(t, connector.Settings{"url": fmt.Sprintf("redis://127.0.6.9:%d", realserver.Port(t))}).(action.Changer)
}

func ask(t testing.TB, target connector.Target, name string) map[string]any {
	t.Helper()
	a := target.Ask(within(t, 10*time.Second), probe.Question{Name: "q", Lang: "probe", Builtin: name})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func sorted(lines []string) []string { slices.Sort(lines); return lines }

// hands do the actions of this connector.
var hands = actiontest.Hands{Specs: rq.Kind().Actions}

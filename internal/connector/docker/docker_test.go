package docker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/connectortest"
	"github.com/quellhq/quell/internal/connector/docker"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
)

func open(t *testing.T, s connector.Settings) connector.Target {
	t.Helper()
	target, err := docker.Kind().Open(s, connector.Tools{Redact: secret.NewRedactor()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func question(name, service string) probe.Question {
	args := map[string]any{}
	for _, s := range docker.Kind().Probes {
		if s.Name == name && len(s.Params) > 0 {
			args["service"] = service
			if name == "docker.events" {
				args["since"] = time.Hour
			}
		}
	}
	return probe.Question{Lang: "probe", Builtin: name, Args: args, Now: time.Now(), Since: time.Hour}
}

func ask(t *testing.T, target connector.Target, name, service string) evidence.Answer {
	t.Helper()
	return target.Ask(t.Context(), question(name, service))
}

func rows(t *testing.T, target connector.Target, name, service string) []map[string]any {
	t.Helper()
	a := ask(t, target, name, service)
	require.Equal(t, evidence.Answered, a.Status, "%s of %s: %s", name, service, a.Reason)
	var out []map[string]any
	for _, r := range a.Value.([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}

func object(t *testing.T, target connector.Target, name, service string) map[string]any {
	t.Helper()
	a := ask(t, target, name, service)
	require.Equal(t, evidence.Answered, a.Status, "%s of %s: %s", name, service, a.Reason)
	return a.Value.(map[string]any)
}

// eventually asks until the answer is as expected: containers take their time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 30*time.Second, 100*time.Millisecond, what)
}

// The whole is held to a real engine: each container has one thing wrong.
func TestARealEngine(t *testing.T) {
	t.Parallel()
	d := realserver.StartDocker(t)
	run := func(argv ...string) {
		t.Helper()
		out, err := d.Run(append([]string{"docker", "run", "-d", "--network", "none"}, argv...)...)
		if err != nil && !strings.Contains(string(out), "OCI runtime create failed") {
			t.Fatalf("docker run %v: %v\n%s", argv, err, out)
		}
	}
	const forever = "while :; do /busybox sleep 1; done"
	run("--name", "shop-web-1", "-l", "com.docker.compose.service=web", "-m", "64m", "--cpus", "0.5", "--health-cmd", "/busybox true", "--health-interval", "2s",
		"--log-opt", "max-size=1m", d.Image, "/bin/sh", "-c", "/busybox nc -ll -p 8000 -e /busybox true & "+forever)
	run("--name", "web", d.Image, "/bin/sh", "-c", "exit 0") // another's container, by its name alone
	run("--name", "shop-hungry-1", "-m", "8m", d.Image, "/bin/sh", "-c", "x=aaaaaaaa; while :; do x=$x$x; done")
	run("--name", "shop-typo-1", d.Image, "/nope")
	run("--name", "shop-missing-1", d.Image, "/bin/sh", "-c", "nope")
	run("--name", "shop-loop-1", "--restart", "always", d.Image, "/bin/sh", "-c", "exit 3")
	run("--name", "shop-sick-1", "--health-cmd", "echo no such table; exit 1", "--health-interval", "2s", "--health-retries", "2", d.Image, "/bin/sh", "-c", forever)
	run("--name", "shop-busy-1", "--cpus", "0.1", d.Image, "/bin/sh", "-c", "while :; do :; done")
	run("--name", "shop-asked-1", d.Image, "/bin/sh", "-c", "trap 'exit 143' TERM; "+forever)
	_, err := d.Run("docker", "stop", "shop-asked-1")
	require.NoError(t, err)
	target := open(t, connector.Settings{"url": d.URL, "services": map[string]any{"checkout": "shop-asked-1"}})

	// First, since the engine forgets them: each health check makes three.
	t.Run("a container that does not stay up", func(t *testing.T) {
		eventually(t, "it has started three times", func() bool { return rows(t, target, "docker.containers", "loop")[0]["restarts"].(int64) >= 3 })
		e := object(t, target, "docker.events", "loop")
		require.GreaterOrEqual(t, e["deaths_unasked"], int64(3))
		require.Equal(t, int64(3), e["last_exit_code"])
	})
	t.Run("events tell who was told to end", func(t *testing.T) {
		e := object(t, target, "docker.events", "shop-asked-1")
		require.Equal(t, int64(1), e["deaths"])
		require.Equal(t, int64(0), e["deaths_unasked"])
		eventually(t, "it has been killed", func() bool { return rows(t, target, "docker.containers", "hungry")[0]["ended"] != "" })
		e = object(t, target, "docker.events", "hungry")
		require.GreaterOrEqual(t, e["ooms"], int64(1))
		require.Equal(t, int64(1), e["deaths_unasked"])
	})
	t.Run("it keeps the contract", func(t *testing.T) {
		silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = silent.Close() })
		_, err = d.Run("nsenter", "-t", fmt.Sprint(d.Pid(t)), "-n", "ip", "link", "set", "lo", "up")
		require.NoError(t, err)
		out, err := d.Run("docker", "swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1")
		require.NoError(t, err, string(out))
		out, err = d.Run("docker", "service", "create", "--detach", "--name", "stack_store", "--network", "host", "--replicas", "2", d.Image, "/bin/sh", "-c", forever)
		require.NoError(t, err, string(out))
		out, err = d.Run("docker", "service", "create", "--detach", "--name", "gone", "--network", "host", "--no-resolve-image", "nosuch/image:9")
		require.NoError(t, err, string(out))
		out, err = d.Run("docker", "service", "create", "--detach", "--name", "picky", "--network", "host", "--constraint", "node.labels.gpu==yes", d.Image, "/bin/sh")
		require.NoError(t, err, string(out))
		eventually(t, "the tasks of store run", func() bool {
			running := 0
			for _, r := range rows(t, target, "docker.tasks", "store") {
				if r["state"] == "running" {
					running++
				}
			}
			return running == 2
		})
		var questions []probe.Question
		for _, s := range docker.Kind().Probes {
			switch s.Name {
			case "docker.services", "docker.tasks":
				questions = append(questions, question(s.Name, "store"))
			case "docker.ports": // nothing can be published without a network: its rows are tested below
			default:
				questions = append(questions, question(s.Name, "web"))
			}
		}
		kind := docker.Kind()
		for i, s := range kind.Probes {
			if s.Name == "docker.ports" {
				kind.Probes = append(kind.Probes[:i:i], kind.Probes[i+1:]...)
				break
			}
		}
		connectortest.Run(t, connectortest.Case{
			Kind: kind, Questions: questions, Secret: "hunter22",
			Well:   connector.Settings{"url": d.URL, "bearer": "hunter22"},
			Gone:   connector.Settings{"url": d.URL + ".gone", "bearer": "hunter22"},
			Silent: connector.Settings{"url": "unix://" + silent.Addr().String(), "bearer": "hunter22"},
		})
	})
	t.Run("a container that is well", func(t *testing.T) {
		eventually(t, "it is healthy", func() bool { return rows(t, target, "docker.containers", "web")[0]["health"] == "healthy" })
		list := rows(t, target, "docker.containers", "web")
		require.Len(t, list, 1, "the label decides, and not the name of another")
		r := list[0]
		require.Equal(t, "label", r["known_by"])
		require.Equal(t, true, r["running"])
		require.Equal(t, "", r["ended"])
		require.Nil(t, r["exit_code"])
		require.Equal(t, int64(64<<20), r["memory_limit_bytes"])
		require.Equal(t, 0.5, r["cpu_limit_cores"])
		require.Equal(t, false, r["log_unbounded"])
		require.NotNil(t, r["start_took_s"])
		u := rows(t, target, "docker.usage", "web")[0]
		require.Less(t, u["memory_share"], 0.5)
		require.Less(t, u["throttled_share"], 0.3)
		i := rows(t, target, "docker.images", "web")[0]
		require.Equal(t, true, i["present"])
		require.Equal(t, true, i["fits"])
	})
	t.Run("ends", func(t *testing.T) {
		for service, want := range map[string]struct {
			ended string
			code  int64
		}{
			"hungry": {"memory", 137}, "typo": {"not_found", 127}, "missing": {"not_found", 127}, "shop-asked-1": {"stopped", 143}, "checkout": {"stopped", 143},
		} {
			eventually(t, service+" has ended", func() bool { return rows(t, target, "docker.containers", service)[0]["ended"] != "" })
			r := rows(t, target, "docker.containers", service)[0]
			require.Equal(t, want.ended, r["ended"], service)
			require.Equal(t, want.code, r["exit_code"], service)
			require.Equal(t, want.ended == "memory", r["oom_killed"], service)
			require.Equal(t, evidence.NoData, ask(t, target, "docker.usage", service).Status)
		}
		require.Equal(t, "not_found", rows(t, target, "docker.containers", "typo")[0]["problem"])
		require.Equal(t, "part of the name", rows(t, target, "docker.containers", "typo")[0]["known_by"])
	})
	t.Run("a failing health check", func(t *testing.T) {
		eventually(t, "it is unhealthy", func() bool { return rows(t, target, "docker.containers", "sick")[0]["health"] == "unhealthy" })
		r := rows(t, target, "docker.containers", "sick")[0]
		require.Equal(t, "no such table", r["health_output"])
		require.GreaterOrEqual(t, r["failing_streak"], int64(2))
	})
	t.Run("a container that is held back", func(t *testing.T) {
		eventually(t, "it is throttled", func() bool {
			share, _ := rows(t, target, "docker.usage", "busy")[0]["throttled_share"].(float64)
			return share > 0.5
		})
	})
	t.Run("swarm says what hinders a task", func(t *testing.T) {
		eventually(t, "it is rejected", func() bool {
			for _, r := range rows(t, target, "docker.tasks", "gone") {
				if r["state"] == "rejected" && r["problem"] == "image" {
					return true
				}
			}
			return false
		})
		eventually(t, "it is pending", func() bool {
			r := rows(t, target, "docker.tasks", "picky")[0]
			return r["state"] == "pending" && r["problem"] == "no_place"
		})
		s := rows(t, target, "docker.services", "store")[0]
		require.Equal(t, "stack_store", s["name"])
		require.Equal(t, int64(2), s["wanted"])
	})
	t.Run("who is not there is no data", func(t *testing.T) {
		a := ask(t, target, "docker.containers", "nobody")
		require.Equal(t, evidence.NoData, a.Status)
		require.Contains(t, a.Reason, "there are ")
	})
	t.Run("the doctor", func(t *testing.T) {
		checks := target.(connector.Examiner).Examine(t.Context())
		require.True(t, checks[0].OK, checks[0].Detail)
		require.True(t, checks[1].OK, checks[1].Detail)
	})
}

// double answers as an engine would; what it does not know is 404.
func double(t *testing.T, pages map[string]any) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, http.MethodGet, r.Method)
		if r.URL.Path == "/_ping" {
			w.Header().Set("Api-Version", "1.52")
			fmt.Fprint(w, "OK")
			return
		}
		page, ok := pages[strings.TrimPrefix(r.URL.Path, "/v1.44")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			page = map[string]any{"message": "no such thing"}
		}
		if text, ok := page.(string); ok {
			fmt.Fprint(w, text)
			return
		}
		require.NoError(t, json.NewEncoder(w).Encode(page))
	}))
	t.Cleanup(s.Close)
	return s
}

func tcp(s *httptest.Server) connector.Settings {
	return connector.Settings{"url": strings.Replace(s.URL, "http://", "tcp://", 1)}
}

func TestASwarmsWorkerKnowsNoServices(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/_ping" {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"message":"This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."}`)
		}
	}))
	t.Cleanup(s.Close)
	a := ask(t, open(t, tcp(s)), "docker.tasks", "web")
	require.Equal(t, evidence.NotApplicable, a.Status)
}

func TestStrangersAreNoEngines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		page http.HandlerFunc
		want evidence.Status
	}{
		"a login page":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, evidence.NotApplicable},
		"a proxy refuses":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, evidence.Denied},
		"an engine is sick": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, evidence.Unreachable},
		"a redirect":        {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, evidence.NotApplicable},
		"an endless answer": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, evidence.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.page)
			t.Cleanup(s.Close)
			require.Equal(t, c.want, ask(t, open(t, tcp(s)), "docker.containers", "web").Status)
		})
	}
}

func TestHalfAnAnswerDoesNotPanic(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 64)
	for _, inspect := range []any{map[string]any{}, map[string]any{"Id": "x"}, map[string]any{"State": nil, "HostConfig": nil, "Config": nil}, []any{}, "null", "{"} {
		s := double(t, map[string]any{
			"/containers/json":             []any{map[string]any{"Id": id, "Names": []string{"/web"}, "State": "running"}, map[string]any{}},
			"/containers/" + id + "/json":  inspect,
			"/containers/" + id + "/stats": inspect,
			"/info":                        map[string]any{}, "/system/df": "null", "/services": "[]", "/events": "{}\n{",
		})
		target := open(t, tcp(s))
		for _, spec := range docker.Kind().Probes {
			ask(t, target, spec.Name, "web")
		}
	}
}

func TestNothingButGetLeaves(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"unix://relative", "ftp://x", "docker.sock", "tcp://", "://"} {
		_, err := docker.Kind().Open(connector.Settings{"url": bad}, connector.Tools{})
		require.Error(t, err, bad)
	}
	// A name that would be a path of the API is no image.
	s := double(t, map[string]any{
		"/containers/json": []any{map[string]any{"Id": "a/../../exec", "Names": []string{"/web"}, "State": "running"}},
	})
	a := open(t, tcp(s)).Ask(context.Background(), question("docker.containers", "web"))
	require.NotEqual(t, evidence.Denied, a.Status)
}

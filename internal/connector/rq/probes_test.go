package rq_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/rq"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func openError(s connector.Settings) (connector.Target, error) {
	return rq.Kind().Open(s, connector.Tools{})
}

func TestQueuesAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	empty := ask(t, target, "rq.queues")
	require.Equal(t, map[string]any{"queues": []any{}, "waiting": int64(0), "running": int64(0), "failed": int64(0), "workers": int64(0), "oldest_s": nil, "suspended": false, "unheard": int64(0), "unheard_queues": []any{}}, empty)
	s.breaks(t)
	s.enqueue(t, "mail", "work", 1, 2)
	s.work(t, "mail")
	s.enqueue(t, "default", "work", 3)
	v := ask(t, target, "rq.queues")
	require.EqualValues(t, 1, v["waiting"])
	require.EqualValues(t, 2, v["failed"])
	require.InDelta(t, 5, v["oldest_s"], 30)
	rows := v["queues"].([]any)
	require.Len(t, rows, 2)
	require.Equal(t, "default", rows[0].(map[string]any)["name"])
	require.Nil(t, rows[1].(map[string]any)["oldest_s"])
	require.EqualValues(t, 1, v["unheard"])
	require.Equal(t, []any{"default"}, v["unheard_queues"])
}

// Every field of a specification is there, and no other.
func TestAnswersHaveTheFieldsTheyPromise(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	for _, full := range []bool{false, true} {
		for _, spec := range rq.Kind().Probes {
			v := ask(t, target, spec.Name)
			for _, f := range spec.Fields {
				require.Contains(t, v, f.Name, spec.Name)
			}
			require.Len(t, v, len(spec.Fields), "%s: %v", spec.Name, v)
		}
		if !full {
			s.enqueue(t, "mail", "absent", 1, 2)
			s.work(t, "mail")
			s.enqueueHow(t, "_later", "mail", "work", 1)
			s.enqueue(t, "mail", "work", 3)
		}
	}
}

func TestWorkersAreTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stopAll(t)
	target := s.employer(t)
	actiontest.Applied(t, target, hands.Planned(t, target, "rq.start_worker", nil))
	s.cmd(t, "SADD", "rq:workers", "rq:worker:killed", "rq:worker:silent")
	s.cmd(t, "HSET", "rq:worker:silent", "birth", "2020-01-01T00:00:00.000000Z", "last_heartbeat", "2020-01-01T00:00:00.000000Z", "queues", "old")
	v := ask(t, target.(connector.Target), "rq.workers")
	require.EqualValues(t, 1, v["alive"])
	require.EqualValues(t, 1, v["silent"])
	require.Equal(t, []any{"default"}, v["queues"])
	row := v["workers"].([]any)[0].(map[string]any)
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host, row["host"])
	require.True(t, strings.HasPrefix(row["name"].(string), "quell-INC"))
	require.Equal(t, true, row["alive"])
}

func TestNoQuestionGivesAwayTheSecret(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--requirepass", "geheim-geheim")
	for name, url := range map[string]string{
		"wrong":  "redis://:falsch-falsch@" + s.Addr(),
		"absent": "redis://" + s.Addr(),
		"nobody": "redis://:falsch-falsch@127.0.6.8:1",
	} {
		target := open(t, connector.Settings{"url": url, "connect_within": "1s"})
		for _, q := range rq.Kind().Probes {
			a := target.Ask(within(t, 5*time.Second), probe.Question{Lang: "probe", Builtin: q.Name})
			require.NotEqual(t, evidence.Answered, a.Status, name)
			require.NotContains(t, a.Reason+a.Hint, "falsch")
		}
		checks := target.(connector.Examiner).Examine(within(t, 5*time.Second))
		require.False(t, checks[0].OK)
	}
	target := open(t, connector.Settings{"url": "redis://:geheim-geheim@" + s.Addr(), "worker": []string{"no-such-program", "{name}"}, "run_dir": filepath.Join(t.TempDir(), "run")})
	checks := target.(connector.Examiner).Examine(within(t, 5*time.Second))
	require.True(t, checks[0].OK)
	require.False(t, checks[1].OK)
	require.Equal(t, evidence.Invalid, target.Ask(within(t, time.Second), probe.Question{Lang: "probe", Builtin: "rq.nothing"}).Status)
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, target.Ask(within(t, time.Second), probe.Question{Lang: "probe", Builtin: "rq.queues"}).Status)
	require.NoError(t, target.Close())
}

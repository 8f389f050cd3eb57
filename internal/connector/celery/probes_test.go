package celery_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/celery"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func openError(s connector.Settings) (connector.Target, error) {
	return celery.Kind().Open(s, connector.Tools{})
}

func TestQueuesAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL(), "queues": []string{"celery", "mail"}})
	require.Equal(t, map[string]any{
		"queues": []any{
			map[string]any{"name": "celery", "waiting": int64(0), "later": int64(0)},
			map[string]any{"name": "mail", "waiting": int64(0), "later": int64(0)},
		},
		"waiting": int64(0), "unacked": int64(0), "unacked_oldest_s": nil, "workers": int64(0), "listeners": int64(0), "names": []any{},
		"consumers": nil, "others": []any{}, "others_waiting": int64(0),
	}, ask(t, target, "celery.queues"))
	s.send(t, "celery", "work", 1, 2)
	s.sendWith(t, "mail", "work", 9, 3)
	s.held(t, "a", "", "celery", time.Hour)
	s.cmd(t, "SADD", "_kombu.binding.celery.pidbox", "\x06\x16\x06\x16killed@host.celery.pidbox")
	v := ask(t, target, "celery.queues")
	require.EqualValues(t, 3, v["waiting"])
	require.Equal(t, map[string]any{"name": "mail", "waiting": int64(1), "later": int64(1)}, v["queues"].([]any)[1])
	require.EqualValues(t, 1, v["unacked"])
	require.InDelta(t, 3600, v["unacked_oldest_s"], 60)
	require.Equal(t, []any{"killed@host"}, v["names"])
	require.EqualValues(t, 0, v["workers"], "it has a mailbox, and nobody listens")
	require.EqualValues(t, 0, v["consumers"])
	one := open(t, connector.Settings{"url": s.server.URL()})
	v = ask(t, one, "celery.queues")
	require.EqualValues(t, 1, v["others_waiting"], "a queue that nobody named is found by its binding")
	require.Equal(t, []any{map[string]any{"name": "mail", "waiting": int64(1)}}, v["others"])
}

// Every field of a specification is there, and no other.
func TestAnswersHaveTheFieldsTheyPromise(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL(), "beat_schedule": filepath.Join(s.dir, "schedule")})
	for _, full := range []bool{false, true} {
		for _, spec := range celery.Kind().Probes {
			v := ask(t, target, spec.Name)
			for _, f := range spec.Fields {
				require.Contains(t, v, f.Name, spec.Name)
			}
			require.Len(t, v, len(spec.Fields), "%s: %v", spec.Name, v)
		}
		if !full {
			s.send(t, "celery", "work", 1)
			s.held(t, "a", "", "celery", time.Hour)
			s.cmd(t, "SET", "celery-task-meta-1", `{"status": "SUCCESS", "result": 1, "traceback": null, "date_done": "2026-01-01T00:00:00.000000"}`)
		}
	}
}

func TestKeysWithAPrefix(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL(), "key_prefix": "shop:"})
	s.cmd(t, "LPUSH", "shop:celery", `{"headers":{"id":"1","task":"t"}}`)
	require.EqualValues(t, 1, ask(t, target, "celery.queues")["waiting"])
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
		a := target.Ask(within(t, 5*time.Second), probe.Question{Lang: "probe", Builtin: "celery.queues"})
		require.NotEqual(t, evidence.Answered, a.Status, name)
		require.NotContains(t, a.Reason+a.Hint, "falsch")
		require.False(t, target.(connector.Examiner).Examine(within(t, 5*time.Second))[0].OK)
	}
	target := open(t, connector.Settings{"url": "redis://:geheim-geheim@" + s.Addr(), "worker": []string{"no-such-program", "{name}"}, "run_dir": filepath.Join(t.TempDir(), "run")})
	checks := target.(connector.Examiner).Examine(within(t, 5*time.Second))
	require.True(t, checks[0].OK)
	require.False(t, checks[1].OK)
	require.Equal(t, evidence.Invalid, target.Ask(within(t, time.Second), probe.Question{Lang: "probe", Builtin: "celery.nothing"}).Status)
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, target.Ask(within(t, time.Second), probe.Question{Lang: "probe", Builtin: "celery.queues"}).Status)
	require.NoError(t, target.Close())
	_, err := openError(connector.Settings{"url": "redis://h", "queues": []string{""}})
	require.ErrorContains(t, err, "queues")
}

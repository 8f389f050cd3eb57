package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

func TestChangesOfSettingsKeepTheContract(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action string
		args   map[string]any
		start  []string
		reads  []string
	}{
		"a number": {"redis.config_set", map[string]any{"name": "maxclients", "value": 200, "for": "10m"}, nil, []string{"maxclients"}},
		"an amount that arithmetic made": {"redis.config_set", map[string]any{"name": "maxmemory", "value": 104857600.5},
			[]string{"--maxmemory", "50mb"}, []string{"maxmemory"}},
		"yes": {"redis.config_set", map[string]any{"name": "lazyfree-lazy-user-del", "value": true}, nil, []string{"lazyfree-lazy-user-del"}},
		"one class of output buffers": {"redis.config_set", map[string]any{"name": "client-output-buffer-limit", "value": "replica 512mb 128mb 60"},
			nil, []string{"client-output-buffer-limit"}},
		"the policy": {"redis.memory_policy", map[string]any{"policy": "allkeys-lfu", "for": "1h"}, nil, []string{"maxmemory-policy"}},
		"snapshots off": {"redis.persistence", map[string]any{"save": "off"},
			[]string{"--save", "3600 1 300 100"}, []string{"save", "appendonly"}},
		"snapshots on and the append-only file too": {"redis.persistence", map[string]any{"save": "3600 1", "appendonly": "yes", "for": "30m"},
			nil, []string{"save", "appendonly"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realserver.Redis(t, test.start...)
			c := client(t, s)
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, test.action), Args: test.args, Open: opener(s), Gone: nobodyThere,
				World: func(t *testing.T) string {
					var all string
					for _, name := range test.reads {
						all += name + "=" + config(t, c, name) + "\n"
					}
					return all
				},
				Effects: func(t *testing.T) int { return calls(t, c, "config|set") },
			})
		})
	}
}

func TestWhatOpensTheServerIsRefused(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--requirepass", "geheim-geheim")
	target := changer(t, "redis://:geheim-geheim@"+s.Addr())
	for _, name := range []string{
		"dir", "DBFILENAME", "requirepass", "masterauth", "masteruser", "user", "aclfile", "acl-pubsub-default", "tls-port", "tls-key-file-pass",
		"protected-mode", "bind", "port", "unixsocket", "enable-debug-command", "enable-protected-configs", "loadmodule", "replicaof",
		"replica-read-only", "databases", "logfile", "appendfilename", "appenddirname", "no-such-setting", "max*", "maxmemory requirepass",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := hands.Preview(t, target, "redis.config_set", map[string]any{"name": name, "value": "x"})
			actiontest.Refuses(t, err)
			require.NotContains(t, err.Error(), "geheim")
			// nor by an order that somebody has written himself
			order := action.Order{
				Change: hands.Change(t, "redis.config_set", map[string]any{"name": name, "value": "x"}), Key: "INC-1.1",
				Preview: action.Preview{Items: []action.Item{{ID: name, Guard: `{"name":"` + name + `","was":"","then":"x"}`}}},
			}
			_, err = actiontest.Apply(t, target, order)
			require.Error(t, err)
		})
	}
	require.Zero(t, callsOf(t, s, "geheim-geheim", "config|set"))
}

func TestValuesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	target := changer(t, s.URL())
	for name, value := range map[string]string{
		"maxmemory": "much", "maxmemory-policy": "newest", "appendonly": "maybe", "maxclients": "1e40", "save": "3600",
		"tcp-keepalive": "-", "client-output-buffer-limit": "normal 1", "maxmemory-clients": "120%", "timeout": "NaN",
	} {
		_, err := hands.Preview(t, target, "redis.config_set", map[string]any{"name": name, "value": value})
		actiontest.Refuses(t, err)
	}
	_, err := hands.Preview(t, target, "redis.config_set", map[string]any{"name": "maxclients", "value": 900_000_000})
	actiontest.Refuses(t, err, "is not from 1 to")
	_, err = hands.Preview(t, target, "redis.persistence", nil)
	actiontest.Refuses(t, err, "was not told")
}

func TestASettingThatSomebodyElseSetIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c, target := client(t, s), changer(t, s.URL())
	order := hands.Planned(t, target, "redis.config_set", map[string]any{"name": "maxclients", "value": "300"})
	run(t, c, "CONFIG SET maxclients 250")
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "somebody else has set it")
	require.Equal(t, "250", config(t, c, "maxclients"))
	require.Equal(t, action.CannotTell, actiontest.StandingOf(t, target, order).State)
}

func TestAServerThatWasRestartedIsAnother(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	order := hands.Planned(t, changer(t, s.URL()), "redis.config_set", map[string]any{"name": "maxclients", "value": "300"})
	s.Restart(t)
	target := changer(t, s.URL())
	standing := actiontest.StandingOf(t, target, order)
	require.Equal(t, action.CannotTell, standing.State)
	require.Contains(t, standing.Text, "no longer what it was")
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err)
}

func TestWhatTheServerItselfRefusesDidNotHappen(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.config_set", map[string]any{"name": "proto-max-bulk-len", "value": "1000"})
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "CONFIG SET")
}

func TestAUserWithoutTheRightIsToldWhichOne(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	run(t, client(t, s), "ACL SETUSER ops on >pass-word ~* +@all -config|set -config|get")
	_, err := hands.Preview(t, changer(t, "redis://ops:pass-word@"+s.Addr()), "redis.config_set", map[string]any{"name": "hz", "value": 20})
	actiontest.Refuses(t, err, "ACL SETUSER ops +config|get")
	run(t, client(t, s), "ACL SETUSER ops +config|get")
	target := changer(t, "redis://ops:pass-word@"+s.Addr())
	_, err = actiontest.Apply(t, target, hands.Planned(t, target, "redis.config_set", map[string]any{"name": "hz", "value": 20}))
	actiontest.NotMade(t, err, "ACL SETUSER ops +config|set")
	require.NotContains(t, err.Error(), "pass-word")
}

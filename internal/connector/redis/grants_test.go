package redis_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

// grantsOf reads from the README what an action needs.
func grantsOf(t testing.TB, readme, name string) string {
	t.Helper()
	for _, line := range strings.Split(readme, "\n") {
		names, grants, ok := strings.Cut(line, ": ")
		if ok && strings.HasPrefix(line, "    redis.") && slices.Contains(strings.Fields(names), name) {
			return grants
		}
	}
	t.Fatalf("the README does not say what %s needs", name)
	return ""
}

// Each action is carried out by a user who has been granted what the README
// says of it, and nothing more.
func TestTheGrantsOfTheReadmeAreEnough(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for name, args := range map[string]map[string]any{
		"redis.config_set":    {"name": "maxmemory-policy", "value": "allkeys-lru"},
		"redis.memory_policy": {"policy": "volatile-ttl"},
		"redis.persistence":   {"save": "60 1"},
		"redis.client_kill":   nil,
		"redis.unlink":        {"pattern": "page:*"},
		"redis.expire":        {"family": "config:flag:*", "ttl": "1h"},
		"redis.persist":       nil,
		"redis.extend":        {"family": "page:*", "ttl": "5h"},
		"redis.bgsave":        {},
		"redis.memory_purge":  {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := shop(t)
			_, id := connection(t, s, "app-x")
			if name == "redis.client_kill" {
				args = map[string]any{"ids": []any{id}}
			}
			if name == "redis.persist" {
				done := actiontest.Applied(t, changer(t, s.URL()), hands.Planned(t, changer(t, s.URL()), "redis.expire", map[string]any{"family": "config:flag:*", "ttl": "1h"}))
				args = done.Inverse.Args
			}
			pastSecond(t, c)
			run(t, c, "ACL SETUSER quell on >pass-word resetchannels -@all +ping +info +select +client|setname "+grantsOf(t, string(data), name))
			target := changer(t, "redis://quell:pass-word@"+s.Addr())
			order := hands.Planned(t, target, name, args)
			order.Key = "INC-8.1.1" // another than that of the redis.expire before
			actiontest.Applied(t, target, order)
			require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
		})
	}
	t.Run("redis.script_kill", func(t *testing.T) {
		t.Parallel()
		s := realserver.Redis(t, "--busy-reply-threshold", "50")
		run(t, client(t, s), "ACL SETUSER quell on >pass-word -@all +ping "+grantsOf(t, string(data), "redis.script_kill"))
		stuck(t, s, "EVAL", "while true do end", 0)
		target := changer(t, "redis://quell:pass-word@"+s.Addr())
		actiontest.Applied(t, target, hands.Planned(t, target, "redis.script_kill", nil))
		eventually(t, "the server answers", func() bool { return !busy(t, s) })
	})
}

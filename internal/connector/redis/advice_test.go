package redis_test

import (
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/realserver"
)

// What a change of a limit costs depends on the keys that are there.
func TestAPreviewSaysWhatIsAtStake(t *testing.T) {
	t.Parallel()
	cache := func(t *testing.T, c *goredis.Client) { fill(t, c, "page:", 50, 10, time.Hour) }
	mixed := func(t *testing.T, c *goredis.Client) {
		cache(t, c)
		fill(t, c, "sess:", 5, 10, time.Hour)
		run(t, c, "RPUSH rq:queue:default job")
		run(t, c, "SET invoice:1 x")
	}
	big := func(t *testing.T, c *goredis.Client) { fill(t, c, "page:", 3000, 2000, time.Hour) }
	for name, test := range map[string]struct {
		world  func(*testing.T, *goredis.Client)
		start  []string
		action string
		args   map[string]any
		risk   action.Risk
		two    []string // what is said of two people; none: not needed
		warns  string
	}{
		"any key of a cache may go": {world: cache, action: "redis.memory_policy", args: map[string]any{"policy": "allkeys-lru"}, warns: "throws away any key"},
		"any key of a mixed server may go": {world: mixed, action: "redis.memory_policy", args: map[string]any{"policy": "allkeys-lru"},
			risk: action.R3, two: []string{"sess:* (session)", "rq:queue:default (queue)", "invoice:*"}},
		"under the general name too": {world: mixed, action: "redis.config_set", args: map[string]any{"name": "maxmemory-policy", "value": "allkeys-lru"},
			risk: action.R3, two: []string{"sess:* (session)"}},
		"keys with an end may go, and the queue has none": {world: mixed, action: "redis.memory_policy", args: map[string]any{"policy": "volatile-ttl"},
			risk: action.R3, two: []string{"sess:* (session)"}},
		"nothing may go": {world: mixed, start: []string{"--maxmemory-policy", "allkeys-lru"}, action: "redis.memory_policy",
			args: map[string]any{"policy": "noeviction"}, warns: "writes are refused"},
		"a limit below what is used, without eviction": {world: big, action: "redis.config_set", args: map[string]any{"name": "maxmemory", "value": "5mb"},
			risk: action.R3, warns: "writes are refused at once"},
		"a limit below what is used, with eviction": {world: big, start: []string{"--maxmemory-policy", "allkeys-lru"}, action: "redis.config_set",
			args: map[string]any{"name": "maxmemory", "value": "5mb"}, warns: "at once the server throws away any key"},
		"no limit at all": {world: cache, start: []string{"--maxmemory", "50mb"}, action: "redis.config_set",
			args: map[string]any{"name": "maxmemory", "value": 0}, warns: "no memory left"},
		"no more snapshots of a cache": {world: cache, start: []string{"--save", "60 1"}, action: "redis.persistence",
			args: map[string]any{"save": "off"}, risk: action.R4, warns: "lost when the server stops"},
		"no more snapshots of a mixed server": {world: mixed, start: []string{"--save", "60 1"}, action: "redis.persistence",
			args: map[string]any{"save": "off"}, risk: action.R4, two: []string{"sess:*", "a restart would lose them"}},
		"the append-only file on": {world: cache, action: "redis.persistence", args: map[string]any{"appendonly": "yes"}, warns: "forks"},
		"writes although saving fails": {world: cache, action: "redis.config_set",
			args: map[string]any{"name": "stop-writes-on-bgsave-error", "value": "no"}, risk: action.R3, warns: "a crash loses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realserver.Redis(t, test.start...)
			test.world(t, client(t, s))
			p := seen(t, changer(t, s.URL()), test.action, test.args)
			require.Equal(t, test.risk, p.Risk)
			require.Equal(t, len(test.two) > 0, p.TwoPeople != "", p.TwoPeople)
			for _, s := range test.two {
				require.Contains(t, p.TwoPeople, s)
			}
			require.Contains(t, strings.Join(p.Warnings, "\n"), test.warns)
		})
	}
}

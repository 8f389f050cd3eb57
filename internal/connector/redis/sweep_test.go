package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

// shop is a server with a cache, sessions and a queue.
func shop(t testing.TB, args ...string) (*realserver.RedisServer, *goredis.Client) {
	t.Helper()
	s := realserver.Redis(t, args...)
	c := client(t, s)
	fill(t, c, "page:", 250, 20, time.Hour)
	fill(t, c, "sess:", 20, 20, time.Hour)
	fill(t, c, "config:flag:", 5, 5, 0)
	run(t, c, "RPUSH page:9999 not a page")
	run(t, c, "RPUSH rq:queue:default job")
	return s, c
}

func TestChangesOfKeysKeepTheContract(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action  string
		args    map[string]any
		command string // that has the effect
		keys    int    // that one carrying-out changes
		batched bool   // a hundred of them with one command
	}{
		"unlink a pattern":      {"redis.unlink", map[string]any{"pattern": "page:*"}, "unlink", 251, true},
		"unlink by name":        {"redis.unlink", map[string]any{"keys": []any{"page:1", "page:2", "page:none"}}, "unlink", 2, true},
		"unlink both":           {"redis.unlink", map[string]any{"keys": []any{"sess:1"}, "pattern": "page:10*"}, "unlink", 12, true},
		"expire a family":       {"redis.expire", map[string]any{"family": "config:flag:*", "ttl": "1h", "jitter": "10m", "for": "2h"}, "pexpireat", 5, false},
		"extend a family":       {"redis.extend", map[string]any{"family": "page:*", "ttl": "3h"}, "pexpireat", 250, false},
		"extend one hot key":    {"redis.extend", map[string]any{"keys": []any{"page:7"}, "ttl": "2h", "jitter": "0s"}, "pexpireat", 1, false},
		"expire without jitter": {"redis.expire", map[string]any{"family": "config:flag:*", "ttl": "30s", "jitter": "0s"}, "pexpireat", 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := shop(t)
			per := test.keys
			if test.batched {
				per = (test.keys + 99) / 100
				if test.args["keys"] != nil && test.args["pattern"] != nil {
					per = 2 // names and the walk are steps of their own
				}
			}
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, test.action), Args: test.args, Open: opener(s), Gone: nobodyThere,
				World: func(t *testing.T) string { return keysOf(t, c) },
				Effects: func(t *testing.T) int {
					n := calls(t, c, test.command)
					require.Zero(t, n%per, "%d calls are no multiple of %d", n, per)
					return n / per
				},
			})
		})
	}
}

func TestKeysThatAreNotOnlyCacheNeedTwoPeople(t *testing.T) {
	t.Parallel()
	s, _ := shop(t)
	target := changer(t, s.URL())
	for name, test := range map[string]struct {
		action string
		args   map[string]any
		two    []string
		risk   action.Risk
	}{
		"a cache":                   {"redis.unlink", map[string]any{"pattern": "page:1*"}, nil, ""},
		"sessions":                  {"redis.unlink", map[string]any{"pattern": "se*"}, []string{"sess:* looks like a session"}, action.R4},
		"a queue":                   {"redis.unlink", map[string]any{"keys": []any{"rq:queue:default"}}, []string{"looks like a queue"}, action.R4},
		"what nobody rebuilds":      {"redis.unlink", map[string]any{"pattern": "config:*"}, []string{"config:flag:*"}, action.R4},
		"an end for a queue":        {"redis.expire", map[string]any{"family": "rq:queue:default", "ttl": "1h"}, []string{"rq:queue:default"}, action.R3},
		"an end for settings":       {"redis.expire", map[string]any{"family": "config:flag:*", "ttl": "1h"}, nil, ""},
		"sessions that live longer": {"redis.extend", map[string]any{"family": "sess:*", "ttl": "5h"}, []string{"sess:*"}, action.R3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := seen(t, target, test.action, test.args)
			require.Equal(t, test.risk, p.Risk)
			require.Equal(t, len(test.two) > 0, p.TwoPeople != "", p.TwoPeople)
			for _, says := range test.two {
				require.Contains(t, p.TwoPeople, says)
			}
		})
	}
}

func TestSelectionsThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := shop(t)
	target := changer(t, s.URL())
	many := make([]any, 1001)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, test := range map[string]struct {
		action string
		args   map[string]any
		says   string
	}{
		"everything":              {"redis.unlink", map[string]any{"pattern": "*"}, "nearly every key"},
		"nearly everything":       {"redis.unlink", map[string]any{"pattern": "?[a-z]*:*"}, "nearly every key"},
		"nothing":                 {"redis.unlink", nil, "no keys are named"},
		"more than allowed":       {"redis.unlink", map[string]any{"pattern": "page:*", "most": 100}, "more than 100 keys"},
		"too many names":          {"redis.unlink", map[string]any{"keys": many}, "1001 names"},
		"no name":                 {"redis.unlink", map[string]any{"keys": []any{7.0}}, "no name of a key"},
		"our own notes":           {"redis.unlink", map[string]any{"keys": []any{"quell:done:INC-1"}}, "Quell's own"},
		"most beyond its own":     {"redis.unlink", map[string]any{"pattern": "page:*", "most": 1e9}, "from 1 to"},
		"an end that is a delete": {"redis.expire", map[string]any{"family": "page:*", "ttl": "1s"}, "use redis.unlink"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := hands.Preview(t, target, test.action, test.args)
			actiontest.Refuses(t, err, test.says)
		})
	}
}

func TestKeysOfAnotherTypeOrFamilyAreNotTouched(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "page:*"})
	require.Len(t, order.Preview.Items, 2, "pages, and one list")
	// since then: one more page, a page that became a list's neighbour, a hash in
	// the family, and a name that the pattern matches and nobody has approved
	run(t, c, "SET page:300 new EX 60")
	run(t, c, "HSET page:301 a b")
	run(t, c, "SET page:of:admin x")
	done := actiontest.Applied(t, target, order)
	require.Equal(t, "252 keys deleted", done.Summary)
	left := keysOf(t, c)
	require.Contains(t, left, "page:301")
	require.Contains(t, left, "page:of:admin")
	require.NotContains(t, left, "page:300")
}

// Names with tokens are shown without them, and many names together.
func TestAPreviewShowsFamiliesAndNoTokens(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	run(t, c, "SET sess:8f14e45fceea167a5a36dedd4bea2543 x EX 600")
	for i := range 30 {
		run(t, c, fmt.Sprintf("SET menu:dish%c%c x EX 600", 'a'+i%26, 'a'+i/26))
	}
	p := seen(t, changer(t, s.URL()), "redis.unlink", map[string]any{"pattern": "sess:8f*"})
	require.NotContains(t, fmt.Sprintf("%+v", p), "8f14e45f")
	p = seen(t, changer(t, s.URL()), "redis.unlink", map[string]any{"pattern": "menu:*"})
	require.Len(t, p.Items, 1)
	require.Equal(t, "menu:* (string) and all below", p.Items[0].ID)
	require.EqualValues(t, 30, p.Touches())
	target := changer(t, s.URL())
	actiontest.Applied(t, target, hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "menu:*"}))
	require.NotContains(t, keysOf(t, c), "menu:")
}

// The application writes its cache again at once: the keys do not show that
// they were deleted, and nobody deletes them a second time.
func TestKeysThatAreBackAreNotDeletedAgain(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "page:*"})
	actiontest.Applied(t, target, order)
	fill(t, c, "page:", 250, 20, time.Hour)
	standing := actiontest.StandingOf(t, target, order)
	require.Equal(t, action.Made, standing.State, standing.Text)
	actiontest.Applied(t, target, order)
	require.Contains(t, keysOf(t, c), "page:17 ")
}

// broken is a note as a process leaves it that was killed in the middle.
func broken(t testing.TB, c *goredis.Client, o action.Order, age time.Duration, changed int) {
	t.Helper()
	now, err := c.Time(within(t, time.Second)).Result()
	require.NoError(t, err)
	require.NoError(t, c.HSet(within(t, time.Second), "quell:done:"+o.Key,
		"owner", "somebody", "at", now.Add(-age).UnixMilli(), "base", now.Add(-age).UnixMilli(), "n", changed).Err())
}

func TestWhatWasBrokenOffIsFinished(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "page:*"})
	for i := range 100 {
		run(t, c, fmt.Sprintf("UNLINK page:%d", i))
	}
	broken(t, c, order, time.Second, 100)
	require.Equal(t, action.CannotTell, actiontest.StandingOf(t, target, order).State, "it may still be at it")
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "somebody still works on it")

	broken(t, c, order, time.Minute, 100)
	standing := actiontest.StandingOf(t, target, order)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Contains(t, standing.Text, "100 keys deleted so far")
	require.Equal(t, "251 keys deleted", actiontest.Applied(t, target, order).Summary)
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
	require.NotContains(t, keysOf(t, c), "page:")
}

// Time runs out in the middle, again and again: what is done stays done, what
// is known is said, and in the end each key was deleted once.
func TestASweepThatRunsOutOfTimeGoesOn(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	const many = 8000
	fill(t, c, "blob:", many, 10, time.Hour)
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "blob:*"})
	partly, allowed := false, 1100*time.Millisecond // of which a second is kept to say how far it got
	eventually(t, "all are deleted", func() bool {
		done, err := actiontest.Doer(t, target, order.Type).Apply(within(t, allowed), order)
		allowed += 100 * time.Millisecond
		var failure *action.Failure
		if errors.As(err, &failure) && failure.State == action.PartlyMade {
			partly = true
			require.Contains(t, failure.Text, "the time allowed is over")
			require.Equal(t, action.PartlyMade, actiontest.StandingOf(t, target, order).State)
			require.Equal(t, failure.Done.Summary, actiontest.StandingOf(t, target, order).Done.Summary)
		}
		if err == nil {
			require.Equal(t, fmt.Sprintf("%d keys deleted", many), done.Summary)
		}
		return err == nil
	})
	require.True(t, partly, "it was broken off at least once")
	require.NotContains(t, keysOf(t, c), "blob:")
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
}

// Whoever goes on gives the same ends as who began: the undo finds all of them.
func TestExpiryGoesOnWhereItWasBrokenOff(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	fill(t, c, "old:", 300, 5, 0)
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.expire", map[string]any{"family": "old:*", "ttl": "1h", "jitter": "30m"})
	broken(t, c, order, time.Minute, 0)
	done := actiontest.Applied(t, target, order)
	require.Equal(t, "300 keys given a time to live", done.Summary)
	ends := map[string]bool{}
	for _, line := range strings.Split(keysOf(t, c), "\n") {
		if name, end, _ := strings.Cut(line, " "); strings.HasPrefix(name, "old:") {
			ends[end] = true
		}
	}
	require.Greater(t, len(ends), 250, "they end at different moments")
	// one of them is written again by the application: it is its own now
	run(t, c, "SET old:5 x EX 9000")
	_, _ = c.Persist(context.Background(), "old:6").Result()
	back := *done.Inverse
	undo := action.Order{Change: back, Key: "INC-1.undo", Intended: time.Now()}
	var err error
	undo.Preview, err = actiontest.Doer(t, target, back.Type).Preview(within(t, 5*time.Second), back)
	require.NoError(t, err)
	require.EqualValues(t, 298, undo.Preview.Touches())
	require.Equal(t, "298 keys kept for ever again", actiontest.Applied(t, target, undo).Summary)
	require.NotContains(t, keysOf(t, c), "old:5 -1")
}

func TestAFullServerCanBeMadeRoomOn(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	fill(t, c, "blob:", 500, 10_000, time.Hour)
	run(t, c, "CONFIG SET maxmemory 3mb")
	require.ErrorContains(t, c.Set(within(t, time.Second), "a", "b", 0).Err(), "OOM")
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "blob:*"})
	require.Equal(t, "500 keys deleted", actiontest.Applied(t, target, order).Summary)
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
	eventually(t, "there is room", func() bool { return c.Set(within(t, time.Second), "a", "b", 0).Err() == nil })
}

// A server that throws keys away may have thrown the note away.
func TestANoteThatMayHaveBeenEvictedProvesNothing(t *testing.T) {
	t.Parallel()
	s, c := shop(t, "--maxmemory-policy", "allkeys-lru")
	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "page:*"})
	require.Equal(t, action.NotMade, actiontest.StandingOf(t, target, order).State)
	run(t, c, "CONFIG SET maxmemory 1500kb")
	for i := range 200 {
		_ = c.Set(within(t, time.Second), fmt.Sprintf("junk:%d", i), strings.Repeat("x", 10_000), time.Hour).Err()
	}
	run(t, c, "CONFIG SET maxmemory 0")
	fill(t, c, "page:", 250, 20, time.Hour)
	require.Equal(t, action.CannotTell, actiontest.StandingOf(t, target, order).State)
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "throws keys away")
	require.Contains(t, keysOf(t, c), "page:17 ")
}

func TestAReplicaIsNotChanged(t *testing.T) {
	t.Parallel()
	s, _ := shop(t)
	replica := realserver.Redis(t, "--replicaof", fmt.Sprintf("%s %d", s.Host, s.Port))
	eventually(t, "the replica has the keys", func() bool {
		n, err := client(t, replica).DBSize(within(t, time.Second)).Result()
		return err == nil && n > 200
	})
	_, err := hands.Preview(t, changer(t, replica.URL()), "redis.unlink", map[string]any{"pattern": "page:*"})
	actiontest.Refuses(t, err, "is a replica", "point the target at the master")
}

func TestANodeOfAClusterIsNotChanged(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--cluster-enabled", "yes")
	_, err := hands.Preview(t, changer(t, s.URL()), "redis.unlink", map[string]any{"pattern": "page:*"})
	actiontest.Refuses(t, err, "one node of a cluster")
}

func TestOnlyTheDatabaseOfTheTargetIsChanged(t *testing.T) {
	t.Parallel()
	s, c := shop(t)
	run(t, c, "COPY page:1 page:1 DB 3")
	target := changer(t, strings.Replace(s.URL(), "/0", "/3", 1))
	order := hands.Planned(t, target, "redis.unlink", map[string]any{"pattern": "page:*"})
	require.Equal(t, "1 key deleted", actiontest.Applied(t, target, order).Summary)
	require.Contains(t, keysOf(t, c), "page:1 ")
}

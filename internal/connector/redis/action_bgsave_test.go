package redis_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

func TestBgsaveKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	fill(t, c, "page:", 100, 100, 0)
	dump := filepath.Join(s.Dir, "dump.rdb")
	pastSecond(t, c)
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "redis.bgsave"), Open: opener(s), Gone: nobodyThere,
		World: func(t *testing.T) string {
			info, err := os.Stat(dump)
			if err != nil {
				return "no snapshot"
			}
			return info.ModTime().String()
		},
		Effects: func(t *testing.T) int { return calls(t, c, "bgsave") },
	})
	require.FileExists(t, dump)
}

// pastSecond waits until the server's clock has left the second in which it
// started: it tells the times of snapshots, and its start, in whole seconds.
func pastSecond(t testing.TB, c *goredis.Client) {
	t.Helper()
	last, err := c.LastSave(within(t, time.Second)).Result()
	require.NoError(t, err)
	eventually(t, "a second has passed", func() bool {
		now, err := c.Time(within(t, time.Second)).Result()
		return err == nil && now.Unix() > last
	})
}

// A disk that takes nothing makes the save fail, and with it every write: the
// save may be tried again, and needs no write of ours.
func TestASaveThatFailsIsNotMade(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--save", "3600 1")
	c, target := client(t, s), changer(t, s.URL())
	fill(t, c, "page:", 100, 100, 0)
	// a directory in the place of the file: root, too, cannot rename over it
	dump := filepath.Join(s.Dir, "dump.rdb")
	require.NoError(t, os.MkdirAll(filepath.Join(dump, "full"), 0o700))
	order := hands.Planned(t, target, "redis.bgsave", nil)
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "could not be written")
	require.Equal(t, action.NotMade, actiontest.StandingOf(t, target, order).State)
	require.ErrorContains(t, c.Set(within(t, time.Second), "a", "b", 0).Err(), "MISCONF")

	require.NoError(t, os.RemoveAll(dump))
	pastSecond(t, c)
	actiontest.Applied(t, target, order)
	require.NoError(t, c.Set(within(t, time.Second), "a", "b", 0).Err())
}

func TestAnEmptyServerIsNotSavedOverItsLastCopyByOne(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	p := seen(t, changer(t, s.URL()), "redis.bgsave", nil)
	require.Contains(t, p.TwoPeople, "the server is empty")
	require.Equal(t, action.R4, p.Risk)
	fill(t, client(t, s), "page:", 1, 1, 0)
	require.Empty(t, seen(t, changer(t, s.URL()), "redis.bgsave", nil).TwoPeople)
}

// A large server writes for longer than an act may take.
func TestASaveUnderWayCannotBeTold(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--rdb-key-save-delay", "20000", "--rdbcompression", "no")
	c, target := client(t, s), changer(t, s.URL())
	fill(t, c, "page:", 1000, 10, 0)
	order := hands.Planned(t, target, "redis.bgsave", nil)
	ctx := within(t, 3*time.Second)
	done, err := actiontest.Doer(t, target, "redis.bgsave").Apply(ctx, order)
	require.NoError(t, err)
	require.Contains(t, done.Summary, "still being written")
	require.Equal(t, action.CannotTell, actiontest.StandingOf(t, target, order).State)
	require.True(t, seen(t, target, "redis.bgsave", nil).Already)
	_, err = actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "being written")
	require.Equal(t, 1, calls(t, c, "bgsave"))
	require.NoError(t, c.ConfigSet(within(t, time.Second), "rdb-key-save-delay", "0").Err())
}

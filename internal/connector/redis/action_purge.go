package redis

import (
	"context"
	"strconv"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func purgeChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "redis.memory_purge", Risk: action.R1,
			Does:  "Asks the allocator to give free pages back to the system.",
			Tells: "the server counts one more MEMORY PURGE (INFO commandstats); how much it gave back depends on the allocator",
		},
		Look: lookPurge, Stands: standsPurge, Make: makePurge,
	}
}

// purges is how often the server has purged since its counters began. Before
// 7.0 all of MEMORY is counted together, our questions too: then it is not exact.
func purges(ctx context.Context, s *redisapi.Session) (n int64, exact bool, err error) {
	v, err := s.One(ctx, "INFO", "commandstats")
	if err != nil {
		return 0, false, err
	}
	text, _ := v.(string)
	commands := parseInfo(text).commands
	if all, old := commands["memory"]; old {
		return int64(all["calls"]), false, nil
	}
	return int64(commands["memory|purge"]["calls"]), true, nil
}

func lookPurge(ctx context.Context, s *redisapi.Session, _ action.Args) (action.Preview, error) {
	n, _, err := purges(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	return action.Preview{
		Summary: "gives free pages of the allocator back to the system",
		Items:   []action.Item{{ID: "allocator", Now: "keeps free pages for later", Then: "gives them back", Guard: strconv.FormatInt(n, 10)}},
	}, nil
}

func makePurge(ctx context.Context, s *redisapi.Session, _ action.Order, _ []action.Item) (action.Done, error) {
	if _, err := s.One(ctx, "MEMORY", "PURGE"); err != nil {
		return action.Done{}, err
	}
	return purged(), nil
}

func purged() action.Done {
	return action.Done{Summary: "the allocator was asked to give free pages back", Items: []action.Result{{ID: "allocator", OK: true, Text: "asked"}}}
}

// standsPurge reads the server's own count, since nothing else shows it: a
// purge by anybody else is as good. Counters that were reset tell nothing.
func standsPurge(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	n, exact, err := purges(ctx, s)
	if err != nil {
		return action.Standing{}, err
	}
	was, err := strconv.ParseInt(o.Preview.Items[0].Guard, 10, 64)
	switch {
	case err != nil || n < was:
		return redisact.Standing(action.CannotTell, nil, "the server's counters have begun anew"), nil
	case n == was:
		return redisact.Standing(action.NotMade, nil, "it has not been asked since"), nil
	case !exact:
		return redisact.Standing(action.CannotTell, nil, "this version of the server counts MEMORY PURGE together with the rest of MEMORY"), nil
	}
	done := purged()
	return redisact.Standing(action.Made, &done, "%s", done.Summary), nil
}

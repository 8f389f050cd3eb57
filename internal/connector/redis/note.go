package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// A note is what a change of many keys leaves on the server, since the keys
// themselves do not show who changed them: an application writes them again at
// once. It is written by the same script as each effect, so the two cannot
// differ, and it ends by itself.
//
//	quell:done:KEY  hash: owner, at (ms), base (ms), n (keys changed), over
type note struct {
	there bool
	at    time.Time // of the latest step, by the server's clock; zero where it was given back
	base  int64     // when it began, by the server's clock, in ms
	n     int64     // keys changed so far
	over  bool
	now   time.Time // the server's clock
}

const (
	notePrefix = ownPrefix + "done:"
	noteTTL    = 7 * 24 * time.Hour // long enough for a person to settle what a crash left
	// noteHeld is how long after its latest step a worker counts as still at it.
	noteHeld = 5 * time.Second
)

// readNote reads the note of an order.
func readNote(ctx context.Context, s *redisapi.Session, order string) (note, error) {
	now, err := s.Time(ctx)
	if err != nil {
		return note{}, err
	}
	v, err := s.One(ctx, "HMGET", notePrefix+order, "owner", "at", "base", "n", "over")
	if err != nil {
		return note{}, err
	}
	f := asList(v)
	if len(f) != 5 || f[1] == nil {
		return note{now: now}, nil
	}
	number := func(i int) int64 { s, _ := f[i].(string); n, _ := strconv.ParseInt(s, 10, 64); return n }
	out := note{there: true, now: now, base: number(2), n: number(3), over: f[4] != nil}
	if f[0] != "" {
		out.at = time.UnixMilli(number(1))
	}
	return out, nil
}

// standing is what a note says of an order; done makes the Done of what it counts.
func (n note) standing(done func(note) action.Done) action.Standing {
	d := done(n)
	switch {
	case n.over:
		return redisact.Standing(action.Made, &d, "%s", d.Summary)
	case n.now.Sub(n.at) < noteHeld:
		return redisact.Standing(action.CannotTell, nil, "somebody still works on it (%s so far): ask again", d.Summary)
	case n.n == 0:
		return redisact.Standing(action.NotMade, nil, "it was begun, and nothing was changed")
	}
	return redisact.Standing(action.PartlyMade, &d, "it was broken off: %s so far", d.Summary)
}

package redis

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// keySample is which families of keys a database holds, from a part of it.
type keySample map[string]*sampledFamily

type sampledFamily struct {
	name        string
	use         string // see purpose
	noTTL, some int    // keys without and with a time to live
}

// sampleSteps bounds a sample, by count alone and never by time: the same world
// gives the same sample.
const sampleSteps = 20

// sampleKeys looks at up to about sampleSteps × stepCount keys.
func sampleKeys(ctx context.Context, s *redisapi.Session) (keySample, error) {
	out := keySample{}
	cursor := "0"
	for range sampleSteps {
		v, err := s.One(ctx, "SCAN", cursor, "COUNT", stepCount)
		if err != nil {
			return nil, err
		}
		var names []string
		cursor, names = scanReply(v)
		if err := out.add(ctx, s, names); err != nil {
			return nil, err
		}
		if cursor == "0" {
			break
		}
	}
	return out, nil
}

func (k keySample) add(ctx context.Context, s *redisapi.Session, names []string) error {
	var cmds [][]any
	for _, n := range names {
		if !ours(n) {
			cmds = append(cmds, []any{"PTTL", n})
		}
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return err
	}
	for i, r := range replies {
		name := family(cmds[i][1].(string))
		f := k[name]
		if f == nil {
			f = &sampledFamily{name: name, use: purpose(name)}
			k[name] = f
		}
		switch ms, _ := r.Val.(int64); {
		case ms == -1:
			f.noTTL++
		case ms >= 0:
			f.some++
		}
	}
	return nil
}

// notOnlyCache names the families that a cache would not have: those whose name
// says what else they are for, and those without a time to live, which nothing
// promises to rebuild. volatile leaves out keys without one. Empty: only cache,
// as far as was looked.
func (k keySample) notOnlyCache(volatile bool) string {
	var named, kept []string
	for _, f := range k {
		switch {
		case volatile && f.some == 0:
		case f.use != "" && f.use != "cache":
			named = append(named, fmt.Sprintf("%s (%s)", f.name, f.use))
		case !volatile && f.noTTL > 0 && f.use != "cache":
			kept = append(kept, f.name)
		}
	}
	sort.Strings(named)
	sort.Strings(kept)
	var parts []string
	if len(named) > 0 {
		parts = append(parts, "there are "+redisact.Few(named, 4))
	}
	if len(kept) > 0 {
		parts = append(parts, "no time to live have "+redisact.Few(kept, 4))
	}
	if len(parts) == 0 {
		return ""
	}
	return "the keys are not only cache: " + strings.Join(parts, "; ")
}

// ours reports a key that Quell itself has put there.
func ours(key string) bool { return strings.HasPrefix(key, ownPrefix) }

// ownPrefix begins the names of our own keys: notes on what was done and copies
// of what was dropped, with a time to live.
const ownPrefix = "quell:"

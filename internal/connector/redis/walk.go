package redis

import (
	"context"
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// Bounds of a walk over the keys. Two million are two thousand steps of a
// millisecond; larger databases are not walked during a fault.
const (
	mostWalked = 2_000_000
	walkCount  = 1000
)

// names calls each with the names of the selection, in portions, until it says
// no. A name may come twice, and names that do not exist come too.
func (sel selection) names(ctx context.Context, s *redisapi.Session, each func(names []string) (more bool, err error)) error {
	more := true
	if len(sel.keys) > 0 {
		var err error
		if more, err = each(slices.Clone(sel.keys)); err != nil {
			return err
		}
	}
	if glob := sel.glob(); glob != "" && more {
		return walk(ctx, s, glob, func(names []string) (bool, error) {
			names = slices.DeleteFunc(names, func(n string) bool { return ours(n) || !sel.fits(n) })
			if len(names) == 0 {
				return true, nil
			}
			return each(names)
		})
	}
	return nil
}

// walk goes over all keys that match.
func walk(ctx context.Context, s *redisapi.Session, glob string, each func(names []string) (more bool, err error)) error {
	cursor := "0"
	for steps := 0; steps == 0 || cursor != "0"; steps++ {
		if steps > 4*mostWalked/walkCount {
			return fmt.Errorf("the walk over the keys comes to no end: they change too fast")
		}
		v, err := s.One(ctx, "SCAN", cursor, "MATCH", glob, "COUNT", walkCount)
		if err != nil {
			return err
		}
		var names []string
		cursor, names = scanReply(v)
		if more, err := each(names); err != nil || !more {
			return err
		}
	}
	return nil
}

// found is one key that a selection comes to.
type found struct {
	name string
	kind string // "string", "list"…
	ttl  int64  // ms; −1 without
}

// find returns the keys of the selection that exist and that want wants.
func (sel selection) find(ctx context.Context, s *redisapi.Session, want func(found) bool) ([]found, error) {
	var out []found
	seen := map[string]bool{}
	err := sel.names(ctx, s, func(names []string) (bool, error) {
		keys, err := lookAt(ctx, s, names)
		if err != nil {
			return false, err
		}
		for _, k := range keys {
			if !seen[k.name] && want(k) {
				out = append(out, k)
			}
			seen[k.name] = true
		}
		if len(out) > sel.most {
			return false, action.Refuse("narrow the pattern, or raise most", "it comes to more than %d keys", sel.most)
		}
		return true, nil
	})
	return out, err
}

// lookAt asks for type and time to live; keys that are gone are left out.
func lookAt(ctx context.Context, s *redisapi.Session, names []string) ([]found, error) {
	var out []found
	for step := range slices.Chunk(names, stepCount) {
		var cmds [][]any
		for _, n := range step {
			cmds = append(cmds, []any{"TYPE", n}, []any{"PTTL", n})
		}
		replies, err := s.All(ctx, cmds...)
		if err != nil {
			return nil, err
		}
		for i, n := range step {
			k := found{name: n}
			k.kind, _ = replies[2*i].Val.(string)
			k.ttl, _ = replies[2*i+1].Val.(int64)
			if k.kind != "none" && k.ttl != -2 {
				out = append(out, k)
			}
		}
	}
	return out, nil
}

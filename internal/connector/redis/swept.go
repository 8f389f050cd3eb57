package redis

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
)

// swept is the part of a sweep that is one item: a family of one type.
type swept struct {
	guard sweptGuard
	count int
	noTTL int
	like  string // one of its keys, without what may be a secret
}

// sweptGuard is what keys must still belong to.
type sweptGuard struct {
	group
	Kind string `json:"type"`
	Use  string `json:"use,omitempty"`
}

// bySweep puts keys together, most first.
func bySweep(keys []found) []swept {
	families := make([]string, len(keys))
	for i, k := range keys {
		families[i] = family(k.name)
	}
	groupOf := grouping(families)
	byGuard := map[sweptGuard]*swept{}
	for i, k := range keys {
		g := sweptGuard{group: groupOf(families[i]), Kind: k.kind}
		g.Use = purpose(g.Family)
		f := byGuard[g]
		if f == nil {
			f = &swept{guard: g}
			byGuard[g] = f
		}
		if f.count++; k.ttl == -1 {
			f.noTTL++
		}
		if name := shown(k.name); f.like == "" || name < f.like {
			f.like = name
		}
	}
	out := make([]swept, 0, len(byGuard))
	for _, f := range byGuard {
		out = append(out, *f)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].count != out[j].count {
			return out[i].count > out[j].count
		}
		return out[i].id() < out[j].id()
	})
	return out
}

func (f swept) id() string {
	id := fmt.Sprintf("%s (%s)", f.guard.Family, f.guard.Kind)
	if f.guard.Rolled {
		id += " and all below"
	}
	return id
}

func (f swept) item(then string) action.Item {
	now := fmt.Sprintf("%s, %d without a time to live, like %s", redisact.Count(f.count, "key"), f.noTTL, f.like)
	if f.guard.Use != "" {
		now += "; by its name a " + f.guard.Use
	}
	return action.Item{ID: f.id(), Now: now, Then: then, Guard: redisact.Guard(f.guard)}
}

// notOnlyCache names the families that a cache would not have; kept also those
// without a time to live.
func notOnlyCache(families []swept, kept bool) string {
	var named, ever []string
	for _, f := range families {
		switch {
		case f.guard.Use != "" && f.guard.Use != "cache":
			named = append(named, fmt.Sprintf("%s looks like a %s", f.guard.Family, f.guard.Use))
		case kept && f.noTTL > 0:
			ever = append(ever, f.guard.Family)
		}
	}
	sort.Strings(named)
	sort.Strings(ever)
	if len(ever) > 0 {
		named = append(named, "without a time to live, so that nothing promises to rebuild them, are "+redisact.Few(slices.Compact(ever), 4))
	}
	if len(named) == 0 {
		return ""
	}
	return "these keys are not only cache: " + redisact.Few(slices.Compact(named), 5)
}

// approved tells which types a key may have to be changed, by its family; ""
// where it does not belong to what was approved.
func approved(o action.Order) (func(name string) string, error) {
	kinds := map[group][]string{}
	for _, i := range o.Preview.Items {
		g, err := redisact.ReadGuard[sweptGuard](i)
		if err != nil {
			return nil, err
		}
		kinds[g.group] = append(kinds[g.group], g.Kind)
	}
	return func(name string) string {
		f := family(name)
		return strings.Join(append(slices.Clone(kinds[group{Family: f}]), kinds[rolled(f)]...), ",")
	}, nil
}

package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// advise adds to a preview what a change of one setting can cost.
func advise(ctx context.Context, s *redisapi.Session, p *action.Preview, g settingGuard) error {
	warn := func(risk action.Risk, format string, args ...any) {
		p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
		p.Risk = p.Risk.Worse(risk)
	}
	switch g.Name {
	case "maxmemory", "maxmemory-policy":
		return adviseLimit(ctx, s, p, g)
	case "appendonly", "save":
		return advisePersistence(ctx, s, p, g)
	case "appendfsync":
		switch g.Then {
		case "no":
			warn(action.R3, "the system decides when writes reach the disk: a power cut loses what it has not written, half a minute as a rule")
		case "always":
			warn(action.R2, "each write waits for the disk")
		}
	case "stop-writes-on-bgsave-error":
		if g.Then == "no" {
			warn(action.R3, "writes go on while saving fails: a crash loses everything since the last snapshot")
		}
	case "min-replicas-to-write":
		if less(g.Then, g.Was) {
			warn(action.R3, "writes that no replica has are lost when this server is")
		}
	case "timeout":
		if g.Then != "0" {
			warn(action.R2, "clients that are idle for %s s are closed from now on, subscribers and replicas excepted", g.Then)
		}
	case "maxclients":
		warn(action.R2, "each client costs the server memory and a file descriptor")
	}
	return nil
}

// less compares two settings that are numbers.
func less(a, b string) bool {
	x, _ := strconv.ParseInt(a, 10, 64)
	y, _ := strconv.ParseInt(b, 10, 64)
	return x < y
}

// memoryNow is what INFO memory says of the limits, in bytes; 0: none, unknown.
type memoryNow struct {
	used, most, machine int64
	policy              string
}

func askLimits(ctx context.Context, s *redisapi.Session) (memoryNow, error) {
	v, err := s.One(ctx, "INFO", "memory")
	if err != nil {
		return memoryNow{}, err
	}
	f := redisapi.Fields(v)
	number := func(name string) int64 { n, _ := strconv.ParseInt(f[name], 10, 64); return n }
	return memoryNow{used: number("used_memory"), most: number("maxmemory"), machine: number("total_system_memory"), policy: f["maxmemory_policy"]}, nil
}

// adviseLimit says what the limit and the policy together do to the keys that
// are there.
func adviseLimit(ctx context.Context, s *redisapi.Session, p *action.Preview, g settingGuard) error {
	m, err := askLimits(ctx, s)
	if err != nil {
		return err
	}
	next := m
	if g.Name == "maxmemory" {
		next.most, _ = strconv.ParseInt(g.Then, 10, 64)
	} else {
		next.policy = g.Then
	}
	over := next.most > 0 && m.used > next.most
	switch {
	case g.Name == "maxmemory" && next.most == 0:
		p.Warnings = append(p.Warnings, "without a limit it grows until the machine has no memory left, and nothing is evicted")
		return nil
	case m.machine > 0 && next.most > m.machine/10*9:
		p.Warnings = append(p.Warnings, fmt.Sprintf("the limit is above nine tenths of the machine's %s: a save needs room for a second copy", size(m.machine)))
	}
	switch {
	case next.policy == "noeviction" && over:
		p.Warnings = append(p.Warnings, "more than that is used: writes are refused at once")
		p.Risk = p.Risk.Worse(action.R3)
		return nil
	case next.policy == "noeviction":
		if g.Name == "maxmemory-policy" {
			p.Warnings = append(p.Warnings, "at the limit writes are refused, and nothing is evicted")
		}
		return nil
	case g.Name == "maxmemory" && !over:
		return nil // it evicts as it did, later or not at all
	}
	return adviseEviction(ctx, s, p, next.policy, over)
}

// adviseEviction names what a policy may throw away that is not only cache.
func adviseEviction(ctx context.Context, s *redisapi.Session, p *action.Preview, policy string, over bool) error {
	volatile := strings.HasPrefix(policy, "volatile")
	when, which := "at the limit", "any key"
	if over {
		when = "at once"
	}
	if volatile {
		which = "keys that have a time to live"
	}
	p.Warnings = append(p.Warnings, fmt.Sprintf("%s the server throws away %s", when, which))
	keys, err := sampleKeys(ctx, s)
	if err != nil {
		return err
	}
	if lost := keys.notOnlyCache(volatile); lost != "" {
		p.TwoPeople = lost + ", and " + policy + " may throw them away"
		p.Risk = p.Risk.Worse(action.R3)
	}
	return nil
}

// advisePersistence says what writing to disk costs, or what not writing loses.
func advisePersistence(ctx context.Context, s *redisapi.Session, p *action.Preview, g settingGuard) error {
	isOn := func(value string) bool { return value != "no" && value != "" }
	switch {
	case isOn(g.Then) && isOn(g.Was):
		return nil
	case isOn(g.Then):
		m, err := askLimits(ctx, s)
		if err != nil {
			return err
		}
		p.Warnings = append(p.Warnings, g.Name+": the server forks, needs memory for what changes meanwhile, and disk as large as the data")
		if m.machine > 0 && m.used > m.machine/2 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("it uses more than half of the machine's %s: the fork may be refused or drive it out of memory", size(m.machine)))
			p.Risk = p.Risk.Worse(action.R3)
		}
		return nil
	}
	p.Risk = p.Risk.Worse(action.R4)
	p.Warnings = append(p.Warnings, g.Name+": what is written from now on is lost when the server stops, unless the other way of saving is on")
	keys, err := sampleKeys(ctx, s)
	if err != nil {
		return err
	}
	if lost := keys.notOnlyCache(false); lost != "" {
		p.TwoPeople = lost + ", and a restart would lose them"
	}
	return nil
}

// size writes bytes for people.
func size(n int64) string {
	value, unit := float64(n), "bytes"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, u
	}
	return strconv.FormatFloat(value, 'f', 0, 64) + " " + unit
}

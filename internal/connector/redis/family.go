package redis

import (
	"regexp"
	"strings"

	"github.com/quellhq/quell/internal/redisapi"
)

// What differs between keys of one family: ids of the usual shapes.
var (
	uuidShape  = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	hexShape   = regexp.MustCompile(`(?i)\b[0-9a-f]*[0-9][0-9a-f]*\b`)
	tokenShape = regexp.MustCompile(`[A-Za-z0-9_=+-]{20,}`)
	digits     = regexp.MustCompile(`[0-9]+`)
)

// family is a key with its ids replaced by a star: "user:42:cart" → "user:*:cart".
func family(key string) string {
	key = redisapi.Clip(key)
	key = uuidShape.ReplaceAllString(key, "*")
	key = tokenShape.ReplaceAllStringFunc(key, func(s string) string {
		if strings.ContainsAny(s, "0123456789") {
			return "*"
		}
		return s
	})
	key = hexShape.ReplaceAllStringFunc(key, func(s string) string {
		if len(s) >= 6 {
			return "*"
		}
		return digits.ReplaceAllString(s, "*")
	})
	key = digits.ReplaceAllString(key, "*")
	for strings.Contains(key, "**") {
		key = strings.ReplaceAll(key, "**", "*")
	}
	return key
}

// shown is a key's name with what may be a token hidden: a session's id opens
// the session.
func shown(key string) string {
	return redisapi.Clip(tokenShape.ReplaceAllStringFunc(uuidShape.ReplaceAllString(key, "*"), func(s string) string {
		if strings.ContainsAny(s, "0123456789") {
			return "*"
		}
		return s
	}))
}

// purpose guesses from its name what a family is for; empty where it does not
// tell. Names are those of the usual libraries.
func purpose(family string) string {
	lower := strings.ToLower(family)
	for _, p := range []string{"rq:", "celery", "_kombu", "unacked", "bull:", "sidekiq", "resque:", "arq:", "asynq:", "dramatiq:", "huey.", "queue:", "queues"} {
		if strings.HasPrefix(lower, p) {
			return "queue"
		}
	}
	for _, p := range []string{"session", "sess:", "token", "refresh_token", "auth:", "login:", "spring:session"} {
		if strings.HasPrefix(lower, p) {
			return "session"
		}
	}
	for _, p := range []string{":session", ":sess:", ".sessions", "_session:"} { // behind the name of a service or a framework
		if strings.Contains(lower, p) {
			return "session"
		}
	}
	for _, p := range []string{"lock:", "locks:", "redlock", "mutex:"} {
		if strings.HasPrefix(lower, p) {
			return "lock"
		}
	}
	if strings.HasPrefix(lower, "cache") || strings.Contains(lower, ":cache:") {
		return "cache"
	}
	return ""
}

// group is what keys are told of together: a family, or, where a first segment
// has many, all that begin with it.
type group struct {
	Family string `json:"family"`
	Rolled bool   `json:"rolled,omitempty"` // everything behind its first segment
}

// grouping decides, for a set of families, which are told apart.
func grouping(families []string) func(family string) group {
	byHead := map[string]map[string]bool{}
	for _, f := range families {
		h := head(f)
		if byHead[h] == nil {
			byHead[h] = map[string]bool{}
		}
		byHead[h][f] = true
	}
	return func(family string) group {
		if h := head(family); len(byHead[h]) > maxPatterns {
			return rolled(family)
		}
		return group{Family: family}
	}
}

// rolled is the wider group that a family may stand in.
func rolled(family string) group { return group{Family: head(family) + "*", Rolled: true} }

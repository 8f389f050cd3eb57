package pattern

import "strings"

// How many different words a column may hold and still be a choice of words,
// each with a template of its own. Language says more than numbers here: what
// ends like a verb is rarely a name, and what stands after "user" rarely a verb.
const (
	choicesOfVerbs  = 12 // opened, closed, starting
	choicesOfStates = 3  // UP, DOWN
	choicesOfMoves  = 99 // from NEW to RUNNING: two states that depend on one another
	choicesOfFrames = 99 // functions and faults of a trace
	choicesOfKeys   = 12 // at the head of a clause, before a colon or "="
	choices         = 4
	choicesOfPlaces = 2 // after from, by, for
	choicesOfTerms  = 3 // NodeReady, a.b.c, after any other word
	choicesOfNames  = 1 // after user, host; or a_b, a.b.c after from or no word
)

// verbs reports whether at least half of the words look like verbs.
func (c *column) verbs() bool {
	n := 0
	for v := range c.values {
		if v = strings.Trim(v, brackets); looksLikeVerb(v) && !looksLikeState(v) && !looksLikeName(v) && !looksLikeTerm(v) {
			n++
		}
	}
	return 2*n >= len(c.values)
}

// dotted reports whether all words are a.b, as hosts and classes are.
func (c *column) dotted() bool {
	for v := range c.values {
		if !strings.Contains(strings.TrimRight(v, "."), ".") {
			return false
		}
	}
	return true
}

// looksLikeValues judges a column that differs.
func (c *column) looksLikeValues() bool {
	if c.holes {
		return true
	}
	n := len(c.values)
	verbs, states, terms, names, accounted := 0, 0, 0, 0, 0
	for v := range c.values {
		v = strings.Trim(v, brackets)
		if accounts[v] {
			accounted++
		}
		switch {
		case looksLikeState(v):
			states++
		case looksLikeName(v):
			names++
		case looksLikeTerm(v):
			terms++
		case looksLikeVerb(v):
			verbs++
		}
	}
	limit := choices
	switch {
	case c.trace && names+terms == n:
		limit = choicesOfFrames
	case c.key && !c.dotted():
		limit = choicesOfKeys
	case 2*verbs >= n:
		limit = choicesOfVerbs
	case 2*states > n && c.moves:
		limit = choicesOfMoves
	case 2*states > n:
		limit = choicesOfStates
	case names == n && (c.before == "" || places[c.before]), accounted > 0, identities[strings.ToLower(c.before)]:
		limit = choicesOfNames
	case names+terms == n:
		limit = choicesOfTerms
	case places[c.before]:
		limit = choicesOfPlaces
	}
	return n > limit
}

const brackets = "()[]{}<>\"'`"

// identities are words before the name of somebody or something.
var identities = map[string]bool{
	"user": true, "users": true, "host": true, "hostname": true, "server": true, "client": true, "node": true,
	"name": true, "account": true, "login": true, "username": true, "queue": true, "topic": true, "table": true,
	"database": true, "bucket": true, "container": true, "pod": true, "worker": true, "job": true, "task": true,
	"class": true, "module": true, "plugin": true, "package": true, "file": true, "domain": true, "service": true,
	"customer": true, "tenant": true, "device": true, "interface": true, "key": true, "method": true, "function": true,
}

// accounts are names of users that systems come with.
var accounts = map[string]bool{
	"root": true, "admin": true, "administrator": true, "guest": true, "nobody": true, "daemon": true, "mysql": true, "postgres": true,
	"oracle": true, "www-data": true, "operator": true, "uucp": true, "ftpuser": true, "anonymous": true, "nagios": true,
}

// places are words before a name more often than before a choice.
var places = map[string]bool{
	"for": true, "from": true, "by": true, "to": true, "at": true, "on": true, "of": true, "in": true, "with": true, "via": true, "through": true,
}

func looksLikeVerb(w string) bool {
	w = strings.ToLower(strings.TrimRight(w, ".!,"))
	for _, end := range []string{"ed", "ing"} {
		if len(w) > len(end)+2 && strings.HasSuffix(w, end) {
			return true
		}
	}
	switch w {
	case "success", "successful", "successfully", "failure", "fail", "fails", "ok", "error", "up", "down", "on", "off", "open", "close",
		"start", "stop", "begin", "end", "read", "write", "send", "receive", "sent", "lost", "found", "not", "no", "invalid", "valid",
		"add", "remove", "create", "delete", "update", "get", "set", "put", "begun", "done", "complete", "ready", "empty", "full",
		"in", "out", "is", "was", "has", "cannot", "could", "will", "active", "inactive", "online", "offline", "healthy", "unhealthy":
		return true
	}
	return false
}

// looksLikeState takes WORDS in capitals, also as the last part of a.dotted.NAME.
func looksLikeState(w string) bool {
	w = w[strings.LastIndexByte(w, '.')+1:]
	letters := 0
	for i := range len(w) {
		switch c := w[i]; {
		case c >= 'A' && c <= 'Z':
			letters++
		case c != '_' && c != '.' && c != '-':
			return false
		}
	}
	return letters >= 2
}

// looksLikeName takes words that carry marks of a made-up name: a_b, a.b, $a.
func looksLikeName(w string) bool {
	return strings.ContainsAny(strings.TrimRight(w, ".!?"), "_.$@/")
}

// looksLikeTerm takes CamelCase.
func looksLikeTerm(w string) bool {
	for i := 1; i < len(w); i++ {
		if w[i] >= 'A' && w[i] <= 'Z' && w[i-1] >= 'a' && w[i-1] <= 'z' {
			return true
		}
	}
	return false
}

// states reports whether most words look like states.
func (c *column) states() bool {
	n := 0
	for v := range c.values {
		if looksLikeState(strings.Trim(v, brackets)) {
			n++
		}
	}
	return 2*n > len(c.values)
}

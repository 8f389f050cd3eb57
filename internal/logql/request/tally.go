package request

import (
	"math"
	"slices"
	"strings"
)

// Bounds of one tally.
const (
	maxPaths = 300
	maxPeers = 100
	others   = "(others)"
)

// Tally counts requests and calls, before a split and after it. It is used by
// one goroutine; Merge puts several together.
type Tally struct {
	split        int64
	first        int64 // when the first request came; 0 for none
	own, gateway kept
	calls        kept
	begun        pairs
	askers       [2]map[string]*[2]int // by the service's own lines and by access logs: address, before and now
	unsaid       spread                // of all numbers that bear no unit
	places       int8                  // decimals of those, at most
}

// NewTally begins to count.
func NewTally(split int64) *Tally {
	return &Tally{split: split, own: kept{}, gateway: kept{}, calls: kept{}, begun: pairs{}, askers: [2]map[string]*[2]int{{}, {}}}
}

// slice is how finely the time before is kept, in nanoseconds: so that what is
// usual can end where it began to be unusual.
const slice = 120_000_000_000

// kept is what one kind of line tells, by path, and by slices of time: 0 is now,
// and 1 the newest slice before.
type kept map[string]map[int]*kinds

func (k kept) of(name string, at int) *kinds {
	slices := k[name]
	if slices == nil {
		slices = map[int]*kinds{}
		k[name] = slices
	}
	if slices[at] == nil {
		slices[at] = &kinds{}
	}
	return slices[at]
}

// side is kept, of a time before and of now.
type side map[string]*pair

// pair is before and now.
type pair [2]kinds

// kinds are lines that tell how long it took, and lines that do not: a service
// may write both of one request.
type kinds struct{ timed, plain count }

// count is so many requests.
type count struct {
	n, failed, turned int
	said, unsaid      spread // how long they took: in seconds, and in what nobody says
	work              work
}

// spread is how numbers are distributed, to four percent, and their sum.
type spread struct {
	buckets map[int16]int
	sum     float64
}

const fine = 1.04

func (s *spread) add(x float64) {
	if s.buckets == nil {
		s.buckets = map[int16]int{}
	}
	s.buckets[int16(math.Round(math.Log(max(x, 1e-9))/math.Log(fine)))]++
	s.sum += x
}

func (s *spread) merge(o spread, factor float64) {
	shift := int16(math.Round(math.Log(factor) / math.Log(fine)))
	if s.buckets == nil {
		s.buckets = map[int16]int{}
	}
	for b, n := range o.buckets {
		s.buckets[b+shift] += n
	}
	s.sum += o.sum * factor
}

func (s spread) count() (n int) {
	for _, k := range s.buckets {
		n += k
	}
	return n
}

// quantile is the number that a share q of all does not exceed; NaN for none.
func (s spread) quantile(q float64) float64 {
	var keys []int16
	for b := range s.buckets {
		keys = append(keys, b)
	}
	slices.Sort(keys)
	want, seen := int(math.Ceil(q*float64(s.count()))), 0
	for _, b := range keys {
		if seen += s.buckets[b]; seen >= want {
			return math.Pow(fine, float64(b))
		}
	}
	return math.NaN()
}

// Add reads one line.
func (t *Tally) Add(l Line, level string) {
	if l.At == 0 {
		return
	}
	at := 0
	if l.At < t.split {
		at = 1 + int((t.split-l.At)/slice)
	}
	if c, ok := ReadCall(l, level); ok {
		if t.calls[c.Peer] != nil || len(t.calls) < maxPeers {
			t.count(t.calls.of(c.Peer, at), 0, c.Failed, c.Took)
		}
		return
	}
	r, ok := Read(l)
	if !ok {
		r, ok = t.begun.read(l)
	}
	if !ok {
		return
	}
	path := Route(r.Target)
	if watched(path) {
		return
	}
	if t.first == 0 || l.At < t.first {
		t.first = l.At
	}
	s := t.own
	if r.Gateway {
		s = t.gateway
	}
	t.asker(r, at)
	if s[path] == nil && len(s) >= maxPaths {
		path = others
	}
	t.count(s.of(path, at), r.Status, r.Status >= 500, r.Took).work.add(r.Database, r.Took)
}

// maxAskers bounds how many addresses are counted.
const maxAskers = 20_000

func (t *Tally) asker(r Request, at int) {
	askers := t.askers[0]
	if r.Gateway {
		askers = t.askers[1]
	}
	n := askers[string(r.IP)]
	if n == nil {
		if len(r.IP) == 0 || len(askers) >= maxAskers {
			return
		}
		n = new([2]int)
		askers[string(r.IP)] = n
	}
	if at == 0 {
		n[1]++
	} else {
		n[0]++
	}
}

func (t *Tally) count(k *kinds, status int, failed bool, took Took) *count {
	c := &k.plain
	if took.Unit != None {
		c = &k.timed
	}
	c.n++
	if failed {
		c.failed++
	}
	if status == 429 || status == 503 {
		c.turned++
	}
	switch took.Unit {
	case None:
	case Unsaid:
		c.unsaid.add(took.Number)
		t.unsaid.add(took.Number)
		t.places = max(t.places, took.places)
	default:
		c.said.add(took.Seconds())
	}
	return c
}

// Merge adds what another has counted.
func (t *Tally) Merge(o *Tally) {
	if o.first != 0 && (t.first == 0 || o.first < t.first) {
		t.first = o.first
	}
	for _, m := range []struct{ to, from kept }{{t.own, o.own}, {t.gateway, o.gateway}, {t.calls, o.calls}} {
		for name, slices := range m.from {
			for at, k := range slices {
				m.to.of(name, at).merge(*k)
			}
		}
	}
	for i, askers := range o.askers {
		for ip, n := range askers {
			mine := t.askers[i][ip]
			if mine == nil {
				mine = new([2]int)
				t.askers[i][ip] = mine
			}
			mine[0], mine[1] = mine[0]+n[0], mine[1]+n[1]
		}
	}
	t.unsaid.merge(o.unsaid, 1)
	t.places = max(t.places, o.places)
}

func (k *kinds) merge(o kinds) {
	k.timed.merge(o.timed)
	k.plain.merge(o.plain)
}

func (c *count) merge(o count) {
	c.n += o.n
	c.failed += o.failed
	c.turned += o.turned
	c.said.merge(o.said, 1)
	c.unsaid.merge(o.unsaid, 1)
	c.work.merge(o.work)
}

// unit is what one of the numbers without a unit is, in seconds: whole ones are
// milliseconds, or nanoseconds where they would be minutes; where half of all are
// fractions of one they are seconds; else, with two decimals at most, milliseconds,
// and with more of them seconds, unless half of all requests took as many.
func (t *Tally) unit() float64 {
	half := t.unsaid.quantile(0.5)
	switch {
	case t.places == 0 && half >= 1e5:
		return 1e-9
	case t.places > 0 && half < 1:
		return 1
	case t.places <= 2, half > 2:
		return 1e-3
	}
	return 1
}

// Route is the path of a request without its query, and with a star for what
// is a number or a name of one thing.
func Route(target []byte) string {
	path := string(target[:min(len(target), 300)])
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if isID(p) {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

func isID(p string) bool {
	digits, hex := 0, 0
	for i := range len(p) {
		switch c := p[i]; {
		case c >= '0' && c <= '9':
			digits, hex = digits+1, hex+1
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == '-':
			hex++
		}
	}
	return len(p) > 0 && (digits == len(p) || len(p) > 40 || digits > 0 && len(p) >= 16 || digits > 0 && len(p) >= 8 && hex == len(p))
}

// watched are paths that machines ask all day: they are quick when all else is
// slow, and no person waits for them.
func watched(path string) bool {
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case "health", "healthz", "livez", "readyz", "ready", "live", "ping", "metrics", "nginx-status", "nginx_status", "stub_status", "alive", "liveness", "readiness", "healthcheck", "up":
		return true
	}
	return false
}

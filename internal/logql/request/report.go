package request

import (
	"cmp"
	"math"
	"slices"
)

// Figures are what is known of some requests. NaN: it is not known.
type Figures struct {
	Counted     int
	Requests    float64 // as Counted; of before, scaled to a time as long as now
	Failed      float64 // share that was answered with 5xx, 0 to 1
	Turned      float64 // share that was answered 429 or 503
	Timed       int     // how many tell how long they took
	P50, P95    float64 // seconds
	Seconds     float64 // of all together, not scaled
	FailedCount int     // not scaled
	InDatabase  float64 // share of their time that passed in the database
	Statements  float64 // that each of them sent there
}

// Of is a path or another service, now and before.
type Of struct {
	Name        string
	Now, Before Figures
}

// Report is what a Tally has counted.
type Report struct {
	All       Of
	Gateway   bool // told by access logs, not by the service's own lines
	Paths     []Of // those with the most requests first
	Calls     []Of // those that took the most time first
	CallShare [2]float64
	Askers    []Asker // addresses with the most requests of the recent time first, mostAskers at most
	Addresses int     // that asked in the recent time
}

// Asker is an address, and its share of the requests that bear one: 0 to 1, NaN
// before where there were none.
type Asker struct {
	IP            string
	Requests      int
	Share, Before float64
}

// mostAskers bounds the addresses that are named.
const mostAskers = 10

// Report compares the time since the split with the time before it; both ends
// in nanoseconds since 1970. ok is false where no line told of a request.
func (t *Tally) Report(start, end int64) (r Report, ok bool) {
	unit := t.unit()
	unusual := max(t.own.unusual(unit), t.gateway.unusual(unit))
	scale := math.NaN()
	if t.first != 0 && t.first < t.split {
		if length := t.split - int64(unusual)*slice - max(start, t.first); length > 0 {
			scale = float64(end-t.split) / float64(length)
		}
	}
	s, g := t.own.side(unusual), t.gateway.side(unusual)
	own, gateway := s.sum(), g.sum()
	sum := own
	timed := own[0].timed.n+own[1].timed.n > 0
	theirs := gateway[0].timed.n+gateway[1].timed.n > 0
	// A dead service writes nothing; who stands before it does.
	silent := gateway[1].total() >= 5 && 2*own[1].total()*gateway[0].total() < gateway[1].total()*own[0].total()
	alone := gateway[1].failed() > 2*own[1].failed()+10                              // it fails by itself, and asks nobody
	few := 3*(own[0].total()+own[1].total()) < gateway[0].total()+gateway[1].total() // it tells of some of its requests, as of those that fail
	if few || !timed && theirs || silent || alone {
		s, sum, r.Gateway = g, gateway, true
	}
	if sum[0].total()+sum[1].total() == 0 && len(t.calls) == 0 {
		return r, false
	}
	r.All = of("", sum, unit, scale)
	askers := t.askers[0]
	if r.Gateway {
		askers = t.askers[1]
	}
	r.Askers, r.Addresses = most(askers)
	for name, p := range s {
		r.Paths = append(r.Paths, of(name, *p, unit, scale))
	}
	slices.SortFunc(r.Paths, func(a, b Of) int {
		return cmp.Or(cmp.Compare(b.Now.Requests, a.Now.Requests), cmp.Compare(a.Name, b.Name))
	})
	var spent [2]float64
	for name, p := range t.calls.side(unusual) {
		c := of(name, *p, unit, scale)
		spent[0] += c.Before.Seconds
		spent[1] += c.Now.Seconds
		r.Calls = append(r.Calls, c)
	}
	slices.SortFunc(r.Calls, func(a, b Of) int {
		return cmp.Or(cmp.Compare(b.Now.Seconds, a.Now.Seconds), cmp.Compare(b.Now.Requests, a.Now.Requests), cmp.Compare(a.Name, b.Name))
	})
	for i, f := range []Figures{r.All.Before, r.All.Now} {
		r.CallShare[i] = math.NaN()
		if f.Seconds > 0 && len(t.calls) > 0 {
			r.CallShare[i] = min(spent[i]/f.Seconds, 1)
		}
	}
	return r, true
}

func most(askers map[string]*[2]int) (list []Asker, addresses int) {
	var all [2]int
	for _, n := range askers {
		all[0], all[1] = all[0]+n[0], all[1]+n[1]
	}
	for ip, n := range askers {
		if n[1] > 0 {
			list = append(list, Asker{IP: ip, Requests: n[1], Share: float64(n[1]) / float64(all[1]), Before: float64(n[0]) / float64(all[0])})
		}
	}
	slices.SortFunc(list, func(a, b Asker) int { return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.IP, b.IP)) })
	return list[:min(len(list), mostAskers)], len(list)
}

func (s side) sum() (all pair) {
	for _, p := range s {
		for i := range p {
			all[i].merge(p[i])
		}
	}
	return all
}

func (k kinds) total() int { return k.timed.n + k.plain.n }

func (k kinds) failed() int { return max(k.timed.failed, k.plain.failed) }

// best are the lines to count by: those that tell how long it took, unless most
// do not. The others may tell of the same requests.
func (p pair) best() (now, before count) {
	if p[0].timed.n+p[1].timed.n >= p[0].plain.n+p[1].plain.n {
		return p[1].timed, p[0].timed
	}
	return p[1].plain, p[0].plain
}

func of(name string, p pair, unit, scale float64) Of {
	now, before := p.best()
	o := Of{Name: name, Now: figures(now, p[1].timed, unit, 1), Before: figures(before, p[0].timed, unit, scale)}
	return o
}

// figures of a count; timed are those of the same that tell how long they took.
func figures(c, timed count, unit, scale float64) Figures {
	f := Figures{Counted: c.n, Requests: float64(c.n) * scale, Failed: math.NaN(), Turned: math.NaN(), P50: math.NaN(), P95: math.NaN(), Timed: timed.n, FailedCount: c.failed}
	if c.n > 0 {
		f.Failed, f.Turned = float64(c.failed)/float64(c.n), float64(c.turned)/float64(c.n)
	}
	var took spread
	took.merge(timed.said, 1)
	took.merge(timed.unsaid, unit)
	if f.Seconds = took.sum; timed.n > 0 {
		f.P50, f.P95 = took.quantile(0.5), took.quantile(0.95)
	}
	f.InDatabase, f.Statements = timed.work.share(unit), c.work.each()
	return f
}

package auth

import "sort"

// maxEvents bounds the memory of one tally; a refusal with its names takes
// about 150 bytes.
const maxEvents = 200_000

// maxServed bounds how many requests of somebody known are kept.
const maxServed = maxEvents / 2

// Tally keeps events, and counts the requests that were let through.
type Tally struct {
	Split   int64 // what is before it is the usual state
	reader  Reader
	events  []Event
	served  map[string]*[2]int // by instance, before and after the split
	through map[string]int     // requests let through after the split, by address
	seen    [2]int             // lines
	first   int64
	kept    int // events that are requests of somebody known
	lost    int
	samples map[Reason]int
}

// NewTally begins to count.
func NewTally(split int64) *Tally {
	return &Tally{Split: split, served: map[string]*[2]int{}, through: map[string]int{}, samples: map[Reason]int{}}
}

// Add reads one line. Lines without a time are left out.
func (t *Tally) Add(l Line) {
	if l.At == 0 {
		return
	}
	if t.first == 0 || l.At < t.first {
		t.first = l.At
	}
	t.seen[t.side(l.At)]++
	e, ok := t.reader.Read(l)
	if !ok {
		return
	}
	if e.Outcome == Served {
		n := t.served[e.Instance]
		if n == nil {
			if len(t.served) >= 1000 {
				return
			}
			n = new([2]int)
			t.served[e.Instance] = n
		}
		n[t.side(e.At)]++
		if _, known := t.through[e.IP]; e.IP != "" && t.side(e.At) == 1 && (known || len(t.through) < maxServed) {
			t.through[e.IP]++
		}
		if e.User == "" && e.Session == "" || t.kept >= maxServed {
			return
		}
		t.kept++
	}
	if len(t.events) >= maxEvents {
		t.lost++
		return
	}
	if e.Sample != "" {
		if t.samples[e.Reason] >= 20 {
			e.Sample = ""
		}
		t.samples[e.Reason]++
	}
	t.events = append(t.events, e)
}

func (t *Tally) side(at int64) int {
	if at > t.Split {
		return 1
	}
	return 0
}

// Merge takes what another tally has counted.
func (t *Tally) Merge(o *Tally) {
	room := maxEvents - len(t.events)
	t.lost += o.lost + max(0, len(o.events)-room)
	t.events = append(t.events, o.events[:min(room, len(o.events))]...)
	for name, n := range o.served {
		if t.served[name] == nil {
			t.served[name] = new([2]int)
		}
		t.served[name][0] += n[0]
		t.served[name][1] += n[1]
	}
	for ip, n := range o.through {
		if _, known := t.through[ip]; known || len(t.through) < maxServed {
			t.through[ip] += n
		}
	}
	t.seen[0] += o.seen[0]
	t.seen[1] += o.seen[1]
	if t.first == 0 || o.first != 0 && o.first < t.first {
		t.first = o.first
	}
}

// near is how far apart the lines of one attempt lie at most: what checks a
// password is slow by intent, and an access log is written at the end.
const near = int64(2e9)

// attempts are the events with each attempt once: an access log tells again
// what the service has said itself, and a service may say it twice.
func (t *Tally) attempts() []Event {
	t.readForms()
	sort.SliceStable(t.events, func(i, j int) bool {
		a, b := &t.events[i], &t.events[j]
		if a.At != b.At {
			return a.At < b.At
		}
		return a.Reason < b.Reason
	})
	gone := make([]bool, len(t.events))
	// Lines of one request that speak for themselves.
	byRequest := map[string]int{}
	for i := range t.events {
		e := &t.events[i]
		if e.Request == "" || e.Outcome == Served {
			continue
		}
		j, ok := byRequest[e.Request]
		if !ok || e.Outcome != t.events[j].Outcome || e.At-t.events[j].At > 10*near || t.events[j].otherProcess(e) {
			byRequest[e.Request] = i
			continue
		}
		t.events[j].fill(e)
		gone[i] = true
	}
	// Lines of the access log beside those of the service.
	for i := range t.events {
		if gone[i] || !t.events[i].Access || t.events[i].Outcome == Served {
			continue
		}
		if j := t.twin(i, gone); j >= 0 {
			t.events[j].fill(&t.events[i])
			t.events[j].paired = true
			gone[i] = true
		}
	}
	out := t.events[:0:0]
	for i := range t.events {
		if !gone[i] {
			out = append(out, t.events[i])
		}
	}
	return out
}

// otherProcess reports that two lines are of two processes, each of which may count
// its requests by itself.
func (e *Event) otherProcess(o *Event) bool {
	return e.Instance != "" && o.Instance != "" && e.Instance != o.Instance
}

// readForms finds the logins of forms: who gets in is sent on (302 or 303), and
// who does not gets the form again with 200, as Django, Rails and Spring have it.
// Where nobody is sent on, 200 lets in.
func (t *Tally) readForms() {
	sendsOn := map[string]bool{}
	for i := range t.events {
		if e := &t.events[i]; e.status == 302 || e.status == 303 {
			sendsOn[e.path] = true
		}
	}
	for i := range t.events {
		if e := &t.events[i]; e.status == 200 && sendsOn[e.path] {
			e.Outcome, e.Reason = Refused, Login
		}
	}
}

// twin is the service's own line of what the access log tells at i; -1 where
// there is none.
func (t *Tally) twin(i int, gone []bool) int {
	e := &t.events[i]
	try := func(j int) bool {
		o := &t.events[j]
		return !gone[j] && (!o.Access || e.plain && !o.plain) && !o.paired && o.Outcome == e.Outcome && (o.IP == "" || e.IP == "" || o.IP == e.IP)
	}
	for j := i - 1; j >= 0 && e.At-t.events[j].At <= near; j-- {
		if try(j) {
			return j
		}
	}
	for j := i + 1; j < len(t.events) && t.events[j].At-e.At <= near; j++ {
		if try(j) {
			return j
		}
	}
	return -1
}

// fill takes over what the other line of the same attempt tells besides.
func (e *Event) fill(o *Event) {
	if !e.Reason.told() && o.Reason.told() || e.Reason == Other && o.Reason == Login {
		e.Reason, e.Sample = o.Reason, o.Sample
	}
	for _, f := range []struct{ to, from *string }{{&e.User, &o.User}, {&e.Session, &o.Session}, {&e.IP, &o.IP}, {&e.Instance, &o.Instance}} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	e.Access = e.Access && o.Access
}

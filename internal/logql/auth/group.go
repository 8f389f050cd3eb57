package auth

import "sort"

// groups counts failed logins by a name: an address, or a user.
type groups map[string]*oneGroup

type oneGroup struct {
	name             string
	failures, logins int
	others           map[string]bool
	times            []int64
}

func newGroups() groups { return groups{} }

// maxGroups bounds how many names are told apart; an attack from more addresses
// is none from few.
const maxGroups = 50_000

func (g groups) add(name, other string, e *Event, recent bool) {
	if name == "" || !recent || e.Outcome == Served || e.Outcome == Refused && !e.attempt() {
		return
	}
	one := g[name]
	if one == nil {
		if len(g) >= maxGroups {
			return
		}
		one = &oneGroup{name: name, others: map[string]bool{}}
		g[name] = one
	}
	if e.Outcome == In {
		one.logins++
		return
	}
	one.failures++
	one.times = append(one.times, e.At)
	if other != "" {
		one.others[other] = true
	}
}

// attempt reports whether a refusal is of somebody who tried to log in. Where
// nothing is said of why, whoever gives a name has tried.
func (e *Event) attempt() bool {
	return e.Reason.ofLogins() || e.Reason == Other && !e.Access
}

func (g groups) failed() []*oneGroup {
	var list []*oneGroup
	for _, one := range g {
		if one.failures > 0 {
			list = append(list, one)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].failures != list[j].failures {
			return list[i].failures > list[j].failures
		}
		return list[i].name < list[j].name
	})
	return list
}

// most is how many of the times, which are in order, lie within five minutes.
func most(times []int64) int {
	best, from := 0, 0
	for i := range times {
		for times[i]-times[from] > fiveMinutes {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// maxRows is how many addresses and users are told of one by one.
const maxRows = 20

func (g groups) sources() ([]SourceRow, int) {
	list := g.failed()
	var rows []SourceRow
	for _, one := range list[:min(len(list), maxRows)] {
		rows = append(rows, SourceRow{IP: one.name, Failures: one.failures, Users: len(one.others), Logins: one.logins,
			Most: most(one.times), First: one.times[0], Last: one.times[len(one.times)-1]})
	}
	return rows, len(list)
}

func (g groups) accounts() ([]AccountRow, int) {
	list := g.failed()
	var rows []AccountRow
	for _, one := range list[:min(len(list), maxRows)] {
		rows = append(rows, AccountRow{User: one.name, Failures: one.failures, IPs: len(one.others), Logins: one.logins, Most: most(one.times)})
	}
	return rows, len(list)
}

// people follows each user through the time that was read.
type people struct {
	login          map[string]int64 // the last login
	turned         map[string]bool  // refused since
	relogins       []float64
	reloginsBefore []int64
	lived          []float64
	refused, known int
	counted        map[string]bool
	seen           map[string]bool   // let through before
	away           map[string]bool   // refused, and let through before that, with no login in between
	flips          map[string]int    // how often such a one was let through again
	home           map[string]string // the process that let a session in last
	atHome, abroad int               // sessions missed by the process that knew them, and by others
}

func newPeople() *people {
	return &people{login: map[string]int64{}, turned: map[string]bool{}, counted: map[string]bool{},
		seen: map[string]bool{}, away: map[string]bool{}, flips: map[string]int{}, home: map[string]string{}}
}

// sameLogin is the time within which a second login is the same one, told twice.
const sameLogin = int64(1e9)

func (p *people) add(e *Event, recent bool) {
	p.flip(e, recent)
	if e.User == "" {
		return
	}
	if e.Outcome == Served {
		return
	}
	last, knows := p.login[e.User]
	if e.Outcome == In {
		if len(p.login) >= maxGroups {
			return
		}
		if knows && e.At-last > sameLogin {
			if recent {
				p.relogins = append(p.relogins, float64(e.At-last)/1e9)
			} else {
				p.reloginsBefore = append(p.reloginsBefore, e.At)
			}
		}
		p.login[e.User] = e.At
		delete(p.turned, e.User)
		return
	}
	if !recent || e.Reason.ofLogins() || e.Reason == Service {
		return
	}
	if !p.counted[e.User] && len(p.counted) < maxGroups {
		p.counted[e.User] = true
		p.refused++
		if knows || p.seen[e.User] {
			p.known++
		}
	}
	if knows && !p.turned[e.User] {
		p.turned[e.User] = true
		p.lived = append(p.lived, float64(e.At-last)/1e9)
	}
}

// flip follows a session, or else a user, that is let through, turned away, and
// let through again though nobody has logged in: the answer depends on who
// gives it.
func (p *people) flip(e *Event, recent bool) {
	who := e.Session
	if who == "" {
		who = e.User
	}
	if who == "" {
		return
	}
	switch {
	case e.Outcome == In:
		delete(p.away, who)
		if e.User != who {
			delete(p.away, e.User)
		}
	case e.Outcome == Served && recent && p.away[who]:
		p.flips[who]++
		delete(p.away, who)
	case e.Outcome == Refused && !e.Reason.ofLogins() && e.Reason != Service && p.seen[who]:
		p.away[who] = true
	}
	if e.Outcome != Refused && len(p.seen) < maxGroups {
		p.seen[who] = true
	}
	p.atHomeOrAbroad(e, recent)
}

// atHomeOrAbroad follows which process lets a session in, and which one misses it
// next. One that has ended is missed at home as well; one that lives in the
// memory of a process is missed abroad alone.
func (p *people) atHomeOrAbroad(e *Event, recent bool) {
	if e.Session == "" || e.Instance == "" {
		return
	}
	if e.Outcome != Refused {
		if len(p.home) < maxGroups {
			p.home[e.Session] = e.Instance
		}
		return
	}
	home := p.home[e.Session]
	if !recent || home == "" || e.Reason != Session && e.Reason != Other && e.Reason != Missing {
		return
	}
	delete(p.home, e.Session) // counted once
	if home == e.Instance {
		p.atHome++
	} else {
		p.abroad++
	}
}

// flipped counts those who were turned away and let through again at least
// twice: once may be a retry.
func (p *people) flipped() int {
	n := 0
	for _, times := range p.flips {
		if times >= 2 {
			n++
		}
	}
	return n
}

// breakIns are logins in the recent time that came after many failed ones.
func breakIns(events []Event, split int64) []BreakIn {
	const reach = 6 * fiveMinutes
	byIP, byUser := map[string][]int64{}, map[string][]int64{}
	recentOf := func(times []int64, at int64) []int64 {
		for len(times) > 0 && at-times[0] > reach {
			times = times[1:]
		}
		return times
	}
	var list []BreakIn
	told, in := map[[2]string]bool{}, map[string]int{}
	for i := range events {
		e := &events[i]
		if e.Outcome == Refused && e.attempt() {
			if e.IP != "" {
				byIP[e.IP] = append(recentOf(byIP[e.IP], e.At), e.At)
			}
			if e.User != "" {
				byUser[e.User] = append(recentOf(byUser[e.User], e.At), e.At)
			}
			continue
		}
		if e.Outcome != In {
			continue
		}
		if e.At <= split || told[[2]string{e.IP, e.User}] {
			in[e.IP]++
			continue
		}
		n := len(recentOf(byUser[e.User], e.At))
		// An address that many share fails often and succeeds more often: it speaks
		// only where hardly anybody got in from it.
		if fails := len(recentOf(byIP[e.IP], e.At)); e.IP != "" && fails >= 10*(in[e.IP]+1) {
			n = max(n, fails)
		}
		in[e.IP]++
		if n >= manyFailures && len(list) < maxRows {
			told[[2]string{e.IP, e.User}] = true
			list = append(list, BreakIn{IP: e.IP, User: e.User, At: e.At, Failures: n})
		}
	}
	return list
}

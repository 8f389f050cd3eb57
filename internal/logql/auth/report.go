package auth

import (
	"math"
	"sort"
)

// Report is what a tally comes to: the recent time, and the usual state before
// it, in numbers for a time of the same length and as many requests.
type Report struct {
	Lines         int
	Told          bool // a line told of a login, a refusal or a request
	Comparable    bool // something was written before the recent time
	Now           map[Reason]int
	Usual         map[Reason]float64
	Failures      int
	FailuresUsual float64
	Logins        int // that succeeded
	LoginsUsual   float64
	Rows          []ReasonRow
	Sources       []SourceRow   // addresses, most failed logins first
	Accounts      []AccountRow  // users, most failed logins first
	Instances     []InstanceRow // processes that decide
	Users, IPs    int           // distinct ones that failed to log in
	Relogins      []float64     // seconds since the same user's login before, of logins in the recent time, sorted
	ReloginsUsual float64
	Lived         []float64 // seconds from a login to the same user's refusal, sorted
	KnownShare    float64   // of refused users: had logged in or were let in before; NaN where there are none
	Flipped       int       // sessions or users turned away and let through again, twice or more, with no login in between
	AtHome        int       // sessions missed in the recent time by the process that had let them in last
	Abroad        int       // the same, by another process
	Named         bool      // requests that were let through name a session or a user
	Times         []int64   // of all refusals
	BrokeIn       []BreakIn
	Lost          int
}

// ReasonRow is one reason in the recent time.
type ReasonRow struct {
	Reason                Reason
	Count                 int
	Usual                 float64
	Users, IPs, Instances int
	First, Last           int64
	Samples               []string
}

// SourceRow is one address.
type SourceRow struct {
	IP                      string
	Failures, Users, Logins int
	Served                  int // other requests of it that were let through
	Most                    int // failures within five minutes, the most
	First, Last             int64
}

// AccountRow is one user.
type AccountRow struct {
	User                  string
	Failures, IPs, Logins int
	Most                  int
}

// InstanceRow is one process or host that lets in or turns away.
type InstanceRow struct {
	Instance                string
	Refused, Served, Logins int
	Tokens                  int // refusals for a signature or a token
	Sessions                int // refusals for a session that is not there
}

// BreakIn is a login that succeeded after many had failed from the same
// address, or for the same user.
type BreakIn struct {
	IP, User string
	At       int64
	Failures int
}

// manyFailures is from how many failed logins on, within half an hour, a
// success is worth a look. People give up or ask for a new password before.
const manyFailures = 10

const fiveMinutes = int64(300e9)

// growth is how many times as many requests are let through as usual, at least
// one: with more visitors more mistype, and more tokens end.
func (t *Tally) growth(scale float64) float64 {
	now, before := 0, 0
	for _, n := range t.served {
		now, before = now+n[1], before+n[0]
	}
	if now < 100 || before < 100 || scale == 0 {
		return 1
	}
	return max(1, float64(now)/(float64(before)*scale))
}

// Report counts, with end the time of the question and start that from which
// lines were read.
func (t *Tally) Report(start, end int64) Report {
	r := Report{Lines: t.seen[0] + t.seen[1], Comparable: t.seen[0] > 0, Now: map[Reason]int{}, Usual: map[Reason]float64{}, Lost: t.lost, KnownShare: math.NaN()}
	before := float64(t.Split - max(start, t.first))
	scale := 0.0
	if before > 0 {
		scale = float64(end-t.Split) / before
	}
	events := t.attempts()
	rows := map[Reason]*ReasonRow{}
	sets := map[Reason]*[3]map[string]bool{}
	for _, reason := range Reasons {
		r.Now[reason], r.Usual[reason] = 0, 0
		rows[reason] = &ReasonRow{Reason: reason}
		sets[reason] = &[3]map[string]bool{{}, {}, {}}
	}
	instances := map[string]*InstanceRow{}
	of := func(name string) *InstanceRow {
		i := instances[name]
		if i == nil {
			i = &InstanceRow{Instance: name}
			instances[name] = i
		}
		return i
	}
	sources, accounts := newGroups(), newGroups()
	people := newPeople()
	was := newUsual(max(start, t.first), t.Split, end-t.Split)
	for i := range events {
		e := &events[i]
		recent := e.At > t.Split
		people.add(e, recent)
		sources.add(e.IP, e.User, e, recent)
		accounts.add(e.User, e.IP, e, recent)
		if e.Outcome == Served {
			r.Named = true
			continue
		}
		if e.Outcome == In {
			if recent {
				r.Logins++
				of(e.Instance).Logins++
			} else {
				was.add("logins", e.At)
			}
			continue
		}
		r.Times = append(r.Times, e.At)
		if !recent {
			was.add(string(e.Reason), e.At)
			was.add("failures", e.At)
			continue
		}
		r.Failures++
		r.Now[e.Reason]++
		row := rows[e.Reason]
		row.Count++
		if row.First == 0 {
			row.First = e.At
		}
		row.Last = e.At
		if e.Sample != "" && len(row.Samples) < 3 {
			row.Samples = append(row.Samples, e.Sample)
		}
		for j, name := range []string{e.User, e.IP, e.Instance} {
			if name != "" {
				sets[e.Reason][j][name] = true
			}
		}
		in := of(e.Instance)
		in.Refused++
		switch e.Reason {
		case Signature, Token:
			in.Tokens++
		case Session:
			in.Sessions++
		}
	}
	growth := t.growth(scale)
	r.LoginsUsual, r.FailuresUsual = growth*was.of("logins"), growth*was.of("failures")
	for _, reason := range Reasons {
		r.Usual[reason] = growth * was.of(string(reason))
	}
	for _, at := range people.reloginsBefore {
		was.add("relogins", at)
	}
	for _, reason := range Reasons {
		row := rows[reason]
		row.Usual = r.Usual[reason]
		row.Users, row.IPs, row.Instances = len(sets[reason][0]), len(sets[reason][1]), len(sets[reason][2])
		if row.Count > 0 || row.Usual > 0 {
			r.Rows = append(r.Rows, *row)
		}
	}
	sort.SliceStable(r.Rows, func(i, j int) bool { return r.Rows[i].Count > r.Rows[j].Count })
	for name, n := range t.served {
		if n[1] > 0 {
			of(name).Served += n[1]
		}
	}
	for name, i := range instances {
		if name != "" {
			r.Instances = append(r.Instances, *i)
		}
	}
	sort.Slice(r.Instances, func(i, j int) bool { return r.Instances[i].Instance < r.Instances[j].Instance })
	r.Told = len(t.events) > 0 || len(t.served) > 0
	r.Sources, r.IPs = sources.sources()
	for i := range r.Sources {
		r.Sources[i].Served = t.through[r.Sources[i].IP]
	}
	r.Accounts, r.Users = accounts.accounts()
	r.Relogins, r.ReloginsUsual = people.relogins, growth*was.of("relogins")
	r.Lived, r.Flipped = people.lived, people.flipped()
	r.AtHome, r.Abroad = people.atHome, people.abroad
	sort.Float64s(r.Relogins)
	sort.Float64s(r.Lived)
	if people.refused > 0 {
		r.KnownShare = float64(people.known) / float64(people.refused)
	}
	r.BrokeIn = breakIns(events, t.Split)
	return r
}

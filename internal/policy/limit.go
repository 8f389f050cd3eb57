package policy

import (
	"fmt"
	"slices"
	"time"
)

// Change is one that was made, as far as limits look at it.
type Change struct {
	Subject
	At    time.Time // when its intent was written
	Blast int64     // how many things it touched
}

// bound is one limit that holds for an ask, and where it comes from.
type bound struct {
	limit int64
	at    string
	match Match // of the rule; of no rule: everything
}

// bounded finds the limit that the first rule or the policy sets.
func (p Policy) bounded(s Subject, name string, of func(Limits) int64) bound {
	for _, r := range p.Rules {
		if n := of(r.Limits); n > 0 && r.Matches(s) {
			return bound{n, r.label(), r.Match}
		}
	}
	return bound{limit: of(p.Limits), at: p.at("limits." + name)}
}

// limits refuses what is more than a limit allows.
func (d *decider) limits() {
	if b := d.policy.bounded(d.ask.Subject, "blast", func(l Limits) int64 { return l.Blast }); b.limit > 0 && d.ask.Blast > b.limit {
		d.refuse(fmt.Sprintf("things touched by one change: %d, at most %d", d.ask.Blast, b.limit), time.Time{}, b.at)
	}
	service := d.ask.Service
	hour := d.policy.bounded(d.ask.Subject, "per_hour", func(l Limits) int64 { return int64(l.PerHour) })
	d.perHour(hour, d.recent(hour.match, &service), "changes to "+named(service))
	touched := d.policy.bounded(d.ask.Subject, "blast_per_hour", func(l Limits) int64 { return l.BlastPerHour })
	d.blastPerHour(touched, d.recent(touched.match, &service))
	all := bound{limit: int64(d.policy.Limits.AllPerHour), at: d.policy.at("limits.all_per_hour")}
	d.perHour(all, d.recent(Match{}, nil), "changes to all services")
}

func named(service string) string {
	if service == "" {
		return "no service"
	}
	return service
}

// recent lists the changes of the last hour that count, oldest first. One that
// seems to lie in the future counts: a clock was put back.
func (d *decider) recent(m Match, service *string) []Change {
	var out []Change
	for _, c := range d.ask.RecentChanges {
		if c.At.After(d.ask.Now.Add(-time.Hour)) && m.Matches(c.Subject) && (service == nil || c.Service == *service) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return a.At.Compare(b.At) })
	return out
}

func (d *decider) perHour(b bound, made []Change, what string) {
	over := len(made) + 1 - int(b.limit)
	if b.limit <= 0 || over <= 0 {
		return
	}
	d.refuse(fmt.Sprintf("%s within an hour: %d made, at most %d", what, len(made), b.limit), made[over-1].At.Add(time.Hour), b.at)
}

func (d *decider) blastPerHour(b bound, made []Change) {
	if b.limit <= 0 {
		return
	}
	sum := max(d.ask.Blast, 0)
	for _, c := range made {
		sum = saturated(sum, c.Blast)
	}
	if sum <= b.limit {
		return
	}
	text := fmt.Sprintf("things touched on %s within an hour: %d with this change, at most %d", named(d.ask.Service), sum, b.limit)
	var until time.Time // no end, where this change alone is too much
	if d.ask.Blast <= b.limit {
		until = room(made, b.limit-max(d.ask.Blast, 0))
	}
	d.refuse(text, until, b.at)
}

// room is when those of made that are left after an hour touch at most limit.
func room(made []Change, limit int64) time.Time {
	var left int64
	for i := len(made) - 1; i >= 0; i-- {
		if left = saturated(left, made[i].Blast); left > limit {
			return made[i].At.Add(time.Hour)
		}
	}
	return time.Time{}
}

// saturated adds without running over; what is negative counts as nothing.
func saturated(a, b int64) int64 {
	if b = max(b, 0); a > 1<<62-b {
		return 1 << 62
	}
	return a + b
}

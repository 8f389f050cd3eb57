package policy

import (
	"slices"
	"strings"
	"time"
)

// people are those whose approval counts, and whether that of the one who made
// the plan does.
func (d *decider) people(need Need) (names []string, self bool) {
	if need != One && need != Two {
		return nil, true
	}
	names, at := d.policy.names(), byDefault
	if r, ok := d.rule(func(r Rule) bool { return len(r.Approvers) > 0 }); ok {
		names, at = r.Approvers, r.label()
	}
	if len(names) == 0 {
		return nil, true
	}
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	self = need == Two
	if at == byDefault {
		at = d.policy.at("approvers")
	}
	d.written("approvers are "+strings.Join(names, ", "), at)
	left := len(names)
	if !self && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, d.ask.Requester) }) {
		left--
	}
	if left < need.people() {
		d.refuse(d.short(need, names), time.Time{}, at)
	}
	return names, self
}

// short says why those who may approve are too few.
func (d *decider) short(need Need, names []string) string {
	text := "it " + need.words() + ", and there is only " + strings.Join(names, ", ")
	if need == One {
		text += ", who made the plan"
	}
	return text
}

package policy

import (
	"slices"
	"time"
)

// Strictest joins the decisions about one change that concerns several
// services: whatever one of them asks for is asked for, and whatever one
// refuses is refused.
func Strictest(first Decision, more ...Decision) Decision {
	if len(more) == 0 {
		return first
	}
	out := first
	out.Why = slices.Clone(first.Why)
	for _, d := range more {
		out = stricter(out, d)
	}
	var restricted bool
	out.Approvers, restricted = common(append([]Decision{first}, more...))
	if restricted && len(out.Approvers) < out.Approvals {
		// An empty list would mean anybody: the refusal stays whatever else ends.
		out.Refused, out.Until = "it concerns services whose approvers have too few people in common", time.Time{}
		out.Why = append(out.Why, "refused, "+out.Refused+": approvers of the rules")
	}
	return out
}

// stricter joins two decisions, all but their approvers.
func stricter(a, b Decision) Decision {
	out := Decision{Autonomy: a.Autonomy.less(b.Autonomy), Need: a.Need.More(b.Need), Expires: min(a.Expires, b.Expires), Why: a.Why}
	// Of two different people one is not who made the plan.
	out.SelfApproval = a.SelfApproval && b.SelfApproval || out.Need == Two
	if out.Autonomy != Auto {
		out.Approvals = out.Need.people()
	}
	out.Distinct = out.Approvals > 1
	for _, w := range b.Why {
		if !slices.Contains(out.Why, w) {
			out.Why = append(out.Why, w)
		}
	}
	out.Refused, out.Until = graver(a, b)
	return out
}

// common is who counts for all of them; restricted is whether anybody does not.
func common(all []Decision) (names []string, restricted bool) {
	for _, d := range all {
		switch {
		case len(d.Approvers) == 0: // everybody
		case !restricted:
			names, restricted = slices.Clone(d.Approvers), true
		default:
			names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(d.Approvers, n) })
		}
	}
	return names, restricted
}

// graver is the refusal of a or b that ends last.
func graver(a, b Decision) (string, time.Time) {
	switch {
	case a.Refused == "":
		return b.Refused, b.Until
	case b.Refused == "", a.Until.IsZero():
		return a.Refused, a.Until
	case b.Until.IsZero() || b.Until.After(a.Until):
		return b.Refused, b.Until
	}
	return a.Refused, a.Until
}

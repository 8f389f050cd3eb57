package policy

import (
	"slices"

	"github.com/quellhq/quell/internal/action"
)

// Need is who must approve a change.
type Need string

// The needs, least first.
const (
	Nobody Need = "nobody" // whoever applies it answers for it
	Anyone Need = "anyone" // one person, who may be the one who made the plan
	// One of the approvers, who is not the one who made the plan. Where the
	// policy lists no approvers it is the same as Anyone: a team that has named
	// nobody must not stand still at night.
	One Need = "approver"
	// Two different people, of the approvers where there are any. The one who
	// made the plan may be one of them: the other has still looked at it.
	Two   Need = "two"
	Never Need = "never" // it is not done by Quell
)

// Needs lists them, least first.
func Needs() []Need { return []Need{Nobody, Anyone, One, Two, Never} }

// More returns the greater of two needs. One that is empty counts as none; one
// that is not known counts as Never.
func (n Need) More(than Need) Need {
	if than.rank() > n.rank() {
		return than
	}
	return n
}

func (n Need) rank() int {
	if n == "" {
		return -1
	}
	if i := slices.Index(Needs(), n); i >= 0 {
		return i
	}
	return len(Needs())
}

// people is how many must approve.
func (n Need) people() int {
	switch n {
	case Nobody, "":
		return 0
	case Anyone, One:
		return 1
	}
	return 2
}

// words say it of a change.
func (n Need) words() string {
	switch n {
	case Nobody:
		return "needs nobody's approval"
	case Anyone:
		return "needs one person"
	case One:
		return "needs an approver"
	case Two:
		return "needs two people"
	}
	return "is never done"
}

// DefaultNeed is what a class needs where nobody says.
func DefaultNeed(r action.Risk) Need {
	switch r {
	case action.R1, action.R2:
		return Anyone
	case action.R3:
		return One
	}
	return Two
}

// LeastNeed is what a class needs whatever policy says: what is disruptive or
// destructive has at least one person who said yes.
func LeastNeed(r action.Risk) Need {
	if grave(r) {
		return Anyone
	}
	return Nobody
}

// grave is R3 and R4: never automatic, never without a person.
func grave(r action.Risk) bool { return r == action.R3 || r == action.R4 }

// byRisk is what the class needs by the policy's map, with the place that says
// so. A graver class needs at least what a lesser one does, so that R1: two
// leaves no hole at R2.
func (p Policy) byRisk(r action.Risk) (Need, string) {
	need, at := Need(""), ""
	for _, class := range action.Risks() {
		n, from := p.Risk[class], p.at("risk."+string(class))
		if n == "" {
			n, from = DefaultNeed(class), byDefault
		}
		if n.More(need) == n {
			need, at = n, from
		}
		if class == r {
			break
		}
	}
	return need, at
}

package policy

import (
	"slices"
	"strings"
)

// Autonomy is how much Quell does by itself with a type of action.
type Autonomy string

// The grades of autonomy, least first.
const (
	Observe Autonomy = "observe" // it is not proposed for doing: what would be done is only recorded
	Suggest Autonomy = "suggest" // it stands in the plan, and a person does it by hand
	Approve Autonomy = "approve" // it is done when it was approved and somebody applies the plan
	Auto    Autonomy = "auto"    // it is done without asking, once it has earned that
)

// Autonomies lists them, least first.
func Autonomies() []Autonomy { return []Autonomy{Observe, Suggest, Approve, Auto} }

// less returns the lesser of two; one that is not known is the least.
func (a Autonomy) less(b Autonomy) Autonomy {
	if slices.Index(Autonomies(), b) < slices.Index(Autonomies(), a) {
		return b
	}
	return a
}

// Grade gives types of actions an autonomy.
type Grade struct {
	Action   string // type, or a pattern of types: "postgres.*"
	Autonomy Autonomy
	At       string
}

// beats is whether g says it more exactly than h: a name before a pattern, a
// longer pattern before a shorter one, and of equals the more careful.
func (g Grade) beats(h Grade) bool {
	if a, b := strings.Contains(g.Action, "*"), strings.Contains(h.Action, "*"); a != b {
		return b
	}
	if a, b := len(g.Action), len(h.Action); a != b {
		return a > b
	}
	return g.Autonomy.less(h.Autonomy) == g.Autonomy && g.Autonomy != h.Autonomy
}

// graded is the autonomy that the policy writes for s, with the place that
// says so. Whether it may be used is not looked at.
func (p Policy) graded(s Subject) (Autonomy, string) {
	for _, r := range p.Rules {
		if r.Autonomy != "" && r.Matches(s) {
			return r.Autonomy, r.label()
		}
	}
	var best Grade
	for _, g := range p.Autonomy {
		if Glob(g.Action, s.Action) && (best.Action == "" || g.beats(best)) {
			best = g
		}
	}
	if best.Action == "" {
		return Approve, byDefault
	}
	return best.Autonomy, best.At
}

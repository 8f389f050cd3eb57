package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
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

// autonomy is what the policy grades it, as far as that may be used.
func (d *decider) autonomy(need Need) Autonomy {
	grade, at := d.policy.graded(d.ask.Subject)
	switch grade {
	case Approve:
		d.written("it is graded approve", at)
		return grade
	case Auto:
		if why, at := d.notAuto(need, at); why != "" {
			d.because("auto counts as approve, "+why, at)
			return Approve
		}
		d.because("auto, earned by its record", at)
		return grade
	case Suggest:
		d.refuse("it is only suggested: do it by hand", time.Time{}, at)
		return grade
	}
	d.refuse("it is only observed", time.Time{}, at)
	return Observe
}

// notAuto says why something graded auto is not done without asking. Auto
// stands for the person of Anyone; for an approver, or for two people, nothing
// stands.
func (d *decider) notAuto(need Need, graded string) (why, at string) {
	if risk := d.ask.risk(); grave(risk) {
		return fmt.Sprintf("%s is never automatic", risk), byDefault
	}
	if need.More(One) == need {
		return "it " + need.words(), graded
	}
	if missing := d.policy.Auto.missing(d.ask.Record); missing != "" {
		return "not earned yet: " + missing, d.policy.at("auto")
	}
	return "", ""
}

package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/expr"
)

// Decide says what a change needs under p. Nothing that a rule allows undoes a
// refusal: kill switch, never, observe and suggest, a freeze and a limit each
// refuse alone.
func Decide(p Policy, ask Ask) Decision {
	d := &decider{policy: p, ask: ask}
	d.stopped()
	need := d.need()
	autonomy := d.autonomy(need)
	out := Decision{Autonomy: autonomy, Need: need, Expires: d.expires()}
	out.Approvers, out.SelfApproval = d.people(need)
	if out.Approvals = need.people(); autonomy == Auto {
		out.Approvals = 0
	}
	out.Distinct = out.Approvals > 1
	if ask.Undo {
		d.because("it takes back a change: freezes and limits let it through", byDefault)
	} else {
		d.frozen()
		d.limits()
	}
	out.Refused, out.Until = d.refused()
	out.Why = d.why
	return out
}

// decider collects what one decision is made of.
type decider struct {
	policy   Policy
	ask      Ask
	why      []string
	refusals []refusal
}

type refusal struct {
	text  string
	until time.Time // zero: it does not end by itself
}

func (d *decider) because(text, at string) { d.why = append(d.why, text+": "+at) }

// written says what somebody wrote; what is the default needs no words.
func (d *decider) written(text, at string) {
	if at != byDefault {
		d.because(text, at)
	}
}

func (d *decider) refuse(text string, until time.Time, at string) {
	if !until.IsZero() {
		text += ", until " + shownAt(until)
	}
	d.refusals = append(d.refusals, refusal{text, until.UTC()})
	d.because("refused, "+text, at)
}

// refused is the gravest reason, and when all of them have ended.
func (d *decider) refused() (string, time.Time) {
	if len(d.refusals) == 0 {
		return "", time.Time{}
	}
	var until time.Time
	for _, r := range d.refusals {
		if r.until.IsZero() {
			return r.text, time.Time{}
		}
		if r.until.After(until) {
			until = r.until
		}
	}
	return d.refusals[0].text, until
}

func (d *decider) stopped() {
	if d.ask.KillSwitch != "" {
		d.refuse("the kill switch is on ("+d.ask.KillSwitch+")", time.Time{}, "set in the store")
	}
	if d.policy.Stop != "" {
		d.refuse("the policy stops every change ("+d.policy.Stop+")", time.Time{}, d.policy.at("stop"))
	}
}

// need finds who must approve: the rule or the class, then whatever raises it.
func (d *decider) need() Need {
	risk := d.ask.risk()
	need, at := d.policy.byRisk(risk)
	if r, ok := d.rule(func(r Rule) bool { return r.Need != "" }); ok {
		need, at = r.Need, r.label()
	}
	if !slices.Contains(Needs(), need) {
		need = Never
	}
	d.because(fmt.Sprintf("%s of risk %s %s", d.ask.Action, risk, need.words()), at)
	raise := func(to Need, why, at string) {
		if to.More(need) != need {
			need = to
			d.because(fmt.Sprintf("it %s, %s", to.words(), why), at)
		}
	}
	raise(LeastNeed(risk), fmt.Sprintf("as everything of risk %s does", risk), byDefault)
	for _, w := range d.policy.Freeze {
		if _, in := w.Covers(d.ask.Now); in && !w.refuses() && w.holds(d.ask.Subject) && !d.ask.Undo {
			raise(w.Need, "a freeze window: "+w.reason(), w.At)
		}
	}
	if d.ask.TwoPeople != "" {
		raise(Two, d.ask.TwoPeople, "what the preview found")
	}
	if need == Never {
		d.refuse("policy never lets it be done", time.Time{}, at)
	}
	return need
}

func (d *decider) expires() time.Duration {
	if r, ok := d.rule(func(r Rule) bool { return r.Expires > 0 }); ok {
		d.written("an approval holds "+expr.FormatDuration(r.Expires), r.label())
		return r.Expires
	}
	if d.policy.Expires > 0 {
		d.written("an approval holds "+expr.FormatDuration(d.policy.Expires), d.policy.at("expires"))
		return d.policy.Expires
	}
	return DefaultExpires
}

func (d *decider) frozen() {
	for _, w := range d.policy.Freeze {
		if _, in := w.Covers(d.ask.Now); in && w.refuses() && w.holds(d.ask.Subject) {
			d.refuse("frozen: "+w.reason(), d.policy.thawed(d.ask.Subject, d.ask.Now), w.At)
		}
	}
}

func (w Window) reason() string {
	if w.Why != "" {
		return w.Why
	}
	return "no reason is given"
}

// rule finds the first rule that matches and says what is asked for.
func (d *decider) rule(says func(Rule) bool) (Rule, bool) {
	for _, r := range d.policy.Rules {
		if says(r) && r.Matches(d.ask.Subject) {
			return r, true
		}
	}
	return Rule{}, false
}

// label says which rule it was.
func (r Rule) label() string {
	text := r.At + " (" + r.Match.String()
	if r.Why != "" {
		text += "; " + r.Why
	}
	return text + ")"
}

package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/expr"
)

// Reason is why an approval does not count.
type Reason string

// The reasons. Policy and TooFew are said of all approvals together, with an
// empty envelope.
const (
	Altered     Reason = "altered"      // it is not what was signed, or not whole
	UnknownKey  Reason = "unknown key"  // nobody here knows a key of the approver
	WrongKey    Reason = "wrong key"    // it is signed with another key than the approver's
	Elsewhere   Reason = "elsewhere"    // it is for another step
	Replayed    Reason = "replayed"     // what it approved has been begun already
	Stale       Reason = "stale"        // step, target, evidence or policy have changed
	Future      Reason = "future"       // it was given later than now
	Expired     Reason = "expired"      //
	NotApprover Reason = "not approver" // somebody else has to approve this
	Self        Reason = "self"         // who made the plan may not approve it
	Twice       Reason = "twice"        // the same person counts already
	Policy      Reason = "policy"       // it is not done now, whoever approves
	TooFew      Reason = "too few"      // more people must approve
)

// Refusal is one approval that does not count.
type Refusal struct {
	Envelope Envelope `json:"envelope,omitzero"`
	Reason   Reason   `json:"reason"`
	Text     string   `json:"text"` // one line, with what to do where something can be done
}

// signed is whether e is what its approver signed.
func (w Want) signed(e Envelope) (Reason, string) {
	if err := e.Verify(); err != nil {
		return Altered, fmt.Sprintf("an approval in the name of %q is worth nothing: %s", e.Approver, err)
	}
	known, ok := w.Keys[e.Approver]
	switch {
	case !ok || len(known) == 0:
		return UnknownKey, fmt.Sprintf("no key of %s is known here: write %s into quell.yaml, policy, approvers, if it is theirs", e.Approver, e.PublicKey)
	case FormatKey(known) != e.PublicKey:
		return WrongKey, fmt.Sprintf("the approval of %s is signed with %s, and their key is %s", e.Approver, e.PublicKey, FormatKey(known))
	}
	return "", ""
}

// here is whether e is for this carrying-out of this step, and unused.
func (w Want) here(e Envelope) (Reason, string) {
	switch {
	case e.Step != w.Step || e.Plan != w.Plan:
		return Elsewhere, fmt.Sprintf("the approval of %s is for step %s of plan %s, not for step %s of plan %s", e.Approver, e.Step, e.Plan, w.Step, w.Plan)
	case w.Used[e.Key]:
		return Replayed, fmt.Sprintf("the approval of %s was for %s, which has been begun already: approve again", e.Approver, e.Key)
	case e.Key != w.Key:
		return Elsewhere, fmt.Sprintf("the approval of %s is for %s, not for %s: approve again", e.Approver, e.Key, w.Key)
	}
	return "", ""
}

// fresh is whether everything is as it was approved.
func (w Want) fresh(e Envelope) (Reason, string) {
	var changed []string
	for _, c := range []struct{ what, approved, now string }{
		{"the step", e.StepDigest, w.StepDigest}, {"the target", e.Target, w.Target}, {"the evidence", e.Evidence, w.Evidence},
		{"what policy asks for", e.Decision, w.Decision.Digest()}, {"who made the plan", e.Requester, w.Requester},
	} {
		if c.approved != c.now {
			changed = append(changed, fmt.Sprintf("%s (approved %s, now %s)", c.what, short(c.approved), short(c.now)))
		}
	}
	if len(changed) == 0 {
		return "", ""
	}
	return Stale, fmt.Sprintf("since %s approved, this has changed: %s: make a plan anew", e.Approver, strings.Join(changed, "; "))
}

// inTime is whether e holds now. However late it says that it expires, it does
// not hold longer than policy lets it.
func (w Want) inTime(e Envelope) (Reason, string) {
	end := e.Expires
	if allowed := e.At.Add(w.Decision.Expires); allowed.Before(end) {
		end = allowed
	}
	switch {
	case e.At.Sub(w.Now) > Skew:
		return Future, fmt.Sprintf("the approval of %s was given %s later than now, at %s: a clock is wrong", e.Approver, ago(e.At.Sub(w.Now)), instant(e.At))
	case !w.Now.Before(end):
		return Expired, fmt.Sprintf("the approval of %s expired %s ago, at %s: approve again", e.Approver, ago(w.Now.Sub(end)), instant(end))
	}
	return "", ""
}

// entitled is whether the approver is one whose word counts here.
func (w Want) entitled(e Envelope) (Reason, string) {
	d := w.Decision
	if len(d.Approvers) > 0 && !slices.Contains(d.Approvers, e.Approver) {
		return NotApprover, fmt.Sprintf("%s is not one of those who may approve this: %s", e.Approver, strings.Join(d.Approvers, ", "))
	}
	if d.SelfApproval {
		return "", ""
	}
	own := w.Keys[w.Requester]
	switch {
	case w.Requester == "":
		return Self, "nobody knows who made the plan, so nobody can approve it who must be somebody else"
	case e.Approver == w.Requester:
		return Self, e.Approver + " made the plan: somebody else has to approve it"
	case len(own) > 0 && FormatKey(own) == e.PublicKey:
		return Self, fmt.Sprintf("%s has signed with the key of %s, who made the plan: somebody else has to approve it", e.Approver, w.Requester)
	}
	return "", ""
}

func (w Want) tooFew(by []string) string {
	text := fmt.Sprintf("approved by %d of %d", len(by), w.Decision.Approvals)
	if len(by) == 0 {
		text = "nobody has approved it"
	} else {
		text += " (" + strings.Join(by, ", ") + ")"
	}
	if len(w.Decision.Approvers) > 0 {
		text += ": one of " + strings.Join(w.Decision.Approvers, ", ") + " has to approve"
	} else {
		text += ": one more person has to approve"
	}
	return text
}

// short keeps of a digest what a person compares.
func short(text string) string {
	const prefix, most = "sha256:", 12
	if text == "" {
		return "nothing"
	}
	if body, ok := strings.CutPrefix(text, prefix); ok && len(body) > most {
		return prefix + body[:most]
	}
	return text
}

// ago is a span in whole seconds.
func ago(d time.Duration) string { return expr.FormatDuration(d.Truncate(time.Second)) }

package approval

import (
	"cmp"
	"crypto/ed25519"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/policy"
)

// Want is what approvals have to fit at the moment of acting, all of it found
// anew: by what was seen when the plan was made, nothing is proved.
type Want struct {
	Plan, Step string
	StepDigest string
	Target     string // identity that the target has now
	Evidence   string // digest
	Decision   policy.Decision
	Key        string
	Requester  string // who made the plan
	Now        time.Time
	// Keys are the public keys of people. An approver without one cannot be
	// told from anybody else, and does not count.
	Keys map[string]ed25519.PublicKey
	// Used are the keys of carryings-out that have been begun.
	Used map[string]bool
}

// Verdict is what approvals come to.
type Verdict struct {
	// Enough says that the change may be made. Nothing else says so.
	Enough   bool
	By       []string  // whose approval counts, by name
	Refusals []Refusal // what does not count, and last of all why it is not enough
}

// Skew is how far a clock may be behind that of an approver.
const Skew = time.Minute

// Check says whose approvals of a change count, and whether they are enough.
// The order of the envelopes does not matter.
func Check(envelopes []Envelope, w Want) Verdict {
	w.Requester = strings.ToLower(w.Requester)
	var v Verdict
	var counted []Envelope
	for _, e := range inOrder(envelopes) {
		if r, ok := w.refuse(e, counted); ok {
			v.Refusals = append(v.Refusals, r)
			continue
		}
		counted = append(counted, e)
		v.By = append(v.By, e.Approver)
	}
	slices.Sort(v.By)
	switch {
	case w.Decision.Refused != "":
		v.Refusals = append(v.Refusals, Refusal{Reason: Policy, Text: "policy does not let it be done now: " + w.Decision.Refused})
	case len(v.By) < w.Decision.Approvals:
		v.Refusals = append(v.Refusals, Refusal{Reason: TooFew, Text: w.tooFew(v.By)})
	default:
		v.Enough = true
	}
	return v
}

// inOrder sorts by time, so that of two that are one the first counts.
func inOrder(envelopes []Envelope) []Envelope {
	return slices.SortedStableFunc(slices.Values(envelopes), func(a, b Envelope) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Approver, b.Approver), cmp.Compare(a.PublicKey, b.PublicKey), cmp.Compare(a.Signature, b.Signature))
	})
}

// refuse finds the first reason for which e does not count: first what makes
// the rest of it worth nothing.
func (w Want) refuse(e Envelope, counted []Envelope) (Refusal, bool) {
	for _, check := range []func(Envelope) (Reason, string){w.signed, w.here, w.fresh, w.inTime, w.entitled} {
		if reason, text := check(e); reason != "" {
			return Refusal{e, reason, text}, true
		}
	}
	for _, c := range counted {
		if c.Approver == e.Approver {
			return Refusal{e, Twice, e.Approver + " has approved this twice: it counts once"}, true
		}
		if c.PublicKey == e.PublicKey {
			return Refusal{e, Twice, e.Approver + " and " + c.Approver + " have signed with the same key: that is one person"}, true
		}
	}
	return Refusal{}, false
}

package approval_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/policy"
)

var now = time.Date(2026, 11, 25, 3, 12, 0, 0, time.UTC)

// key is a person's key pair; the same name has the same one.
func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(name string) ed25519.PublicKey { return key(name).Public().(ed25519.PublicKey) }

// world is what is wanted at the moment of acting: two approvers are listed
// and one must approve, and Carol made the plan.
func world() approval.Want {
	return approval.Want{
		Plan: "INC-7.1", Step: "INC-7.1.2", StepDigest: "sha256:5e9d0123456789", Target: "postgres 7312 on db-1", Evidence: "sha256:e71d0123456789",
		Decision:  policy.Decision{Autonomy: policy.Approve, Need: policy.One, Approvals: 1, Approvers: []string{"alice", "bob", "carol"}, Expires: 15 * time.Minute},
		Key:       "INC-7.1.2-1",
		Requester: "carol",
		Now:       now,
		Keys:      map[string]ed25519.PublicKey{"alice": public("alice"), "bob": public("bob"), "carol": public("carol")},
		Used:      map[string]bool{"INC-7.1.1-1": true},
	}
}

// twoPeople is a world in which two must approve.
func twoPeople() approval.Want {
	w := world()
	w.Decision.Need, w.Decision.Approvals, w.Decision.Distinct, w.Decision.SelfApproval = policy.Two, 2, true, true
	return w
}

// unsigned is an approval of what w wants, five minutes old.
func unsigned(w approval.Want, name string) approval.Envelope {
	at := now.Add(-5 * time.Minute)
	return approval.Envelope{
		Plan: w.Plan, Step: w.Step, StepDigest: w.StepDigest, Target: w.Target, Evidence: w.Evidence, Decision: w.Decision.Digest(),
		Approver: name, Requester: w.Requester, At: at, Expires: at.Add(w.Decision.Expires), Key: w.Key,
	}
}

func signed(t require.TestingT, e approval.Envelope, by string) approval.Envelope {
	out, err := approval.Sign(e, key(by))
	require.NoError(t, err)
	return out
}

func approved(t require.TestingT, w approval.Want, name string) approval.Envelope {
	return signed(t, unsigned(w, name), name)
}

func TestApprovalsThatCount(t *testing.T) {
	t.Parallel()
	w := world()
	v := approval.Check([]approval.Envelope{approved(t, w, "alice")}, w)
	require.Equal(t, approval.Verdict{Enough: true, By: []string{"alice"}}, v)

	w = twoPeople()
	alice, carol := approved(t, w, "alice"), approved(t, w, "carol")
	v = approval.Check([]approval.Envelope{carol, alice}, w)
	require.Equal(t, approval.Verdict{Enough: true, By: []string{"alice", "carol"}}, v, "of two people one may have made the plan")

	w = world()
	w.Decision = policy.Decision{Need: policy.Nobody}
	require.Equal(t, approval.Verdict{Enough: true}, approval.Check(nil, w), "nobody is needed")

	w = world()
	w.Decision.Approvers, w.Decision.SelfApproval = nil, true
	require.True(t, approval.Check([]approval.Envelope{approved(t, w, "carol")}, w).Enough, "one's own, where that is allowed")
}

func TestApprovalsThatDoNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		envelope func(*approval.Envelope) // before it is signed
		altered  func(*approval.Envelope) // after
		world    func(*approval.Want)     // after it was signed
		by, with string                   // approver, and whose key
		reason   approval.Reason
		text     string
	}{
		"the step has changed": {
			world: func(w *approval.Want) { w.StepDigest = "sha256:0ther123456789" }, reason: approval.Stale,
			text: "since alice approved, this has changed: the step (approved sha256:5e9d01234567, now sha256:0ther1234567): make a plan anew",
		},
		"another server answers": {
			world: func(w *approval.Want) { w.Target = "postgres 9999 on db-2" }, reason: approval.Stale,
			text: "since alice approved, this has changed: the target (approved postgres 7312 on db-1, now postgres 9999 on db-2): make a plan anew",
		},
		"the evidence and the policy have changed": {
			world: func(w *approval.Want) { w.Evidence = ""; w.Decision.Approvals = 2 }, reason: approval.Stale,
			text: "the evidence (approved sha256:e71d01234567, now nothing); what policy asks for (approved sha256:",
		},
		"somebody else made the plan": {
			envelope: func(e *approval.Envelope) { e.Requester = "bob" }, reason: approval.Stale, text: "who made the plan (approved bob, now carol)",
		},
		"it has expired": {
			world: func(w *approval.Want) { w.Now = now.Add(22 * time.Minute) }, reason: approval.Expired,
			text: "the approval of alice expired 12m ago, at 2026-11-25T03:22:00Z: approve again",
		},
		"it expires at this instant": {
			world: func(w *approval.Want) { w.Now = now.Add(10 * time.Minute) }, reason: approval.Expired, text: "expired 0s ago",
		},
		"it would hold longer than policy lets it": {
			envelope: func(e *approval.Envelope) { e.Expires = e.At.Add(24 * time.Hour) },
			world:    func(w *approval.Want) { w.Now = now.Add(10 * time.Minute) }, reason: approval.Expired, text: "at 2026-11-25T03:22:00Z",
		},
		"the clock was put back": {
			world: func(w *approval.Want) { w.Now = now.Add(-5*time.Minute - time.Minute - time.Second) }, reason: approval.Future,
			text: "the approval of alice was given 1m1s later than now, at 2026-11-25T03:07:00Z: a clock is wrong",
		},
		"it was used": {
			world: func(w *approval.Want) { w.Used[w.Key] = true }, reason: approval.Replayed,
			text: "the approval of alice was for INC-7.1.2-1, which has been begun already: approve again",
		},
		"it was used for an earlier attempt": {
			envelope: func(e *approval.Envelope) { e.Key = "INC-7.1.1-1" }, reason: approval.Replayed, text: "for INC-7.1.1-1, which has been begun",
		},
		"it is for another attempt": {
			envelope: func(e *approval.Envelope) { e.Key = "INC-7.1.2-9" }, reason: approval.Elsewhere, text: "is for INC-7.1.2-9, not for INC-7.1.2-1",
		},
		"it is for another step": {
			envelope: func(e *approval.Envelope) { e.Step = "INC-7.1.3" }, reason: approval.Elsewhere,
			text: "the approval of alice is for step INC-7.1.3 of plan INC-7.1, not for step INC-7.1.2 of plan INC-7.1",
		},
		"it is for another plan": {
			envelope: func(e *approval.Envelope) { e.Plan = "INC-8.1" }, reason: approval.Elsewhere, text: "plan INC-8.1",
		},
		"somebody has written another name": {
			altered: func(e *approval.Envelope) { e.Approver = "bob" }, reason: approval.Altered,
			text: `an approval in the name of "bob" is worth nothing: the signature does not fit: it was altered after it was signed`,
		},
		"somebody has prolonged it": {
			altered: func(e *approval.Envelope) { e.Expires = e.Expires.Add(time.Second) }, reason: approval.Altered, text: "it was altered",
		},
		"it is not signed": {
			altered: func(e *approval.Envelope) { e.Signature = "" }, reason: approval.Altered, text: "it was altered",
		},
		"it carries no key": {
			altered: func(e *approval.Envelope) { e.PublicKey = "" }, reason: approval.Altered, text: "is no public key",
		},
		"somebody of whom no key is known": {
			by: "dora", with: "dora", reason: approval.UnknownKey, text: "no key of dora is known here: write ed25519:",
		},
		"signed with a key of one's own": {
			by: "alice", with: "mallory", reason: approval.WrongKey, text: "the approval of alice is signed with ed25519:",
		},
		"who made the plan": {by: "carol", with: "carol", reason: approval.Self, text: "carol made the plan: somebody else has to approve it"},
		"who made the plan, in capitals": {
			by: "carol", with: "carol", world: func(w *approval.Want) { w.Requester = "Carol" }, reason: approval.Self, text: "carol made the plan",
		},
		"who made the plan, under another name": {
			by: "alice", with: "carol", world: func(w *approval.Want) { w.Keys["alice"] = public("carol") }, reason: approval.Self,
			text: "alice has signed with the key of carol, who made the plan",
		},
		"no approver": {
			by: "dora", with: "dora", world: func(w *approval.Want) { w.Keys["dora"] = public("dora") }, reason: approval.NotApprover,
			text: "dora is not one of those who may approve this: alice, bob, carol",
		},
		"another name on the same line of the list": {
			world: func(w *approval.Want) { w.Decision.Approvers = []string{"bob"} }, reason: approval.Stale, text: "what policy asks for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world()
			if c.by == "" {
				c.by, c.with = "alice", "alice"
			}
			e := unsigned(w, c.by)
			if c.envelope != nil {
				c.envelope(&e)
			}
			e = signed(t, e, c.with)
			if c.altered != nil {
				c.altered(&e)
			}
			if c.world != nil {
				c.world(&w)
			}
			v := approval.Check([]approval.Envelope{e}, w)
			require.False(t, v.Enough)
			require.Empty(t, v.By)
			require.Len(t, v.Refusals, 2, "%v", v.Refusals)
			require.Equal(t, c.reason, v.Refusals[0].Reason, v.Refusals[0].Text)
			require.Equal(t, e, v.Refusals[0].Envelope)
			require.Contains(t, v.Refusals[0].Text, c.text)
			require.NotContains(t, v.Refusals[0].Text, "\n")
			require.Equal(t, approval.TooFew, v.Refusals[1].Reason)
			require.True(t, strings.HasPrefix(v.Refusals[1].Text, "nobody has approved it"), v.Refusals[1].Text)
		})
	}
}

func TestOnePersonCountsOnce(t *testing.T) {
	t.Parallel()
	w := twoPeople()
	first := unsigned(w, "alice")
	again := first
	again.At = again.At.Add(time.Minute)
	v := approval.Check([]approval.Envelope{signed(t, again, "alice"), signed(t, first, "alice"), signed(t, first, "alice")}, w)
	require.False(t, v.Enough)
	require.Equal(t, []string{"alice"}, v.By)
	require.Equal(t, []string{
		"alice has approved this twice: it counts once", "alice has approved this twice: it counts once",
		"approved by 1 of 2 (alice): one of alice, bob, carol has to approve",
	}, texts(v))

	w.Keys["bob"] = public("alice")
	v = approval.Check([]approval.Envelope{approved(t, w, "alice"), signed(t, unsigned(w, "bob"), "alice")}, w)
	require.False(t, v.Enough)
	require.Equal(t, "bob and alice have signed with the same key: that is one person", texts(v)[0])
}

func TestPolicyRefusesWhoeverApproves(t *testing.T) {
	t.Parallel()
	w := world()
	e := approved(t, w, "alice")
	w.Decision.Refused = "frozen: holidays"
	v := approval.Check([]approval.Envelope{e}, w)
	require.False(t, v.Enough)
	require.Equal(t, []string{"alice"}, v.By, "the approval is still good when the freeze is over")
	require.Equal(t, []string{"policy does not let it be done now: frozen: holidays"}, texts(v))
}

// Two approve at once, and one of them twice: whatever order they arrive in.
func TestTheOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	w := twoPeople()
	late := unsigned(w, "bob")
	late.At = late.At.Add(time.Minute)
	list := []approval.Envelope{approved(t, w, "alice"), approved(t, w, "bob"), signed(t, late, "bob"), approved(t, w, "mallory")}
	want := approval.Check(list, w)
	require.Equal(t, []string{"alice", "bob"}, want.By)
	for i := range list {
		turned := append(append([]approval.Envelope{}, list[i:]...), list[:i]...)
		require.Equal(t, want, approval.Check(turned, w))
	}
}

func texts(v approval.Verdict) []string {
	var out []string
	for _, r := range v.Refusals {
		out = append(out, r.Text)
	}
	return out
}

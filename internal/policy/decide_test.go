package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/policy"
)

// now is a Wednesday.
var now = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

func ask(risk action.Risk) policy.Ask {
	return policy.Ask{
		Subject:   policy.Subject{Action: "postgres.terminate", Risk: risk, Service: "orders-api", Environment: "production", Target: "orders-db"},
		Now:       now,
		Blast:     3,
		Requester: "carol",
	}
}

func people(names ...string) []policy.Approver {
	var out []policy.Approver
	for _, n := range names {
		out = append(out, policy.Approver{Name: n})
	}
	return out
}

func TestWithoutAPolicy(t *testing.T) {
	t.Parallel()
	for risk, want := range map[action.Risk]policy.Decision{
		action.R1: {Need: policy.Anyone, Approvals: 1},
		action.R2: {Need: policy.Anyone, Approvals: 1},
		action.R3: {Need: policy.One, Approvals: 1},
		action.R4: {Need: policy.Two, Approvals: 2, Distinct: true},
		"":        {Need: policy.Two, Approvals: 2, Distinct: true}, // a class that is not known is the worst
		"R9":      {Need: policy.Two, Approvals: 2, Distinct: true},
	} {
		got := policy.Decide(policy.Policy{}, ask(risk))
		require.NotEmpty(t, got.Why)
		got.Why = nil
		want.Autonomy, want.SelfApproval, want.Expires = policy.Approve, true, 15*time.Minute
		require.Equal(t, want, got, "risk %q", risk)
	}
}

func TestWhoMustApprove(t *testing.T) {
	t.Parallel()
	production := policy.Match{Environment: []string{"prod*"}}
	for name, c := range map[string]struct {
		policy policy.Policy
		change func(*policy.Ask)
		risk   action.Risk
		want   policy.Decision
		why    string
	}{
		"an approver is not who made the plan": {
			policy: policy.Policy{Approvers: people("carol", "alice")}, risk: action.R3,
			want: policy.Decision{Need: policy.One, Approvals: 1, Approvers: []string{"alice", "carol"}},
		},
		"anyone may be somebody who is no approver": {
			policy: policy.Policy{Approvers: people("alice", "bob")}, risk: action.R2,
			want: policy.Decision{Need: policy.Anyone, Approvals: 1, SelfApproval: true},
		},
		"one of two may have made the plan": {
			policy: policy.Policy{Approvers: people("carol", "alice")}, risk: action.R4,
			want: policy.Decision{Need: policy.Two, Approvals: 2, Distinct: true, SelfApproval: true, Approvers: []string{"alice", "carol"}},
		},
		"the map of risks": {
			policy: policy.Policy{Risk: map[action.Risk]policy.Need{action.R1: policy.Nobody}}, risk: action.R1,
			want: policy.Decision{Need: policy.Nobody, SelfApproval: true},
		},
		"a graver class needs what a lesser one does": {
			policy: policy.Policy{Risk: map[action.Risk]policy.Need{action.R1: policy.Two}, At: map[string]string{"risk.R1": "quell.yaml:7:9"}}, risk: action.R2,
			want: policy.Decision{Need: policy.Two, Approvals: 2, Distinct: true, SelfApproval: true}, why: "postgres.terminate of risk R2 needs two people: quell.yaml:7:9",
		},
		"the first rule that says it wins": {
			policy: policy.Policy{Rules: []policy.Rule{
				{Match: policy.Match{Service: []string{"billing"}}, Need: policy.Never},
				{Match: production, Expires: time.Minute, At: "quell.yaml:9:5"},
				{Match: production, Need: policy.Two, Expires: time.Hour, At: "quell.yaml:10:5", Why: "audited"},
				{Need: policy.Nobody},
			}},
			risk: action.R2,
			want: policy.Decision{Need: policy.Two, Approvals: 2, Distinct: true, SelfApproval: true, Expires: time.Minute},
			why:  "postgres.terminate of risk R2 needs two people: quell.yaml:10:5 (environment prod*; audited)",
		},
		"a rule may ask for less": {
			policy: policy.Policy{Rules: []policy.Rule{{Match: production, Need: policy.Nobody}}}, risk: action.R2,
			want: policy.Decision{Need: policy.Nobody, SelfApproval: true},
		},
		"no rule leaves what is destructive to nobody": {
			policy: policy.Policy{Rules: []policy.Rule{{Match: production, Need: policy.Nobody}}}, risk: action.R4,
			want: policy.Decision{Need: policy.Anyone, Approvals: 1, SelfApproval: true}, why: "it needs one person, as everything of risk R4 does: default",
		},
		"a preview that wants two people gets them": {
			policy: policy.Policy{Rules: []policy.Rule{{Need: policy.Nobody}}}, risk: action.R1,
			change: func(a *policy.Ask) { a.TwoPeople = "these keys are not only cache" },
			want:   policy.Decision{Need: policy.Two, Approvals: 2, Distinct: true, SelfApproval: true},
			why:    "it needs two people, these keys are not only cache: what the preview found",
		},
		"a rule's approvers": {
			policy: policy.Policy{Approvers: people("alice", "bob", "dora"), Rules: []policy.Rule{{Match: policy.Match{Target: []string{"orders-db"}}, Approvers: []string{"dora", "bob"}}}},
			risk:   action.R3,
			want:   policy.Decision{Need: policy.One, Approvals: 1, Approvers: []string{"bob", "dora"}},
		},
		"the policy's expiry": {
			policy: policy.Policy{Expires: time.Hour}, risk: action.R1,
			want: policy.Decision{Need: policy.Anyone, Approvals: 1, SelfApproval: true, Expires: time.Hour},
		},
		"a need that is not known is never": {
			policy: policy.Policy{Rules: []policy.Rule{{Need: "everybody", At: "x"}}}, risk: action.R1,
			want: policy.Decision{Need: policy.Never, Approvals: 2, Distinct: true, SelfApproval: true, Refused: "policy never lets it be done"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(c.risk)
			if c.change != nil {
				c.change(&a)
			}
			got := policy.Decide(c.policy, a)
			if c.why != "" {
				require.Contains(t, got.Why, c.why)
			}
			got.Why = nil
			c.want.Autonomy = policy.Approve
			if c.want.Expires == 0 {
				c.want.Expires = 15 * time.Minute
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy  policy.Policy
		change  func(*policy.Ask)
		refused string
	}{
		"the kill switch":         {policy.Policy{}, func(a *policy.Ask) { a.KillSwitch = "alice: we move house" }, "the kill switch is on (alice: we move house)"},
		"the switch in the file":  {policy.Policy{Stop: "true"}, nil, "the policy stops every change (true)"},
		"never":                   {policy.Policy{Risk: map[action.Risk]policy.Need{action.R2: policy.Never}}, nil, "policy never lets it be done"},
		"never of a lesser class": {policy.Policy{Risk: map[action.Risk]policy.Need{action.R1: policy.Never}}, nil, "policy never lets it be done"},
		"observed":                {policy.Policy{Autonomy: []policy.Grade{{Action: "*", Autonomy: policy.Observe}}}, nil, "it is only observed"},
		"suggested":               {policy.Policy{Rules: []policy.Rule{{Autonomy: policy.Suggest}}}, nil, "it is only suggested: do it by hand"},
		"a grade that is not known is the least": {
			policy.Policy{Autonomy: []policy.Grade{{Action: "*", Autonomy: "always"}}}, nil, "it is only observed",
		},
		"nobody is left to approve": {
			policy.Policy{Approvers: people("carol")}, func(a *policy.Ask) { a.Risk = action.R3 }, "it needs an approver, and there is only carol, who made the plan",
		},
		"one approver where two are needed": {
			policy.Policy{Approvers: people("alice")}, func(a *policy.Ask) { a.Risk = action.R4 }, "it needs two people, and there is only alice",
		},
		"the same name twice is one person": {
			policy.Policy{Approvers: people("alice", "alice")}, func(a *policy.Ask) { a.Risk = action.R4 }, "it needs two people, and there is only alice",
		},
		"too much at once": {
			policy.Policy{Limits: policy.Limits{Blast: 2}}, nil, "things touched by one change: 3, at most 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(action.R2)
			if c.change != nil {
				c.change(&a)
			}
			got := policy.Decide(c.policy, a)
			require.Equal(t, c.refused, got.Refused)
			require.Zero(t, got.Until, "none of these ends by itself")
			require.Contains(t, strings.Join(got.Why, "\n"), "refused, "+c.refused)
		})
	}
}

// An undo may pass a freeze and a limit, and nothing else.
func TestUndoPassesFreezesAndLimitsOnly(t *testing.T) {
	t.Parallel()
	always := policy.Window{From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	p := policy.Policy{Freeze: []policy.Window{always}, Limits: policy.Limits{Blast: 1}}
	a := ask(action.R2)
	require.NotEmpty(t, policy.Decide(p, a).Refused)
	a.Undo = true
	require.Empty(t, policy.Decide(p, a).Refused)
	a.KillSwitch = "pulled"
	require.NotEmpty(t, policy.Decide(p, a).Refused)
}

func TestDigestHoldsWhatApprovalsMustSatisfyAndNothingElse(t *testing.T) {
	t.Parallel()
	d := policy.Decide(policy.Policy{}, ask(action.R3))
	same := d
	same.Why, same.Refused, same.Until = []string{"elsewhere"}, "frozen", now
	require.Equal(t, d.Digest(), same.Digest())
	for name, change := range map[string]func(*policy.Decision){
		"two people instead of one": func(d *policy.Decision) { d.Approvals = 2 },
		"another approver":          func(d *policy.Decision) { d.Approvers = []string{"mallory"} },
		"one's own approval":        func(d *policy.Decision) { d.SelfApproval = !d.SelfApproval },
		"a longer expiry":           func(d *policy.Decision) { d.Expires++ },
		"another need":              func(d *policy.Decision) { d.Need = policy.Anyone },
		"another autonomy":          func(d *policy.Decision) { d.Autonomy = policy.Auto },
	} {
		other := d
		change(&other)
		require.NotEqual(t, d.Digest(), other.Digest(), name)
	}
	data, err := json.Marshal(d)
	require.NoError(t, err)
	var back policy.Decision
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, d, back)
	require.Equal(t, d.Digest(), back.Digest(), "a decision out of the record is the same")
}

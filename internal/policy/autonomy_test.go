package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/policy"
)

func graded(grades ...policy.Grade) policy.Policy { return policy.Policy{Autonomy: grades} }

func TestAutoIsEarned(t *testing.T) {
	t.Parallel()
	auto := graded(policy.Grade{Action: "*", Autonomy: policy.Auto, At: "quell.yaml:4:3"})
	for name, c := range map[string]struct {
		record policy.TrackRecord
		risk   action.Risk
		earn   policy.Earning
		rules  []policy.Rule
		two    string
		why    string // empty: it is automatic
	}{
		"five that were verified":           {record: policy.TrackRecord{Verified: 5}, risk: action.R2},
		"no record":                         {risk: action.R1, why: "auto counts as approve, not earned yet: 0 of 5 verified applications within 90d: default"},
		"four":                              {record: policy.TrackRecord{Verified: 4}, risk: action.R1, why: "auto counts as approve, not earned yet: 4 of 5 verified applications within 90d: default"},
		"what a negative count means":       {record: policy.TrackRecord{Verified: -1}, risk: action.R1, earn: policy.Earning{After: -3}, why: "auto counts as approve, not earned yet: 0 of 5 verified applications within 90d: default"},
		"as many as the policy asks":        {record: policy.TrackRecord{Verified: 2}, risk: action.R1, earn: policy.Earning{After: 2, Within: time.Hour}},
		"enough since one went wrong":       {record: policy.TrackRecord{Verified: 5, Undone: 1, LastFailure: now.Add(-time.Hour)}, risk: action.R1},
		"not enough since":                  {record: policy.TrackRecord{Verified: 1, Failed: 1, LastFailure: now.Add(-time.Hour)}, risk: action.R1, why: "auto counts as approve, not earned yet: 1 of 5 verified applications within 90d since the last that went wrong (2026-11-25 09:00 UTC): default"},
		"one went wrong, nobody knows when": {record: policy.TrackRecord{Verified: 9, Unknown: 1}, risk: action.R1, why: "auto counts as approve, not earned yet: its record has 0 undone, 0 failed and 1 unknown and does not say when: default"},
		"R3 is never automatic":             {record: policy.TrackRecord{Verified: 99}, risk: action.R3, why: "auto counts as approve, R3 is never automatic: default"},
		"R4 is never automatic":             {record: policy.TrackRecord{Verified: 99}, risk: action.R4, why: "auto counts as approve, R4 is never automatic: default"},
		"nor by a rule of its own":          {record: policy.TrackRecord{Verified: 99}, risk: action.R3, rules: []policy.Rule{{Need: policy.Nobody, Autonomy: policy.Auto}}, why: "auto counts as approve, R3 is never automatic: default"},
		"nothing stands for an approver":    {record: policy.TrackRecord{Verified: 99}, risk: action.R1, rules: []policy.Rule{{Need: policy.One}}, why: "auto counts as approve, it needs an approver: quell.yaml:4:3"},
		"nor for two people":                {record: policy.TrackRecord{Verified: 99}, risk: action.R1, two: "mixed use", why: "auto counts as approve, it needs two people: quell.yaml:4:3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, a := auto, ask(c.risk)
			p.Auto, p.Rules, a.Record, a.TwoPeople = c.earn, c.rules, c.record, c.two
			got := policy.Decide(p, a)
			require.Empty(t, got.Refused)
			if c.why == "" {
				require.Equal(t, policy.Auto, got.Autonomy)
				require.Zero(t, got.Approvals)
				return
			}
			require.Equal(t, policy.Approve, got.Autonomy)
			require.NotZero(t, got.Approvals)
			require.Contains(t, got.Why, c.why)
		})
	}
}

func TestTheMostExactGradeWins(t *testing.T) {
	t.Parallel()
	exact := policy.Grade{Action: "postgres.terminate", Autonomy: policy.Approve}
	longer := policy.Grade{Action: "postgres.*", Autonomy: policy.Suggest}
	all := policy.Grade{Action: "*", Autonomy: policy.Observe}
	for _, order := range [][]policy.Grade{{exact, longer, all}, {all, longer, exact}, {longer, exact, all}} {
		require.Equal(t, policy.Approve, policy.Decide(graded(order...), ask(action.R2)).Autonomy)
	}
	require.Equal(t, policy.Suggest, policy.Decide(graded(all, longer), ask(action.R2)).Autonomy)
	careful := policy.Grade{Action: "*.terminate", Autonomy: policy.Observe}
	asLong := policy.Grade{Action: "postgres.t*", Autonomy: policy.Approve}
	for _, order := range [][]policy.Grade{{careful, asLong}, {asLong, careful}} {
		require.Equal(t, policy.Observe, policy.Decide(graded(order...), ask(action.R2)).Autonomy, "of equals the more careful")
	}
	p := graded(exact)
	p.Rules = []policy.Rule{{Match: policy.Match{Environment: []string{"production"}}, Autonomy: policy.Suggest}}
	require.Equal(t, policy.Suggest, policy.Decide(p, ask(action.R2)).Autonomy, "a rule knows more than an action's name")
}

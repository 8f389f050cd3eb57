package policy_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/policy"
)

// draw makes any policy and any ask. What would be an explicit word about a
// class of risk is left out where plain.
type draw struct {
	*rapid.T
	plain bool
}

func one[T any](d draw, label string, list ...T) T { return rapid.SampledFrom(list).Draw(d.T, label) }

func some[T any](d draw, label string, most int, of func() T) []T {
	var out []T
	for range rapid.IntRange(0, most).Draw(d.T, label) {
		out = append(out, of())
	}
	return out
}

func (d draw) need() policy.Need {
	return one(d, "need", append(policy.Needs(), "", "nonsense")...)
}

func (d draw) match() policy.Match {
	m := policy.Match{
		Action:      one(d, "action", nil, []string{"postgres.*"}, []string{"redis.del", "postgres.cancel"}),
		Service:     one(d, "service", nil, []string{"orders-*"}, []string{"billing"}),
		Environment: one(d, "environment", nil, []string{"production"}),
	}
	if !d.plain {
		m.Risk = one(d, "risk", nil, []action.Risk{action.R1}, []action.Risk{action.R3, action.R4})
	}
	return m
}

func (d draw) limits() policy.Limits {
	return policy.Limits{PerHour: one(d, "per hour", 0, 1, 3), Blast: one[int64](d, "blast", 0, 2, 5), BlastPerHour: one[int64](d, "blast per hour", 0, 9), AllPerHour: one(d, "all per hour", 0, 4)}
}

func (d draw) rule() policy.Rule {
	return policy.Rule{
		Match: d.match(), Need: d.need(), Limits: d.limits(), Expires: one(d, "expires", 0, time.Minute),
		Autonomy:  one[policy.Autonomy](d, "autonomy", "", policy.Observe, policy.Suggest, policy.Approve, policy.Auto),
		Approvers: one(d, "approvers", nil, []string{"alice"}, []string{"bob"}, []string{"bob", "alice"}),
	}
}

func (d draw) window() policy.Window {
	from := now.Add(time.Duration(rapid.IntRange(-90, 60).Draw(d.T, "from")) * time.Minute)
	w := policy.Window{Match: d.match(), From: from, To: from.Add(time.Hour), Need: d.need()}
	if !d.plain {
		w.AllowRisk = one(d, "let through", nil, []action.Risk{action.R1})
	}
	return w
}

func (d draw) policy() policy.Policy {
	p := policy.Policy{
		Approvers: people(one(d, "people", nil, []string{"alice"}, []string{"alice", "bob", "carol"})...),
		Risk:      map[action.Risk]policy.Need{}, Limits: d.limits(),
		Rules: some(d, "rules", 4, d.rule), Freeze: some(d, "freezes", 3, d.window),
		Auto: policy.Earning{After: one(d, "after", 0, 1, 7)},
		Stop: one(d, "stop", "", "", "", "true"),
	}
	for _, r := range action.Risks() {
		p.Risk[r] = d.need()
	}
	p.Autonomy = some(d, "grades", 3, func() policy.Grade {
		return policy.Grade{Action: one(d, "graded", "*", "postgres.*", "redis.del"), Autonomy: one(d, "grade", policy.Autonomies()...)}
	})
	return p
}

func (d draw) subject() policy.Subject {
	return policy.Subject{
		Action: one(d, "type", "postgres.cancel", "redis.del"), Risk: one(d, "class", action.Risks()...),
		Service: one(d, "of", "orders-api", "billing"), Environment: one(d, "in", "production", ""), Target: "db",
	}
}

func (d draw) ask() policy.Ask {
	return policy.Ask{
		Subject: d.subject(), Now: now, Blast: rapid.Int64Range(0, 6).Draw(d.T, "touches"), Requester: one(d, "requester", "alice", "dora", ""),
		TwoPeople: one(d, "two people", "", "", "mixed use"), KillSwitch: one(d, "kill switch", "", "", "", "pulled"), Undo: one(d, "undo", false, false, true),
		Record: policy.TrackRecord{Verified: one(d, "verified", 0, 4, 5, 9), Failed: one(d, "failed", 0, 1)},
		RecentChanges: some(d, "recent", 6, func() policy.Change {
			return policy.Change{Subject: d.subject(), At: now.Add(-time.Duration(rapid.IntRange(-5, 70).Draw(d.T, "ago")) * time.Minute), Blast: rapid.Int64Range(0, 5).Draw(d.T, "touched")}
		}),
	}
}

func TestAGraverRiskNeedsNoFewerPeople(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t, true}
		p, a := d.policy(), d.ask()
		before := -1
		for _, r := range action.Risks() {
			a.Risk = r
			got := policy.Decide(p, a)
			require.GreaterOrEqual(t, got.Approvals, before, "%s", r)
			before = got.Approvals
		}
		a.Risk = action.R4
		require.NotZero(t, policy.Decide(p, a).Approvals)
	})
}

func TestWhatAlwaysHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t, false}
		p, a := d.policy(), d.ask()
		got := policy.Decide(p, a)

		shuffled := a
		shuffled.RecentChanges = rapid.Permutation(a.RecentChanges).Draw(t, "order")
		require.Equal(t, asJSON(t, got), asJSON(t, policy.Decide(p, shuffled)), "the order of what happened does not matter")

		if got.Autonomy == policy.Auto {
			require.GreaterOrEqual(t, a.Record.Verified, p.Auto.Filled().After, "auto without a record")
			require.Zero(t, a.Record.Failed, "auto after a failure of unknown time")
			require.Contains(t, []action.Risk{action.R1, action.R2}, a.Risk)
			require.Empty(t, a.TwoPeople)
		}
		if a.TwoPeople != "" {
			require.Equal(t, 2, got.Approvals)
		}
		if got.Need == policy.Never || p.Stop != "" || a.KillSwitch != "" || got.Autonomy == policy.Observe || got.Autonomy == policy.Suggest {
			require.NotEmpty(t, got.Refused)
			require.Zero(t, got.Until)
		}
		require.Equal(t, got.Approvals > 1, got.Distinct)
		if !got.Until.IsZero() {
			require.NotEmpty(t, got.Refused)
			require.True(t, got.Until.After(a.Now))
		}
		stopped := a
		stopped.KillSwitch = "pulled"
		require.NotEmpty(t, policy.Decide(p, stopped).Refused, "nothing passes the kill switch")
		if more := a; got.Refused == "" {
			more.RecentChanges = nil
			require.Empty(t, policy.Decide(p, more).Refused, "having changed less never refuses")
		}
	})
}

func TestTheStrictestOfSeveral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t, false}
		p := d.policy()
		all := []policy.Decision{policy.Decide(p, d.ask()), policy.Decide(p, d.ask()), policy.Decide(p, d.ask())}
		got := policy.Strictest(all[0], all[1:]...)
		for _, part := range all {
			require.GreaterOrEqual(t, got.Approvals, part.Approvals)
			require.Equal(t, got.Need, got.Need.More(part.Need))
			require.LessOrEqual(t, got.Expires, part.Expires)
			require.LessOrEqual(t, slices.Index(policy.Autonomies(), got.Autonomy), slices.Index(policy.Autonomies(), part.Autonomy))
			if part.Refused != "" {
				require.NotEmpty(t, got.Refused)
				require.True(t, got.Until.IsZero() || !part.Until.IsZero() && !got.Until.Before(part.Until))
			}
			for _, name := range got.Approvers {
				require.True(t, len(part.Approvers) == 0 || slices.Contains(part.Approvers, name), "%s may approve for all, and not for one", name)
			}
			if len(part.Approvers) > 0 && len(got.Approvers) == 0 {
				require.NotEmpty(t, got.Refused, "a list that has become everybody")
			}
			if !part.SelfApproval {
				require.True(t, !got.SelfApproval || got.Distinct)
			}
		}
		require.Equal(t, all[0], policy.Strictest(all[0]))
	})
}

// Alice may approve for one service and Bob for the other: nobody may for both,
// and nobody is not everybody.
func TestApproversOfSeveralServicesWithoutOneInCommon(t *testing.T) {
	t.Parallel()
	of := func(name string, until time.Time) policy.Decision {
		d := policy.Decide(policy.Policy{Approvers: people(name)}, ask(action.R3))
		require.Empty(t, d.Refused)
		if !until.IsZero() {
			d.Refused, d.Until = "frozen", until
		}
		return d
	}
	for _, until := range []time.Time{{}, now.Add(time.Hour)} {
		got := policy.Strictest(of("alice", until), of("bob", time.Time{}))
		require.Equal(t, "it concerns services whose approvers have too few people in common", got.Refused)
		require.Zero(t, got.Until)
		require.NotEmpty(t, policy.Strictest(got, of("dora", time.Time{})).Refused)
	}
	require.Empty(t, policy.Strictest(of("alice", time.Time{}), of("alice", time.Time{})).Refused)
}

func asJSON(t *rapid.T, v any) string {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

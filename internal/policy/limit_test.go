package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/policy"
)

// made is a change like that of ask, some minutes ago.
func made(minutes int, blast int64, change ...func(*policy.Change)) policy.Change {
	c := policy.Change{Subject: ask(action.R2).Subject, At: now.Add(-time.Duration(minutes) * time.Minute), Blast: blast}
	for _, f := range change {
		f(&c)
	}
	return c
}

func of(service string) func(*policy.Change) {
	return func(c *policy.Change) { c.Service = service }
}

func by(action string) func(*policy.Change) {
	return func(c *policy.Change) { c.Action = action }
}

func TestLimits(t *testing.T) {
	t.Parallel()
	terminates := policy.Match{Action: []string{"postgres.terminate"}}
	for name, c := range map[string]struct {
		limits  policy.Limits
		rules   []policy.Rule
		recent  []policy.Change
		refused string
		until   time.Duration // after now
	}{
		"as many as are allowed": {limits: policy.Limits{PerHour: 3}, recent: []policy.Change{made(10, 1), made(20, 1)}},
		"one too many": {
			limits: policy.Limits{PerHour: 2}, recent: []policy.Change{made(10, 1), made(40, 1)},
			refused: "changes to orders-api within an hour: 2 made, at most 2, until 2026-11-25 10:20 UTC", until: 20 * time.Minute,
		},
		"several too many": {
			limits: policy.Limits{PerHour: 1}, recent: []policy.Change{made(40, 1), made(10, 1), made(30, 1)},
			refused: "changes to orders-api within an hour: 3 made, at most 1, until 2026-11-25 10:50 UTC", until: 50 * time.Minute,
		},
		"an hour ago is over": {limits: policy.Limits{PerHour: 1}, recent: []policy.Change{made(60, 1)}},
		"another service":     {limits: policy.Limits{PerHour: 1}, recent: []policy.Change{made(1, 1, of("billing"))}},
		"a clock that was put back": {
			limits: policy.Limits{PerHour: 1}, recent: []policy.Change{made(-5, 1)},
			refused: "changes to orders-api within an hour: 1 made, at most 1, until 2026-11-25 11:05 UTC", until: 65 * time.Minute,
		},
		"all services together": {
			limits: policy.Limits{AllPerHour: 2}, recent: []policy.Change{made(30, 1, of("billing")), made(45, 1, of("search"))},
			refused: "changes to all services within an hour: 2 made, at most 2, until 2026-11-25 10:15 UTC", until: 15 * time.Minute,
		},
		"a rule counts what it matches": {
			rules: []policy.Rule{{Match: terminates, Limits: policy.Limits{PerHour: 1}}}, recent: []policy.Change{made(1, 1, by("postgres.cancel"))},
		},
		"a rule's own limit": {
			rules: []policy.Rule{{Match: terminates, Limits: policy.Limits{PerHour: 1}}}, recent: []policy.Change{made(15, 1)},
			refused: "changes to orders-api within an hour: 1 made, at most 1, until 2026-11-25 10:45 UTC", until: 45 * time.Minute,
		},
		"a rule may allow more": {
			limits: policy.Limits{PerHour: 1, Blast: 1}, rules: []policy.Rule{{Match: terminates, Limits: policy.Limits{PerHour: 5, Blast: 3}}}, recent: []policy.Change{made(15, 1)},
		},
		"the blast of one change": {
			limits:  policy.Limits{Blast: 2},
			refused: "things touched by one change: 3, at most 2",
		},
		"exactly what one may touch": {limits: policy.Limits{Blast: 3}},
		"the blast of an hour": {
			limits: policy.Limits{BlastPerHour: 10}, recent: []policy.Change{made(50, 2), made(30, 4), made(10, 3)},
			refused: "things touched on orders-api within an hour: 12 with this change, at most 10, until 2026-11-25 10:10 UTC", until: 10 * time.Minute,
		},
		"exactly what an hour may touch": {limits: policy.Limits{BlastPerHour: 10}, recent: []policy.Change{made(30, 4), made(10, 3)}},
		"more than an hour may touch": {
			limits:  policy.Limits{BlastPerHour: 2},
			refused: "things touched on orders-api within an hour: 3 with this change, at most 2",
		},
		"numbers without end": {
			limits: policy.Limits{BlastPerHour: 10}, recent: []policy.Change{made(30, 1<<63-1), made(10, 1<<63-1)},
			refused: "things touched on orders-api within an hour: 4611686018427387904 with this change, at most 10, until 2026-11-25 10:50 UTC", until: 50 * time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(action.R2)
			a.RecentChanges = c.recent
			p := policy.Policy{Limits: c.limits, Rules: c.rules}
			got := policy.Decide(p, a)
			require.Equal(t, c.refused, got.Refused)
			if c.until == 0 {
				require.Zero(t, got.Until)
				return
			}
			require.Equal(t, now.Add(c.until), got.Until)
			a.Now = got.Until
			require.Empty(t, policy.Decide(p, a).Refused, "it said until when")
			a.Now = got.Until.Add(-time.Microsecond)
			require.NotEmpty(t, policy.Decide(p, a).Refused, "and no earlier")
		})
	}
}

func TestSeveralRefusalsEndWithTheLast(t *testing.T) {
	t.Parallel()
	a := ask(action.R2)
	a.RecentChanges = []policy.Change{made(10, 1)}
	p := policy.Policy{Limits: policy.Limits{PerHour: 1}, Freeze: []policy.Window{{From: now.Add(-time.Hour), To: now.Add(time.Minute), Why: "release"}}}
	got := policy.Decide(p, a)
	require.Equal(t, "frozen: release, until 2026-11-25 10:01 UTC", got.Refused)
	require.Equal(t, now.Add(50*time.Minute), got.Until)
	p.Stop = "true"
	got = policy.Decide(p, a)
	require.Equal(t, "the policy stops every change (true)", got.Refused)
	require.Zero(t, got.Until)
}

package firewall_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// limits are the rules of our table that limit, and the ports that they are for.
func (s *street) limits(t *testing.T) string {
	t.Helper()
	var kept []string
	for _, line := range strings.Split(rules(t), "\n") {
		if strings.Contains(line, "limit rate") || strings.Contains(line, "comment") {
			kept = append(kept, counted.ReplaceAllString(line, "$1$2"))
		}
	}
	return strings.Join(kept, "\n")
}

func TestRateLimit(t *testing.T) {
	for _, protocol := range []string{"tcp", "udp"} {
		t.Run(protocol, func(t *testing.T) {
			s := newStreet(t)
			actiontest.Run(t, actiontest.Case{
				Spec: spec(t, "firewall.rate_limit"), Args: map[string]any{"port": 8080.0, "protocol": protocol, "rate": "20/second", "burst": 10.0, "for": "10m"},
				Open: s.changer, World: s.limits, Gone: s.gone,
				Effects: func(t *testing.T) int { return s.effects(t, "limit_"+protocol+"_8080_on") },
			})
		})
	}
}

func TestUnlimit(t *testing.T) {
	s := newStreet(t)
	d := s.doer(t, "firewall.rate_limit")
	_, err := d.Apply(t.Context(), order(t, d, change(t, "firewall.rate_limit", map[string]any{"port": 8080.0, "rate": "20/second"})))
	require.NoError(t, err)
	actiontest.Run(t, actiontest.Case{
		Spec: spec(t, "firewall.unlimit"), Args: map[string]any{"port": 8080.0},
		Open: s.changer, World: s.limits, Gone: s.gone,
		Effects: func(t *testing.T) int {
			if strings.Contains(rules(t), "limit rate") {
				return 0
			}
			return 1
		},
	})
}

func TestALimitCountsEachAddressAndEndsByItself(t *testing.T) {
	s := newStreet(t)
	d := s.doer(t, "firewall.rate_limit")
	o := order(t, d, change(t, "firewall.rate_limit", map[string]any{"port": number(t, s.port), "rate": "1/minute", "burst": 2.0, "for": "4s"}))
	_, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	here := "10.9." + s.n() + "."
	through := func(last string) int {
		n := 0
		for range 5 {
			if s.call(t, here+last, here+"1") == "hello" {
				n++
			}
		}
		return n
	}
	first := through("2")
	require.Positive(t, first)
	require.Less(t, first, 5, "one client was not slowed down")
	require.Positive(t, through("3"), "another client pays for the first")
	require.Eventually(t, func() bool { return !strings.Contains(rules(t), "INC-1.1.1-a") }, 10*time.Second, 50*time.Millisecond, "the kernel ends it")
	require.Equal(t, 5, through("2"))

	// What is left of it does not stand in the way of the next.
	o.Key, o.Intended = "INC-1.1.2-a", time.Now()
	_, err = d.Apply(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(rules(t), "limit rate"), "one rule for each kind of address")
}

func TestWhatIsNoLimitIsRefused(t *testing.T) {
	s := newStreet(t)
	d := s.doer(t, "firewall.rate_limit")
	for name, args := range map[string]map[string]any{
		"no port":                      {"port": 0.0, "rate": "1/second"},
		"half a port":                  {"port": 80.5, "rate": "1/second"},
		"a protocol that is none":      {"port": 80.0, "protocol": "sctp", "rate": "1/second"},
		"a rate that is none":          {"port": 80.0, "rate": "fast"},
		"a statement in its place":     {"port": 80.0, "rate": "1/second } drop; flush ruleset"},
		"no burst":                     {"port": 80.0, "rate": "1/second", "burst": 0.0},
		"the port where people log in": {"port": 22.0, "rate": "1/second"},
		"for ever":                     {"port": 80.0, "rate": "1/second", "for": "30d"},
		"for no time":                  {"port": 80.0, "rate": "1/second", "for": "0s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.Preview(t.Context(), change(t, "firewall.rate_limit", args))
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
		})
	}
	_, err := d.Apply(t.Context(), order(t, d, change(t, "firewall.rate_limit", map[string]any{"port": 80.0, "rate": "5/second"})))
	require.NoError(t, err)
	p, err := d.Preview(t.Context(), change(t, "firewall.rate_limit", map[string]any{"port": 80.0, "rate": "5/second", "for": "10m"}))
	require.NoError(t, err)
	require.True(t, p.Already)
	_, err = d.Preview(t.Context(), change(t, "firewall.rate_limit", map[string]any{"port": 80.0, "rate": "6/second"}))
	require.ErrorContains(t, err, "has a limit already")
}

func TestQuestion(t *testing.T) {
	s := newStreet(t)
	target := open(t, s.settings())
	ask := func() evidence.Answer { return target.Ask(t.Context(), probe.Question{Builtin: "firewall.rules"}) }
	a := ask()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Empty(t, a.Value)
	b := s.doer(t, "firewall.block")
	_, err := b.Apply(t.Context(), order(t, b, change(t, "firewall.block", map[string]any{"addresses": []any{"198.51.100.7", "2001:db8:1::/48"}})))
	require.NoError(t, err)
	l := s.doer(t, "firewall.rate_limit")
	_, err = l.Apply(t.Context(), order(t, l, change(t, "firewall.rate_limit", map[string]any{"port": 53.0, "protocol": "udp", "rate": "20/second"})))
	require.NoError(t, err)
	rows := ask().Value.([]any)
	require.Len(t, rows, 3)
	row := rows[2].(map[string]any)
	require.InDelta(t, 3600, row["left_s"], 60)
	delete(row, "left_s")
	require.Equal(t, map[string]any{"kind": "limit", "what": "udp port 53", "rate": "20/second", "order": "quell INC-1.1.1-a"}, row)
	require.Equal(t, "2001:db8:1::/48", rows[1].(map[string]any)["what"])

	settings := s.settings()
	settings["table"] = "inet theirs"
	require.Equal(t, evidence.NotApplicable, open(t, settings).Ask(t.Context(), probe.Question{Builtin: "firewall.rules"}).Status)
	settings = connector.Settings{"binary": "/no/nft"}
	require.Equal(t, evidence.Unreachable, open(t, settings).Ask(t.Context(), probe.Question{Builtin: "firewall.rules"}).Status)
	require.False(t, open(t, settings).(connector.Examiner).Examine(t.Context())[0].OK)
	for _, c := range target.(connector.Examiner).Examine(t.Context()) {
		require.True(t, c.OK, c.Detail)
	}
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, ask().Status)
}

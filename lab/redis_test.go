package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
)

// TestRedisFaultsAreNamed lets each fault in, asks everything, and wants the
// true cause first.
func TestRedisFaultsAreNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("real faults take a minute")
	}
	for _, f := range redisFaults() {
		for _, v := range f.Variants {
			t.Run(f.Name+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				env := &Env{Service: "shop"}
				v.Inject(t, env)
				d := diagnose(t, env)
				require.NotEmpty(t, d.Roots, "%s\n%s", d.Summary, ranking(d))
				require.True(t, slices.Contains(f.Truth, d.Roots[0].ID), "first is %s, and should be %s\n%s", d.Roots[0].ID, strings.Join(f.Truth, " or "), ranking(d))
			})
		}
	}
}

// TestHealthyRedisIsNotAccused wants no likely cause on servers that work.
func TestHealthyRedisIsNotAccused(t *testing.T) {
	if testing.Short() {
		t.Skip("real load takes a while")
	}
	for _, f := range redisHealthy() {
		for _, v := range f.Variants {
			t.Run(f.Name+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				env := &Env{Service: "shop"}
				v.Inject(t, env)
				d := diagnose(t, env)
				require.Empty(t, d.Roots, ranking(d))
			})
		}
	}
}

// ranking lists the first causes with their signs, for messages.
func ranking(d diagnosis.Diagnosis) string {
	var b strings.Builder
	for i, f := range d.Causes {
		if i == 4 {
			break
		}
		fmt.Fprintf(&b, "%.3f %s\n", f.Probability, f.ID)
		for _, s := range f.Signs {
			if s.Truth != "false" {
				fmt.Fprintf(&b, "      %-7s %-8s %s %s\n", s.Truth, s.Weight, s.Sign, s.Why)
			}
		}
	}
	for _, f := range d.RuledOut {
		fmt.Fprintf(&b, "out   %s\n", f.ID)
	}
	return b.String()
}

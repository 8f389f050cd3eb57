package logql

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNecessaryWords(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]string{
		`(?i)address (is )?already in use|EADDRINUSE`: {"already in use", "eaddrinuse"},
		`pool.*exhausted`:       {"exhausted"},
		`a|bcd`:                 nil,
		`(foo)+bar{2,3}`:        {"foo"},
		`[0-9]+`:                nil,
		`x*`:                    nil,
		`(?i)éabc`:              nil,
		`^(?:shop|api-.*)$`:     {"shop", "api-"},
		`(?:timeout|timed out)`: {"time"},
	} {
		require.Equal(t, want, necessary(pattern), pattern)
	}
}

// The search before an expression never changes its answer.
func FuzzSearched(f *testing.F) {
	for _, p := range []string{`(?i)started|stopping`, `pool.*exhausted|x{2}y`, `^(?:api|web)$`, `(?i)kss|s`, `(a|bc)+def`, `\bERROR\b`, `(?i).*Kelvin.*|.*abc`} {
		f.Add(p, []byte("the POOL was exhausted; ſtarted \u212aelvin"))
	}
	f.Fuzz(func(t *testing.T, pattern string, text []byte) {
		re, err := regexp.Compile(pattern)
		if err != nil || len(pattern) > 200 {
			return
		}
		test, err := compileRegexp(pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := test(text), re.Match(text); got != want {
			t.Fatalf("%q on %q: %v, not %v", pattern, text, got, want)
		}
	})
}

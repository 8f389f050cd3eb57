package logql

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatAnExpressionDemands(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`(?i)address (is )?already in use|EADDRINUSE`: `any(address already in use, address is already in use, eaddrinuse)`,
		`pool.*exhausted`:                     `all(pool, exhausted)`,
		`a|bcd`:                               `nothing`,
		`(foo)+bar{2,3}`:                      `all(foo, any(barr, barrr))`,
		`[0-9]+`:                              `nothing`,
		`x*`:                                  `nothing`,
		`(?i)éabc`:                            `nothing`,
		`^(?:shop|api-.*)$`:                   `any(shop, api-)`,
		`(?:timeout|timed out)`:               `any(timed out, timeout)`,
		`"?(PUT|PATCH) /`:                     `any("patch /, "put /, patch /, put /)`,
		`(code|state)\W{0,4}2350[24]\b`:       `all(any(code, state), any(23502, 23504))`,
		`(?i)(service|server).{0,9}(down|up)`: `any(server, service)`,
	} {
		d, words, known := demandsOf(pattern)
		got := "nothing"
		if known {
			got = shownDemand(d, words)
		}
		require.Equal(t, want, got, pattern)
	}
}

// shownDemand writes a demand; one of a single part is that part.
func shownDemand(d demand, words []string) string {
	kind, parts := "all", d.all
	if d.any != nil {
		kind, parts = "any", d.any
	}
	if parts == nil {
		return words[d.word]
	}
	var texts []string
	for _, part := range parts {
		texts = append(texts, shownDemand(part, words))
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return kind + "(" + strings.Join(texts, ", ") + ")"
}

// The search before an expression never changes its answer.
func FuzzSearched(f *testing.F) {
	for _, p := range []string{`(?i)started|stopping`, `pool.*exhausted|x{2}y`, `^(?:api|web)$`, `(?i)kss|s`, `(a|bc)+def`, `\bERROR\b`, `(?i).*Kelvin.*|.*abc`, `(code|state)\W{0,4}2350[24]\b`, `"?(PUT|PATCH) /|(un)?known?`, `(?m)^pool$|(?i:was) .{0,9}exh`, `(?s)pool.was|(?i)THE.pool|sta(rted|lled)`, `(?i)the pool.was|mail ?box`, `mail ?box|(?i)EXHAUST(ED|ION)`, `mail ?box|lett(er|re)`} {
		f.Add(p, []byte("the POOL was exhausted; ſtarted \u212aelvin"))
		f.Add(p, []byte("the POOL was exhausted; started"))
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

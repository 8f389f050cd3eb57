package request

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is cheap and comes before an expression refuses nothing that it takes.
func TestWhatComesBeforeAnExpressionLetsItsLinesThrough(t *testing.T) {
	t.Parallel()
	words := []string{" ", `"`, `" `, "GET", "/items", "HTTP/1.1", "200", "12", "0.250", "3", "ms", "s", "µs", "μs", "us", "ns", "sec", "seconds", "msec",
		"rt=", "rt: ", "took=", "time:", "duration=", "elapsed: ", "latency=", "request_time=", "answered ", "returned", "replied with ", "responded ", "payments API ", "stock service ",
		`"GET /items `, "(", "[", "|", ",", "Mozilla/5.0", "0/-1/3", " 0/0/1/2/3 200 17 ", "/", "-", "503", "status code "}
	for name, c := range map[string]struct {
		is  *regexp.Regexp
		may func([]byte) bool
	}{
		"spelt": {spelt, maySpell}, "united": {united, mayUnite}, "trailing": {trailing, mayTrail}, "timers": {timers, slashed}, "answered": {somebodyAnswered, saysAnswered},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			matched := 0
			for range 40_000 {
				text := []byte{}
				for range 1 + r.IntN(14) {
					text = append(text, words[r.IntN(len(words))]...)
				}
				if c.is.Match(text) {
					matched++
					require.True(t, c.may(text), "%q", text)
				}
			}
			require.Greater(t, matched, 5, "the words make hardly anything that it takes")
		})
	}
}

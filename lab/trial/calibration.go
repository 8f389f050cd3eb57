package trial

import (
	"fmt"
	"strings"
)

// Calibration says how good the probabilities are. The Brier score is the mean
// square of the distance between what was said and what is true (0 is perfect,
// 0.25 is what a coin gets), over every cause that got at least 5 % and every
// true one. The bins hold claims by what was said, ten wide.
func Calibration(results []Result) string {
	var sum float64
	var n int
	var bins [10]struct {
		said float64
		n    int
		yes  int
	}
	for _, r := range results {
		for _, c := range r.Claims {
			truth := 0.0
			if c.True {
				truth = 1
			}
			sum += (c.Probability - truth) * (c.Probability - truth)
			n++
			bin := &bins[min(int(c.Probability*10), 9)]
			bin.said += c.Probability
			bin.n++
			if c.True {
				bin.yes++
			}
		}
	}
	if n == 0 {
		return "no probability was given\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Brier score of %d claims: %.3f\n", n, sum/float64(n))
	for i, bin := range bins {
		if bin.n > 0 {
			fmt.Fprintf(&b, "  said %3d to %3d %% (mean %3.0f %%): true %d of %d (%.0f %%)\n", 10*i, 10*i+10, 100*bin.said/float64(bin.n), bin.yes, bin.n, 100*float64(bin.yes)/float64(bin.n))
		}
	}
	return b.String()
}

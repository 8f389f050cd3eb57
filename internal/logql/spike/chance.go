package spike

import (
	"math"
	"sort"
)

// riseChance is the chance that of all events as many or more fall after the
// split by accident, if both sides have one rate and share is the part of the
// time that lies after. It knows how little is known of the rate before: it is
// the exact test of two Poisson rates. Spread above 1 says how many events come
// together, as in bursts; it leaves that many fewer independent ones.
func riseChance(before, after int, share, spread float64) float64 {
	if after == 0 {
		return 1
	}
	return beta(share, float64(after)/spread, float64(before)/spread+1)
}

// beta is the regularized incomplete beta function, by Lentz's continued
// fraction. It is the upper tail of a binomial distribution.
func beta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - beta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := 0; i <= 300; i++ {
		m := float64(i / 2)
		numerator := 1.0
		switch {
		case i > 0 && i%2 == 0:
			numerator = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		case i%2 == 1:
			numerator = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + numerator*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + numerator/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-10 {
			break
		}
	}
	return math.Min(1, math.Max(0, front*(f-1)))
}

// gTest compares two shares: the likelihood ratio statistic of a table of two by
// two, and its chance (chi-squared with one degree of freedom).
func gTest(a, allA, b, allB int) (g, p float64) {
	n := float64(allA + allB)
	part := func(observed, row, column int) float64 {
		if observed == 0 {
			return 0
		}
		return float64(observed) * math.Log(float64(observed)*n/(float64(row)*float64(column)))
	}
	with, without := a+b, allA+allB-a-b
	g = 2 * (part(a, with, allA) + part(b, with, allB) + part(allA-a, without, allA) + part(allB-b, without, allB))
	g = math.Max(g, 0)
	return g, math.Erfc(math.Sqrt(g / 2))
}

// discoveries says which of the chances are small enough that only this share of
// them is expected to be false (Benjamini–Hochberg).
func discoveries(chances []float64, share float64) []bool {
	order := make([]int, len(chances))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return chances[order[a]] < chances[order[b]] })
	last := -1
	for rank, i := range order {
		if chances[i] <= share*float64(rank+1)/float64(len(chances)) {
			last = rank
		}
	}
	found := make([]bool, len(chances))
	for rank, i := range order {
		found[i] = rank <= last
	}
	return found
}

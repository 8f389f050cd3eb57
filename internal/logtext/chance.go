package logtext

import "math"

// moreByChance is the chance that of n and m things, hits among the n are as many
// as they are or more, where hits and others fall on both alike: Fisher's exact
// test, one-sided. a of n and b of m are hits; 1 where there is nothing to compare.
func moreByChance(a, n, b, m int64) float64 {
	if n == 0 || m == 0 || a+b == 0 {
		return 1
	}
	hits, all := a+b, n+m
	whole := choose(all, hits)
	p := 0.0
	for k := a; k <= min(n, hits); k++ {
		if hits-k <= m {
			p += math.Exp(choose(n, k) + choose(m, hits-k) - whole)
		}
	}
	return min(p, 1)
}

// choose is the logarithm of the number of ways to take k of n.
func choose(n, k int64) float64 {
	f := func(x int64) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return f(n) - f(k) - f(n-k)
}

package logtext

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Values of R: fisher.test(matrix(c(a, n-a, b, m-b), 2), alternative = "greater").
func TestMoreByChance(t *testing.T) {
	for _, c := range []struct {
		a, n, b, m int64
		p          float64
	}{
		{3, 4, 1, 4, 0.2428571}, // the lady who tasted tea
		{6, 20, 1, 20, 0.0457665},
		{10, 10, 0, 10, 5.412544e-06},
		{0, 10, 5, 10, 1},
		{0, 0, 5, 10, 1},
	} {
		assert.InDelta(t, c.p, moreByChance(c.a, c.n, c.b, c.m), 1e-4, "%+v", c)
	}
}

package logql

import (
	"math"
	"math/big"
)

// exactSum adds numbers with twice the precision of a float64 (Dekker 1971,
// Knuth's two-sum), so that the order in which lines are read, and how a file
// was cut into parts, does not show in an answer.
type exactSum struct{ high, low float64 }

func (s *exactSum) add(v float64) {
	high, low := twoSum(s.high, v)
	s.high, s.low = twoSum(high, s.low+low)
}

// addSquare adds the square of a number.
func (s *exactSum) addSquare(v float64) {
	square := v * v
	s.add(square)
	s.add(math.FMA(v, v, -square)) // what rounding took from the square
}

func (s *exactSum) merge(o exactSum) {
	high, low := twoSum(s.high, o.high)
	s.high, s.low = twoSum(high, low+s.low+o.low)
}

func (s exactSum) value() float64 { return s.high + s.low }

// twoSum is a + b and what rounding took from it.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	part := sum - a
	return sum, (a - (sum - part)) + (b - part)
}

// variance is the mean of the squared distances from the mean, without the loss
// that large numbers close to one another cause.
func variance(count float64, sum, squares exactSum) float64 {
	const bits = 256
	exact := func(s exactSum) *big.Float {
		f := new(big.Float).SetPrec(bits).SetFloat64(s.high)
		return f.Add(f, big.NewFloat(s.low))
	}
	n := new(big.Float).SetPrec(bits).SetFloat64(count)
	mean := exact(sum)
	mean.Quo(mean, n)
	of := exact(squares)
	of.Quo(of, n)
	out, _ := of.Sub(of, mean.Mul(mean, mean)).Float64()
	return math.Max(out, 0)
}

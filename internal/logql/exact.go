package logql

// exactSum adds numbers with twice the precision of a float64 (Dekker 1971,
// Knuth's two-sum), so that the order in which lines are read, and how a file
// was cut into parts, does not show in an answer.
type exactSum struct{ high, low float64 }

func (s *exactSum) add(v float64) {
	high, low := twoSum(s.high, v)
	s.high, s.low = twoSum(high, s.low+low)
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

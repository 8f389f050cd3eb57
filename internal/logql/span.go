package logql

// stretch is a part of a text, in bytes.
type stretch struct{ from, to int }

// spans says where the parts of a query stand in its text: stages, comparisons,
// selectors (by their *Log), aggregations, and the two below.
type spans map[any]stretch

type (
	callOf   struct{ *Range } // name and parentheses, without the grouping behind
	windowOf struct{ *Range } // [5m] offset 1h
)

// mark notes that a part began at from and ends with the token taken last.
func (p *parser) mark(part any, from int) {
	if p.next > 0 {
		p.spans[part] = stretch{from, p.tokens[p.next-1].end}
	}
}

package logql

import (
	"fmt"
	"math"
)

func (e *evaluator) binary(n *Binary) ([]series, error) {
	left, leftScalar := n.Left.(*Scalar)
	right, rightScalar := n.Right.(*Scalar)
	switch {
	case leftScalar && rightScalar:
		v, _ := n.apply(left.Value, right.Value)
		return []series{e.constant(v)}, nil
	case leftScalar:
		inner, err := e.eval(n.Right)
		return n.withScalar(inner, left.Value, true), err
	case rightScalar:
		inner, err := e.eval(n.Left)
		return n.withScalar(inner, right.Value, false), err
	}
	a, err := e.eval(n.Left)
	if err != nil {
		return nil, err
	}
	b, err := e.eval(n.Right)
	if err != nil {
		return nil, err
	}
	if precedence(n.Op) <= 2 {
		return e.sets(n, a, b), nil
	}
	return e.pairs(n, a, b)
}

// apply computes one value, and says whether a comparison keeps it.
func (n *Binary) apply(a, b float64) (float64, bool) {
	switch n.Op {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		return a * b, true
	case "/":
		if b == 0 {
			return math.NaN(), true // as LogQL has it, and not infinity
		}
		return a / b, true
	case "%":
		return math.Mod(a, b), true
	case "^":
		return math.Pow(a, b), true
	}
	holds := compareNumbers(n.Op, a, b)
	if n.Bool {
		if holds {
			return 1, true
		}
		return 0, true
	}
	return a, holds
}

// withScalar applies a number on one side. A comparison keeps the series' value.
func (n *Binary) withScalar(inner []series, scalar float64, scalarLeft bool) []series {
	for _, s := range inner {
		for i, has := range s.has {
			if !has {
				continue
			}
			a, b := s.values[i], scalar
			if scalarLeft {
				a, b = b, a
			}
			v, keep := n.apply(a, b)
			if keep && scalarLeft && precedence(n.Op) == 3 && !n.Bool {
				v = s.values[i]
			}
			s.values[i], s.has[i] = v, keep
		}
	}
	return nonEmpty(inner)
}

func (m *Matching) of(labels map[string]string) map[string]string {
	if m == nil {
		return labels
	}
	return (&Grouping{Without: m.Ignoring, Labels: m.Labels}).of(labels)
}

// pairs computes between series whose labels agree: one to one, or with
// group_left and group_right many to one.
func (e *evaluator) pairs(n *Binary, a, b []series) ([]series, error) {
	many, one, oneSide, manySide := a, b, "right", "left"
	if n.manyRight() {
		many, one, oneSide, manySide = b, a, "left", "right"
	}
	byKey := map[string]*series{}
	for i := range one {
		labels := n.Matching.of(one[i].labels)
		key := labelsKey(labels)
		if byKey[key] != nil {
			return nil, n.severalOn(oneSide, labels)
		}
		byKey[key] = &one[i]
	}
	var out []series
	seen := map[string]bool{}
	for _, s := range many {
		key := labelsKey(n.Matching.of(s.labels))
		other := byKey[key]
		if other == nil {
			continue
		}
		labels := n.pairLabels(s.labels, other.labels)
		if n.Matching != nil && n.Matching.Many != "" {
			key = labelsKey(labels)
		}
		if seen[key] {
			return nil, n.severalOn(manySide, labels)
		}
		seen[key] = true
		result := newSeries(labels, e.grid.steps)
		for i := range s.has {
			if !s.has[i] || !other.has[i] {
				continue
			}
			x, y := s.values[i], other.values[i]
			if n.manyRight() {
				x, y = y, x
			}
			if v, keep := n.apply(x, y); keep {
				result.set(i, v)
			}
		}
		out = append(out, result)
	}
	if len(out) == 0 && len(a) > 0 && len(b) > 0 {
		e.notes = append(e.notes, fmt.Sprintf("both sides of %s have series, and none of the left has the labels of one of the right: pair them by the labels that they share with on (…), and group_left () where one side has fewer", n.Op))
	}
	out = nonEmpty(out)
	sortSeries(out)
	return out, nil
}

func (n *Binary) manyRight() bool { return n.Matching != nil && n.Matching.Many == "right" }

func (n *Binary) severalOn(side string, labels map[string]string) error {
	cure := "bring them together with sum by (…)"
	if n.Matching != nil && n.Matching.Many == "" {
		cure += ", or write group_" + side
	}
	return fmt.Errorf("%s: several series on the %s have the same labels %v: %s", n.Op, side, labels, cure)
}

// pairLabels are the labels of a pair: those that paired it, or with group_left
// and group_right those of the side with many, and what they take over.
func (n *Binary) pairLabels(many, one map[string]string) map[string]string {
	m := n.Matching
	if m == nil || m.Many == "" {
		return m.of(many)
	}
	labels := map[string]string{}
	for name, value := range many {
		labels[name] = value
	}
	for _, name := range m.Include {
		if value := one[name]; value != "" {
			labels[name] = value
		} else {
			delete(labels, name)
		}
	}
	return labels
}

// sets computes and, or, unless: step by step, by the labels that pair.
func (e *evaluator) sets(n *Binary, a, b []series) []series {
	present := func(list []series) []map[string]bool {
		at := make([]map[string]bool, e.grid.steps)
		for i := range at {
			at[i] = map[string]bool{}
		}
		for _, s := range list {
			key := labelsKey(n.Matching.of(s.labels))
			for i, has := range s.has {
				if has {
					at[i][key] = true
				}
			}
		}
		return at
	}
	if n.Op != "or" {
		right := present(b)
		for _, s := range a {
			key := labelsKey(n.Matching.of(s.labels))
			for i := range s.has {
				s.has[i] = s.has[i] && right[i][key] == (n.Op == "and")
			}
		}
		return nonEmpty(a)
	}
	left := present(a)
	byLabels := map[string]int{}
	for i, s := range a {
		byLabels[labelsKey(s.labels)] = i
	}
	for _, s := range b {
		key := labelsKey(n.Matching.of(s.labels))
		into, ok := byLabels[labelsKey(s.labels)]
		if !ok {
			into = len(a)
			a = append(a, newSeries(s.labels, e.grid.steps))
		}
		for i, has := range s.has {
			if has && !left[i][key] && !a[into].has[i] {
				a[into].set(i, s.values[i])
			}
		}
	}
	a = nonEmpty(a)
	sortSeries(a)
	return a
}

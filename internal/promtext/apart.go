package promtext

import (
	"context"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// apart puts the query together from the counters that there are: where a
// playbook asks one metric by a label (lookups that were hits), others keep a
// counter for each (hits, misses), or one of all and one of the hits.
func (t *translation) apart(ctx context.Context, src Source) error {
	for _, s := range splits() {
		total := append([]string{s.metric}, groupsOf(metricGroups(), s.metric)...)
		if !slices.ContainsFunc(selectors(t.expr), func(v *parser.VectorSelector) bool { return slices.Contains(total, v.Name) }) {
			continue
		}
		part, rest := t.oneOf(s.part), t.oneOf(s.others[0])
		if part == "" && rest == "" {
			continue
		}
		var failed error
		t.expr = replaceUnits(t.expr, func(unit parser.Expr) parser.Expr {
			v := selectors(unit)[0]
			if failed != nil || !slices.Contains(total, v.Name) {
				return unit
			}
			i := slices.IndexFunc(v.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == s.label })
			there := t.names[v.Name]
			switch {
			case i < 0 && !there && part != "" && rest != "":
				t.note("no series is called %s here; the sum of %s and %s is read in its place", v.Name, part, rest)
				return t.both(unit, "+", named(part, ""), named(rest, ""))
			case i < 0 || v.LabelMatchers[i].Type != labels.MatchEqual || v.LabelMatchers[i].Value != s.value:
				return unit
			}
			if there {
				have, err := src.LabelNames(ctx, v.Name)
				if err != nil {
					failed = err
					return unit
				}
				for _, label := range append([]string{s.label}, groupsOf(labelGroups(), s.label)...) {
					if slices.Contains(have, label) {
						return unit
					}
				}
			}
			switch {
			case part != "":
				t.note("%s does not tell %s apart here; %s is read in its place", v.Name, s.value, part)
				named(part, s.label)(v)
				t.changed = true
			case there:
				t.note("%s does not tell %s apart here; what %s leaves of it is read in its place", v.Name, s.value, rest)
				return t.both(unit, "-", named(v.Name, s.label), named(rest, s.label))
			}
			return unit
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// oneOf is the metric, or the only other name of it, that there is.
func (t *translation) oneOf(metric string) string {
	if t.names[metric] {
		return metric
	}
	if found := t.present(groupsOf(metricGroups(), metric)); len(found) == 1 {
		return found[0]
	}
	return ""
}

// both joins two versions of a unit by an operator.
func (t *translation) both(unit parser.Expr, op string, left, right func(*parser.VectorSelector)) parser.Expr {
	version := func(change func(*parser.VectorSelector)) string {
		own, err := NewParser().ParseExpr(unit.String())
		if err != nil {
			return ""
		}
		change(selectors(own)[0])
		return own.String()
	}
	joined, err := NewParser().ParseExpr("(" + version(left) + " " + op + " " + version(right) + ")")
	if err != nil {
		return unit // what was printed is always read again
	}
	t.changed = true
	return joined
}

// named gives a selector another metric and takes the matcher of a label away.
func named(metric, label string) func(*parser.VectorSelector) {
	return func(v *parser.VectorSelector) {
		v.Name = metric
		v.LabelMatchers = slices.DeleteFunc(slices.Clone(v.LabelMatchers), func(m *labels.Matcher) bool { return label != "" && m.Name == label })
		for i, m := range v.LabelMatchers {
			if m.Name == model.MetricNameLabel {
				v.LabelMatchers[i] = labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)
			}
		}
	}
}

// replaceUnits replaces the smallest parts of an expression that have a value
// at one time: a selector, or a function over the window of one.
func replaceUnits(e parser.Expr, replace func(parser.Expr) parser.Expr) parser.Expr {
	again := func(inner parser.Expr) parser.Expr { return replaceUnits(inner, replace) }
	switch n := e.(type) {
	case *parser.VectorSelector:
		if n.Name != "" {
			return replace(n)
		}
	case *parser.Call:
		if len(selectors(n)) == 1 && slices.ContainsFunc(n.Args, func(a parser.Expr) bool { _, is := a.(*parser.MatrixSelector); return is }) {
			return replace(n)
		}
		for i, arg := range n.Args {
			n.Args[i] = again(arg)
		}
	case *parser.AggregateExpr:
		n.Expr = again(n.Expr)
	case *parser.BinaryExpr:
		n.LHS, n.RHS = again(n.LHS), again(n.RHS)
	case *parser.ParenExpr:
		n.Expr = again(n.Expr)
	case *parser.UnaryExpr:
		n.Expr = again(n.Expr)
	case *parser.SubqueryExpr:
		n.Expr = again(n.Expr)
	}
	return e
}

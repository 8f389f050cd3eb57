package promtext

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Asker answers promql fences from a source.
type Asker struct {
	Source  Source
	Aliases map[string]string // the operator's own names: as playbooks have it → as it is here
	Rows    int               // most series kept of one answer; > 0
}

// Ask answers one fence. It fills and parses the query, puts it into the words
// of this installation, evaluates it, and gives an empty answer its reason.
func (a Asker) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := Fill(q.Text)
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	expr, err := NewParser().ParseExpr(text)
	if err != nil {
		return evidence.Not(evidence.Invalid, "PromQL: "+err.Error(), "")
	}
	window, err := ReadWindow(q.Options, q.Now)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	if _, given := q.Options["step"]; window.Range && !given {
		window.Step = withoutGaps(window, expr)
	}
	limit, err := ReadLimit(q.Options)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	if window.Range && expr.Type() == parser.ValueTypeMatrix {
		return evidence.Not(evidence.Invalid, "with range= the query must give one value at a time: wrap the [window] into rate() or an …_over_time()", "")
	}
	t, err := translate(ctx, a.Source, expr, a.Aliases, window.End)
	if err != nil {
		return answerOf(err)
	}
	if t.changed {
		text = t.expr.String()
		t.note("asked as %s", text)
	}
	result, err := a.Source.Query(ctx, text, window)
	if err != nil {
		return answerOf(err)
	}
	e := explainer{src: a.Source, t: &t, window: window}
	if len(result.Streams) == 0 {
		answer := e.empty(ctx)
		answer.Notes = append(append(t.notes, answer.Notes...), result.Notes...)
		return answer
	}
	reason, err := e.unlabelled(ctx)
	if err != nil {
		return answerOf(err)
	}
	if reason != "" {
		blind := evidence.Not(evidence.NoData, reason, "")
		blind.Notes = append(t.notes, result.Notes...)
		return blind
	}
	if hasFallback(t.expr) {
		if blind, yes := e.blind(ctx); yes {
			blind.Notes = append(t.notes, result.Notes...)
			return blind
		}
	}
	t.home(result.Streams)
	return a.value(result, &t, limit)
}

func (a Asker) value(result Result, t *translation, limit int) evidence.Answer {
	value := evidence.Vector(result.Streams)
	notes := append(t.notes, result.Notes...)
	if len(value) == 0 {
		answer := evidence.Not(evidence.NoData, "every value is NaN or infinite: a division by zero, as when there was no traffic in the window", "")
		answer.Notes = notes
		return answer
	}
	most := a.Rows
	if limit > 0 && limit < most {
		most = limit
	}
	if len(value) > most {
		notes = append(notes, fmt.Sprintf("cut at %d of %d series", most, len(value)))
		value = value[:most]
	}
	return evidence.Of(value, notes...)
}

// hasFallback reports whether the expression holds an `or` with a side that
// reads nothing, like `or vector(0)`: it then has a value even when blind.
func hasFallback(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if b, ok := node.(*parser.BinaryExpr); ok && b.Op == parser.LOR {
			found = found || len(selectors(b.LHS)) == 0 || len(selectors(b.RHS)) == 0
		}
		return nil
	})
	return found
}

// filters reports whether the expression drops series on purpose: then an
// empty answer over series that exist is an answer.
func filters(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.BinaryExpr:
			comparison := n.Op.IsComparisonOperator() && !n.ReturnBool
			found = found || comparison || n.Op == parser.LUNLESS || n.Op == parser.LAND
		case *parser.Call:
			found = found || n.Func.Name == "absent" || n.Func.Name == "absent_over_time"
		}
		return nil
	})
	return found
}

// namesService reports whether a selector is bound to one service.
func namesService(v *parser.VectorSelector) bool {
	for _, m := range v.LabelMatchers {
		if isIdentity(m.Name) && m.Type == labels.MatchEqual && m.Value != "" {
			return true
		}
	}
	return false
}

package promtext

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// NewParser returns the parser with the language that every server since
// Prometheus 2.33 speaks: nothing experimental.
func NewParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// Check reads a promql fence without any server: its syntax, its options, and
// the traps that make a query silently empty or too large.
func Check(text probe.Template, options map[string]string) []connector.Problem {
	var problems []connector.Problem
	window, err := ReadWindow(options, time.Unix(1e9, 0))
	if err != nil {
		problems = append(problems, connector.Problem{Text: err.Error()})
	}
	if _, err := ReadLimit(options); err != nil {
		problems = append(problems, connector.Problem{Text: err.Error()})
	}
	filled, back := sketch(text)
	expr, err := NewParser().ParseExpr(filled)
	if err != nil {
		return append(problems, parseProblems(err, back)...)
	}
	for _, p := range traps(expr, window) {
		p.Offset = back(p.Offset)
		problems = append(problems, p)
	}
	return problems
}

// sketch fills each hole with something that could stand there, and returns
// with it the way back from an offset in the filled text to one in the source.
func sketch(t probe.Template) (string, func(int) int) {
	type piece struct{ filled, source int }
	var pieces []piece
	var b strings.Builder
	for _, part := range t.Parts {
		pieces = append(pieces, piece{b.Len(), part.Offset})
		if part.Hole == "" {
			b.WriteString(part.Literal)
			continue
		}
		switch p := locate(b.String()); {
		case p.quote != 0:
			b.WriteString("x")
		case p.bracket || p.offset:
			b.WriteString("5m")
		default:
			b.WriteString("1")
		}
	}
	return b.String(), func(offset int) int {
		for i := len(pieces) - 1; i >= 0; i-- {
			if p := pieces[i]; offset >= p.filled {
				if t.Parts[i].Hole != "" {
					return p.source
				}
				return p.source + offset - p.filled
			}
		}
		return 0
	}
}

func parseProblems(err error, back func(int) int) []connector.Problem {
	var many parser.ParseErrors
	if !errors.As(err, &many) || len(many) == 0 {
		var one *parser.ParseErr
		if !errors.As(err, &one) {
			return []connector.Problem{{Text: "PromQL: " + err.Error()}}
		}
		many = parser.ParseErrors{*one}
	}
	// Only the first: the others usually follow from it.
	first := many[0]
	return []connector.Problem{{Offset: back(int(first.PositionRange.Start)), Text: "PromQL: " + first.Err.Error()}}
}

// traps finds what parses and still does not do what was meant.
func traps(expr parser.Expr, window Window) []connector.Problem {
	var problems []connector.Problem
	warn := func(at parser.Node, format string, args ...any) {
		problems = append(problems, connector.Problem{
			Offset: int(at.PositionRange().Start), Text: fmt.Sprintf(format, args...), Warning: true,
		})
	}
	switch expr.Type() {
	case parser.ValueTypeString:
		problems = append(problems, connector.Problem{Text: "the query is a text: it asks nothing"})
	case parser.ValueTypeMatrix:
		if window.Range {
			problems = append(problems, connector.Problem{Text: "with range= the query must give one value at a time: wrap the [window] into rate() or an …_over_time(), or leave range= out"})
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			if n.Name == "" && !hasEquality(n.LabelMatchers) {
				warn(n, "this selector names no metric and no exact label: it may read every series of the server")
			}
		case *parser.Call:
			if n.Func.Name == "histogram_quantile" && len(n.Args) == 2 {
				if bare := bareHistogram(n.Args[1]); bare != "" {
					warn(n, "histogram_quantile over %s gives nothing for a classic histogram: ask sum by (le) (rate(%s_bucket[5m]))", bare, strings.TrimSuffix(bare, "_bucket"))
				}
			}
			if counts(n.Func.Name) && len(n.Args) == 1 {
				if m, ok := n.Args[0].(*parser.MatrixSelector); ok {
					if v, ok := m.VectorSelector.(*parser.VectorSelector); ok && strings.HasSuffix(v.Name, "_bytes") {
						warn(n, "%s() is for counters, and %s looks like a gauge: use delta() or deriv()", n.Func.Name, v.Name)
					}
				}
			}
		}
		return nil
	})
	return problems
}

func counts(function string) bool {
	return function == "rate" || function == "irate" || function == "increase"
}

func hasEquality(matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if m.Type == labels.MatchEqual && m.Value != "" {
			return true
		}
	}
	return false
}

// bareHistogram returns the name of a metric that histogram_quantile reads
// without its le buckets: a selector that does not end in _bucket. A rate of a
// name without _bucket may be a native histogram, so it passes.
func bareHistogram(arg parser.Expr) string {
	for {
		p, ok := arg.(*parser.ParenExpr)
		if !ok {
			break
		}
		arg = p.Expr
	}
	if v, ok := arg.(*parser.VectorSelector); ok && v.Name != "" && !strings.HasSuffix(v.Name, "_bucket") {
		return v.Name
	}
	return ""
}

package promtext

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/evidence"
)

// An explainer finds out why an expression gave nothing. "No series" has many
// causes (another name, another label, nothing scraped, all filtered away) and
// only the last of them is an answer.
type explainer struct {
	src    Source
	t      *translation
	window Window
}

// maxExplained bounds the extra questions of one explanation.
const maxExplained = 4

// empty explains an answer without any series. Where every series that the
// expression reads exists and the expression filters, empty is the answer.
func (e explainer) empty(ctx context.Context) evidence.Answer {
	asked := selectors(e.t.expr)
	for i, v := range asked {
		if i == maxExplained {
			break
		}
		reason, err := e.missing(ctx, v)
		if err != nil {
			return answerOf(err)
		}
		if reason != "" {
			return evidence.Not(evidence.NoData, reason, "")
		}
	}
	if filters(e.t.expr) {
		return evidence.Of([]any{}, "the series exist, and none passes the comparison")
	}
	reason := "the series exist, and the expression gives nothing"
	if usesRange(e.t.expr) {
		reason += ": a rate needs two samples in its window, so the series are too young, too rarely scraped, or the window is too short"
	} else if usesMatching(e.t.expr) {
		reason += ": the two sides of an operator have no labels in common (say on(), ignoring(), or sum() on both sides)"
	}
	return evidence.Not(evidence.NoData, reason, "")
}

// blind reports whether a query that falls back on a constant says nothing
// about its service, because there are series of the metric and none of them
// is this service's. A zero would then be a false "all is well".
func (e explainer) blind(ctx context.Context) (evidence.Answer, bool) {
	for i, v := range selectors(e.t.expr) {
		if i == maxExplained {
			break
		}
		if e.t.names != nil && !e.t.names[v.Name] {
			e.t.note("no series is called %s: the value is the query's own fallback", v.Name)
			continue
		}
		if !namesService(v) {
			continue
		}
		bound := *v
		bound.LabelMatchers = nil
		for _, m := range v.LabelMatchers {
			if m.Name == model.MetricNameLabel || isIdentity(m.Name) {
				bound.LabelMatchers = append(bound.LabelMatchers, m)
			}
		}
		reason, err := e.missing(ctx, &bound)
		if err != nil {
			return answerOf(err), true
		}
		if reason != "" {
			return evidence.Not(evidence.NoData, reason+"; the query's fallback value says nothing about it", ""), true
		}
	}
	return evidence.Answer{}, false
}

// unlabelled finds a fallback that would speak for what cannot be seen: in
// `x{status="500"} or 0 * x` the zero means that no x has failed, and says
// nothing where no x bears a status at all.
func (e explainer) unlabelled(ctx context.Context) (string, error) {
	reason := ""
	var failed error
	parser.Inspect(e.t.expr, func(node parser.Node, _ []parser.Node) error {
		b, ok := node.(*parser.BinaryExpr)
		if !ok || b.Op != parser.LOR || failed != nil || reason != "" {
			return nil
		}
		for _, v := range selectors(b.LHS) {
			if !slices.ContainsFunc(selectors(b.RHS), func(other *parser.VectorSelector) bool { return other.Name == v.Name }) {
				continue
			}
			have, err := e.src.LabelNames(ctx, v.Name)
			if err != nil {
				failed = err
				return nil
			}
			for _, m := range v.LabelMatchers {
				if m.Name != model.MetricNameLabel && !isIdentity(m.Name) && !m.Matches("") && len(have) > 0 && !slices.Contains(have, m.Name) {
					reason = fmt.Sprintf("no series of %s bears the label %s: the zero that the query falls back on would say nothing", v.Name, m.Name)
				}
			}
		}
		return nil
	})
	return reason, failed
}

// missing says why a selector finds nothing, or "" when it finds something.
func (e explainer) missing(ctx context.Context, v *parser.VectorSelector) (string, error) {
	if e.t.names != nil && !e.t.names[v.Name] {
		reason := "no series is called " + v.Name
		if near := nearest(v.Name, e.t.names); len(near) > 0 {
			reason += "; there is " + strings.Join(near, ", ")
		}
		return reason, nil
	}
	seen, err := e.combinations(ctx, v)
	if err != nil {
		return "", err
	}
	total := 0
	for _, c := range seen {
		if matchesAll(v.LabelMatchers, c.labels) {
			return "", nil
		}
		total += c.count
	}
	if total == 0 {
		return fmt.Sprintf("there are series of %s, and none has a sample in the time asked about", v.Name), nil
	}
	reason := fmt.Sprintf("there are %d series of %s, none with %s", total, v.Name, guilty(v.LabelMatchers, seen))
	if text := showCombinations(seen); text != "" {
		reason += "; labels seen: " + text
	}
	return reason, nil
}

type combination struct {
	labels map[string]string
	count  int
}

// combinations counts the series of a metric by the labels that the selector
// asks for and by those that usually name a service.
func (e explainer) combinations(ctx context.Context, v *parser.VectorSelector) ([]combination, error) {
	wanted := map[string]bool{}
	for _, label := range identityLabels() {
		wanted[label] = true
	}
	for _, m := range v.LabelMatchers {
		if m.Name != model.MetricNameLabel {
			wanted[m.Name] = true
		}
	}
	by := make([]string, 0, len(wanted))
	for label := range wanted {
		by = append(by, label)
	}
	sort.Strings(by)
	bare := &parser.VectorSelector{
		Name: v.Name, OriginalOffset: v.OriginalOffset, StartOrEnd: v.StartOrEnd, Timestamp: v.Timestamp,
		LabelMatchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, v.Name)},
	}
	// Five minutes is how long Prometheus itself holds a sample for current.
	span := max(5*time.Minute, e.window.End.Sub(e.window.Start), e.longest())
	inner := parser.MatrixSelector{VectorSelector: bare, Range: span}
	query := fmt.Sprintf("count by (%s) (last_over_time(%s))", strings.Join(by, ", "), inner.String())
	result, err := e.src.Query(ctx, query, Window{Start: e.window.End, End: e.window.End})
	if err != nil {
		return nil, err
	}
	seen := make([]combination, 0, len(result.Streams))
	for _, s := range result.Streams {
		if n := len(s.Points); n > 0 {
			seen = append(seen, combination{s.Labels, int(s.Points[n-1].V)})
		}
	}
	sort.SliceStable(seen, func(i, j int) bool { return showLabels(seen[i].labels) < showLabels(seen[j].labels) })
	return seen, nil
}

// longest is the longest window of the expression.
func (e explainer) longest() time.Duration {
	var most time.Duration
	parser.Inspect(e.t.expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.MatrixSelector:
			most = max(most, n.Range)
		case *parser.SubqueryExpr:
			most = max(most, n.Range)
		}
		return nil
	})
	return most
}

func matchesAll(matchers []*labels.Matcher, have map[string]string) bool {
	for _, m := range matchers {
		if m.Name != model.MetricNameLabel && !m.Matches(have[m.Name]) {
			return false
		}
	}
	return true
}

// guilty names the matchers that no series meets; where each is met by some
// series and all by none, it names them all.
func guilty(matchers []*labels.Matcher, seen []combination) string {
	var never, all []string
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		all = append(all, m.String())
		met := false
		for _, c := range seen {
			met = met || m.Matches(c.labels[m.Name])
		}
		if !met {
			never = append(never, m.String())
		}
	}
	if len(never) > 0 {
		return strings.Join(never, " nor ")
	}
	return strings.Join(all, " and ") + " at once"
}

// maxShown is how many label sets a reason lists: it is one line for a person.
const maxShown = 4

func showCombinations(seen []combination) string {
	var texts []string
	for _, c := range seen {
		if text := showLabels(c.labels); text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) > maxShown {
		texts = append(texts[:maxShown], fmt.Sprintf("and %d more", len(texts)-maxShown))
	}
	return strings.Join(texts, "; ")
}

func showLabels(have map[string]string) string {
	var texts []string
	for name, value := range have {
		texts = append(texts, fmt.Sprintf("%s=%q", name, value))
	}
	sort.Strings(texts)
	return strings.Join(texts, " ")
}

func usesRange(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if _, ok := node.(*parser.MatrixSelector); ok {
			found = true
		}
		return nil
	})
	return found
}

func usesMatching(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if b, ok := node.(*parser.BinaryExpr); ok && b.VectorMatching != nil {
			found = true
		}
		return nil
	})
	return found
}

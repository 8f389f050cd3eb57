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

// A translation is a query in the words of this installation.
type translation struct {
	expr    parser.Expr
	changed bool
	back    map[string]string // label as it is here → as the playbook has it
	names   map[string]bool   // every metric there is; nil where they could not be listed
	notes   []string
	now     time.Time
}

// translate replaces metric and label names that do not exist here by the one
// name of the same meaning that does. Where there are none, or several, it
// leaves the query alone: a guess would be worse than an unknown. own are
// the operator's own aliases, which win.
func translate(ctx context.Context, src Source, expr parser.Expr, own map[string]string, now time.Time) (translation, error) {
	t := translation{expr: expr, now: now, back: map[string]string{}}
	list, err := src.Names(ctx)
	if err != nil {
		switch answerOf(err).Status {
		case evidence.Unreachable, evidence.TimedOut, evidence.NotAsked:
			return t, err // the query itself would end the same way
		}
		t.notes = append(t.notes, "the metric names could not be listed: "+err.Error())
		return t, nil
	}
	t.names = make(map[string]bool, len(list))
	for _, name := range list {
		t.names[name] = true
	}
	if err := t.rename(ctx, src, own); err != nil {
		return t, err
	}
	if err := t.apart(ctx, src); err != nil {
		return t, err
	}
	return t, t.relabel(ctx, src)
}

// selectors lists the vector selectors of an expression that name a metric.
func selectors(expr parser.Expr) []*parser.VectorSelector {
	var found []*parser.VectorSelector
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok && v.Name != "" {
			found = append(found, v)
		}
		return nil
	})
	return found
}

// rename gives each selector the name that its metric has here.
func (t *translation) rename(ctx context.Context, src Source, own map[string]string) error {
	for _, v := range selectors(t.expr) {
		if alias, ok := own[v.Name]; ok && alias != v.Name {
			t.note("%s is read as %s, as the settings say", v.Name, alias)
			t.setName(v, alias)
			continue
		}
		if err := t.renameOne(ctx, src, v); err != nil {
			return err
		}
	}
	return nil
}

func (t *translation) renameOne(ctx context.Context, src Source, v *parser.VectorSelector) error {
	there := t.names[v.Name]
	tiers := peers(metricGroups(), v.Name)
	tiers[0], tiers[1] = t.present(tiers[0]), t.present(tiers[1])
	if there && len(tiers[0])+len(tiers[1]) == 0 {
		return nil
	}
	if there {
		// Other services may have the name, and this one another of its meaning.
		if !namesService(v) {
			return nil
		}
		if mine, err := speaksOf(ctx, src, v.Name, v); err != nil || mine {
			return err
		}
	}
	for _, tier := range tiers {
		if len(tier) == 0 {
			continue
		}
		fits := tier
		if there || len(tier) > 1 && namesService(v) {
			var err error
			if fits, err = speaking(ctx, src, tier, v); err != nil {
				return err
			}
		}
		switch {
		case len(fits) == 1 && there:
			t.note("no series of %s is of this service; %s is read in its place", v.Name, fits[0])
			t.setName(v, fits[0])
			return nil
		case len(fits) == 1:
			t.note("no series is called %s here; %s is read in its place", v.Name, fits[0])
			t.setName(v, fits[0])
			return nil
		case len(fits) > 1 || !there && len(tier) > 1:
			t.note("no series is called %s here, and several could take its place: %s (say which with the setting aliases)", v.Name, strings.Join(tier, ", "))
			return nil
		}
	}
	return t.renamePrefixed(ctx, src, v)
}

// renamePrefixed takes a name that is the metric's behind the application's
// own, where one alone is of this service.
func (t *translation) renamePrefixed(ctx context.Context, src Source, v *parser.VectorSelector) error {
	if t.names[v.Name] || !namesService(v) {
		return nil
	}
	var fits []string
	for _, name := range append([]string{v.Name}, slices.Concat(peersOf(v.Name)...)...) {
		found, err := speaking(ctx, src, prefixed(t.names, name), v)
		if err != nil {
			return err
		}
		fits = append(fits, found...)
		if len(found) > 0 {
			break // names stand in the order of how well they mean it
		}
	}
	switch len(fits) {
	case 1:
		t.note("no series is called %s here; %s is read in its place", v.Name, fits[0])
		t.setName(v, fits[0])
	case 0:
	default:
		t.note("no series is called %s here, and several could take its place: %s (say which with the setting aliases)", v.Name, strings.Join(fits, ", "))
	}
	return nil
}

func peersOf(name string) [][]string {
	tiers := peers(metricGroups(), name)
	return tiers[:]
}

// present keeps the names that there are.
func (t *translation) present(names []string) []string {
	var out []string
	for _, n := range names {
		if t.names[n] {
			out = append(out, n)
		}
	}
	return out
}

// speaking keeps the metrics that have a series of the selector's service.
func speaking(ctx context.Context, src Source, metrics []string, v *parser.VectorSelector) ([]string, error) {
	var out []string
	for _, m := range metrics {
		mine, err := speaksOf(ctx, src, m, v)
		if err != nil {
			return nil, err
		}
		if mine {
			out = append(out, m)
		}
	}
	return out, nil
}

// speaksOf reports whether a metric has a series of the service that a
// selector names, by whichever label.
func speaksOf(ctx context.Context, src Source, metric string, v *parser.VectorSelector) (bool, error) {
	have, err := src.LabelNames(ctx, metric)
	if err != nil {
		return false, err
	}
	for _, m := range v.LabelMatchers {
		if !isIdentity(m.Name) || m.Type != labels.MatchEqual || m.Value == "" {
			continue
		}
		found := false
		for _, label := range identityLabels() {
			if !slices.Contains(have, label) {
				continue
			}
			values, err := src.LabelValues(ctx, metric, label)
			if err != nil {
				return false, err
			}
			found = found || slices.ContainsFunc(values, m.Matches)
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}

func (t *translation) setName(v *parser.VectorSelector, name string) {
	v.Name, t.changed = name, true
	for i, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			v.LabelMatchers[i] = labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)
		}
	}
}

func (t *translation) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(t.notes, n) {
		t.notes = append(t.notes, n)
	}
}

// relabel does for labels what rename does for names.
func (t *translation) relabel(ctx context.Context, src Source) error {
	present := map[string][]string{} // metric → its labels
	for _, v := range selectors(t.expr) {
		if !t.names[v.Name] {
			continue
		}
		if _, ok := present[v.Name]; !ok {
			if !usesGroup(t.expr) {
				return nil
			}
			list, err := src.LabelNames(ctx, v.Name)
			if err != nil {
				return err
			}
			present[v.Name] = list
		}
		for i, m := range v.LabelMatchers {
			alias, err := t.labelAlias(ctx, src, v.Name, m, present[v.Name])
			if err != nil {
				return err
			}
			if alias != "" {
				t.replaced(m.Name, alias, v.Name)
				v.LabelMatchers[i] = labels.MustNewMatcher(m.Type, alias, m.Value)
			}
		}
	}
	parser.Inspect(t.expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.AggregateExpr:
			t.regroup(n.Expr, n.Grouping, present)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				t.regroup(n, n.VectorMatching.MatchingLabels, present)
				t.regroup(n, n.VectorMatching.Include, present)
			}
		}
		return nil
	})
	return nil
}

func (t *translation) replaced(label, alias, metric string) {
	t.note("%s bears no label %s that fits; %s is read in its place", metric, label, alias)
	t.back[alias], t.changed = label, true
}

// regroup renames grouping labels in place, where every metric below lacks the
// label and bears the same single alias of it.
func (t *translation) regroup(below parser.Expr, grouping []string, present map[string][]string) {
	for i, label := range grouping {
		alias := ""
		for _, v := range selectors(below) {
			have, known := present[v.Name]
			if !known {
				continue
			}
			found := t.groupAlias(label, have)
			if found == "" || alias != "" && found != alias {
				alias = ""
				break
			}
			alias = found
		}
		if alias != "" && !slices.Contains(grouping, alias) {
			grouping[i] = alias
			t.note("series are grouped by %s in place of %s", alias, label)
			t.back[alias], t.changed = label, true
		}
	}
}

func (t *translation) groupAlias(label string, have []string) string {
	if slices.Contains(have, label) {
		return ""
	}
	var found []string
	for _, other := range groupsOf(labelGroups(), label) {
		if !slices.Contains(have, other) {
			continue
		}
		if t.back[other] == label {
			return other // a matcher was read so already
		}
		found = append(found, other)
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// usesGroup reports whether any label of the expression has aliases at all.
func usesGroup(expr parser.Expr) bool {
	used := false
	check := func(names []string) {
		for _, n := range names {
			used = used || len(groupsOf(labelGroups(), n)) > 0
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				check([]string{m.Name})
			}
		case *parser.AggregateExpr:
			check(n.Grouping)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				check(n.VectorMatching.MatchingLabels)
			}
		}
		return nil
	})
	return used
}

// labelAlias returns the label to read in place of the matcher's, or "".
func (t *translation) labelAlias(ctx context.Context, src Source, metric string, m *labels.Matcher, have []string) (string, error) {
	others := groupsOf(labelGroups(), m.Name)
	if len(others) == 0 {
		return "", nil
	}
	if m.Matches("") {
		// A series without the label passes this matcher already; for a negative
		// match on a status that is the trap, for an identity it is the wish.
		if isIdentity(m.Name) || m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp {
			return "", nil
		}
	}
	if slices.Contains(have, m.Name) {
		// Of an identity the label may be there and name other services, while
		// this one is named by another label: a job without a service of its own.
		if !isIdentity(m.Name) {
			return "", nil
		}
		if values, err := src.LabelValues(ctx, metric, m.Name); err != nil || slices.ContainsFunc(values, m.Matches) {
			return "", err
		}
	}
	var fits []string
	for _, other := range others {
		if !slices.Contains(have, other) {
			continue
		}
		if !mayBeNew(m.Name) {
			values, err := src.LabelValues(ctx, metric, other)
			if err != nil {
				return "", err
			}
			if !slices.ContainsFunc(values, m.Matches) {
				continue
			}
		}
		fits = append(fits, other)
	}
	sort.Strings(fits)
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1 && isIdentity(m.Name):
		return t.sameSeries(ctx, src, metric, m, fits)
	}
	return "", nil
}

// mayBeNew reports whether the values of a label come with what happens: no
// request has failed yet, so no series bears a 500, and the label is the right
// one all the same.
func mayBeNew(label string) bool {
	return slices.Contains(groupsOf(labelGroups(), "status"), label) || label == "status"
}

// sameSeries takes the first of several labels that name the service where all
// of them select the same series: then it does not matter which.
func (t *translation) sameSeries(ctx context.Context, src Source, metric string, m *labels.Matcher, fits []string) (string, error) {
	name := labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)
	all := []*labels.Matcher{name}
	for _, label := range fits {
		all = append(all, labels.MustNewMatcher(m.Type, label, m.Value))
	}
	together, err := t.countOf(ctx, src, metric, all)
	if err != nil {
		return "", err
	}
	for _, one := range all[1:] {
		alone, err := t.countOf(ctx, src, metric, []*labels.Matcher{name, one})
		if err != nil || alone != together || alone == 0 {
			return "", err
		}
	}
	for _, label := range identityLabels() {
		if slices.Contains(fits, label) {
			return label, nil
		}
	}
	return "", nil
}

// countOf counts the series that pass the matchers.
func (t *translation) countOf(ctx context.Context, src Source, metric string, matchers []*labels.Matcher) (float64, error) {
	// Five minutes is how long Prometheus itself holds a sample for current.
	inner := parser.MatrixSelector{VectorSelector: &parser.VectorSelector{Name: metric, LabelMatchers: matchers}, Range: 5 * time.Minute}
	result, err := src.Query(ctx, "count(last_over_time("+inner.String()+"))", Window{Start: t.now, End: t.now})
	if err != nil || len(result.Streams) == 0 || len(result.Streams[0].Points) == 0 {
		return 0, err
	}
	return result.Streams[0].Points[0].V, nil
}

// home gives streams the label names that the playbook uses.
func (t *translation) home(streams []evidence.Stream) {
	for _, s := range streams {
		for here, wanted := range t.back {
			value, ok := s.Labels[here]
			if _, taken := s.Labels[wanted]; ok && !taken {
				delete(s.Labels, here)
				s.Labels[wanted] = value
			}
		}
	}
}

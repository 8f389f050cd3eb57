package promtext

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

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
}

// translate replaces metric and label names that do not exist here by the one
// name of the same meaning that does. Where there are none, or several, it
// leaves the query alone: a guess would be worse than an unknown. own are
// the operator's own aliases, which win.
func translate(ctx context.Context, src Source, expr parser.Expr, own map[string]string) (translation, error) {
	t := translation{expr: expr, back: map[string]string{}}
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
	for _, v := range selectors(expr) {
		t.rename(v, own)
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

func (t *translation) rename(v *parser.VectorSelector, own map[string]string) {
	if alias, ok := own[v.Name]; ok && alias != v.Name {
		t.note("%s is read as %s, as the settings say", v.Name, alias)
		t.setName(v, alias)
		return
	}
	if t.names[v.Name] {
		return
	}
	var present []string
	for _, other := range groupsOf(metricGroups(), v.Name) {
		if t.names[other] {
			present = append(present, other)
		}
	}
	switch len(present) {
	case 1:
		t.note("no series is called %s here; %s is read in its place", v.Name, present[0])
		t.setName(v, present[0])
	default:
		if len(present) > 1 {
			t.note("no series is called %s here, and several could take its place: %s (say which with the setting aliases)", v.Name, strings.Join(present, ", "))
		}
	}
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
			alias, err := labelAlias(ctx, src, v.Name, m, present[v.Name])
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
func labelAlias(ctx context.Context, src Source, metric string, m *labels.Matcher, have []string) (string, error) {
	others := groupsOf(labelGroups(), m.Name)
	if len(others) == 0 || slices.Contains(have, m.Name) {
		return "", nil
	}
	if m.Matches("") {
		// A series without the label passes this matcher already; for a negative
		// match on a status that is the trap, for an identity it is the wish.
		if isIdentity(m.Name) || m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp {
			return "", nil
		}
	}
	var fits []string
	for _, other := range others {
		if !slices.Contains(have, other) {
			continue
		}
		if isIdentity(m.Name) {
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
	if len(fits) != 1 {
		return "", nil
	}
	return fits[0], nil
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

package logql

import (
	"fmt"
	"regexp"
	"sort"
)

// absent has the value 1 at each step in whose range no line passed. Its labels
// are those that the selector fixes.
func (e *evaluator) absent(n *Range) []series {
	labels, twice := map[string]string{}, map[string]bool{}
	for _, m := range n.Log.Matchers {
		if _, have := labels[m.Name]; have {
			twice[m.Name] = true
		}
		if m.Op == "=" && m.Value != "" {
			labels[m.Name] = m.Value
		}
	}
	for name := range twice {
		delete(labels, name)
	}
	out := newSeries(labels, e.grid.steps)
	for i := range out.has {
		out.set(i, 1)
	}
	for _, s := range e.jobs[n].points() {
		for i, has := range s.has {
			out.has[i] = out.has[i] && !has
		}
	}
	return nonEmpty([]series{out})
}

// sorted orders series by value. Over several steps there is no such order, and
// they stay in the order of their labels.
func (e *evaluator) sorted(n *Aggregate, inner []series) []series {
	if e.grid.steps > 1 {
		return inner
	}
	sort.SliceStable(inner, func(a, b int) bool {
		x, y := inner[a].values[0], inner[b].values[0]
		if n.Op == "sort_desc" {
			return x > y
		}
		return x < y
	})
	return inner
}

func (e *evaluator) replaceLabels(n *LabelReplace) ([]series, error) {
	inner, err := e.eval(n.Inner)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile("^(?:" + n.Pattern + ")$")
	if err != nil {
		return nil, &Error{Offset: n.Offset, Reason: err.Error()}
	}
	seen := map[string]bool{}
	for i, s := range inner {
		labels := map[string]string{}
		for name, value := range s.labels {
			labels[name] = value
		}
		if value, ok := n.replace(re, s.labels[n.Source]); ok {
			if labels[n.Target] = value; value == "" {
				delete(labels, n.Target)
			}
		}
		inner[i].labels = labels
		key := labelsKey(labels)
		if seen[key] {
			return nil, fmt.Errorf("label_replace gives several series the same labels %v: keep a label that tells them apart", labels)
		}
		seen[key] = true
	}
	sortSeries(inner)
	return inner, nil
}

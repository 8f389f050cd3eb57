package logql

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// series is one stream of an answer: a value at each step, where it has one.
type series struct {
	labels map[string]string
	values []float64
	has    []bool
}

func newSeries(labels map[string]string, steps int) series {
	return series{labels: labels, values: make([]float64, steps), has: make([]bool, steps)}
}

func (s series) set(i int, v float64) { s.values[i], s.has[i] = v, true }

func labelsKey(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + "\x00" + labels[name] + "\x00")
	}
	return b.String()
}

func sortSeries(list []series) {
	keys := make(map[*float64]string, len(list))
	for _, s := range list {
		keys[&s.values[0]] = labelsKey(s.labels)
	}
	sort.SliceStable(list, func(a, b int) bool { return keys[&list[a].values[0]] < keys[&list[b].values[0]] })
}

// evaluator turns the range aggregations of a query, already counted, into the
// query's answer.
type evaluator struct {
	grid grid
	jobs map[*Range]*rangeJob
	// notes are what a reader should know of the answer.
	notes []string
}

func (e *evaluator) eval(node Expr) ([]series, error) {
	switch n := node.(type) {
	case *Range:
		if n.Op == "absent_over_time" {
			return e.absent(n), nil
		}
		return e.jobs[n].points(), nil
	case *Vector:
		return []series{e.constant(n.Value)}, nil
	case *Aggregate:
		inner, err := e.eval(n.Inner)
		if err != nil {
			return nil, err
		}
		switch {
		case takesParam(n.Op):
			return e.top(n, inner), nil
		case n.Op == "sort" || n.Op == "sort_desc":
			return e.sorted(n, inner), nil
		}
		return e.fold(n, inner), nil
	case *Binary:
		return e.binary(n)
	case *LabelReplace:
		return e.replaceLabels(n)
	}
	return nil, fmt.Errorf("cannot evaluate %T", node)
}

func (e *evaluator) constant(v float64) series {
	s := newSeries(map[string]string{}, e.grid.steps)
	for i := range s.values {
		s.set(i, v)
	}
	return s
}

func (g *Grouping) of(labels map[string]string) map[string]string {
	out := map[string]string{}
	switch {
	case g == nil:
	case g.Without:
		for name, v := range labels {
			out[name] = v
		}
		for _, name := range g.Labels {
			delete(out, name)
		}
	default:
		for _, name := range g.Labels {
			if v, ok := labels[name]; ok {
				out[name] = v
			}
		}
	}
	return out
}

func (e *evaluator) fold(n *Aggregate, inner []series) []series {
	spreads := n.Op == "stddev" || n.Op == "stdvar"
	groups := map[string]*series{}
	counts := map[string][]float64{}
	spread := map[string][]float64{}
	var order []string
	for _, s := range inner {
		labels := n.Grouping.of(s.labels)
		key := labelsKey(labels)
		if groups[key] == nil {
			g := newSeries(labels, e.grid.steps)
			groups[key], counts[key] = &g, make([]float64, e.grid.steps)
			if spreads {
				spread[key] = make([]float64, e.grid.steps)
			}
			order = append(order, key)
		}
		g, count := groups[key], counts[key]
		for i, has := range s.has {
			if !has {
				continue
			}
			v := s.values[i]
			switch first := count[i] == 0; {
			case n.Op == "count":
				v = count[i] + 1
			case first:
			case n.Op == "min":
				v = math.Min(g.values[i], v)
			case n.Op == "max":
				v = math.Max(g.values[i], v)
			default: // sum, avg, and the sum of stddev and stdvar
				if spreads {
					d := v - g.values[i]/count[i]
					spread[key][i] += d * d * count[i] / (count[i] + 1)
				}
				v += g.values[i]
			}
			count[i]++
			g.set(i, v)
		}
	}
	out := make([]series, 0, len(order))
	for _, key := range order {
		g := groups[key]
		for i, has := range g.has {
			switch {
			case !has:
			case n.Op == "avg":
				g.values[i] /= counts[key][i]
			case n.Op == "stdvar":
				g.values[i] = spread[key][i] / counts[key][i]
			case n.Op == "stddev":
				g.values[i] = math.Sqrt(spread[key][i] / counts[key][i])
			}
		}
		out = append(out, *g)
	}
	sortSeries(out)
	return out
}

// top keeps, at each step and in each group, the k largest or smallest values;
// ties go to the first in the order of labels.
func (e *evaluator) top(n *Aggregate, inner []series) []series {
	out := make([]series, len(inner))
	groups := map[string][]int{}
	for i, s := range inner {
		out[i] = newSeries(s.labels, e.grid.steps)
		key := labelsKey(n.Grouping.of(s.labels))
		groups[key] = append(groups[key], i)
	}
	for _, members := range groups {
		for step := range e.grid.steps {
			var have []int
			for _, i := range members {
				if inner[i].has[step] {
					have = append(have, i)
				}
			}
			sort.SliceStable(have, func(a, b int) bool {
				x, y := inner[have[a]].values[step], inner[have[b]].values[step]
				if n.Op == "topk" {
					return x > y
				}
				return x < y
			})
			for _, i := range have[:min(int(n.Param), len(have))] {
				out[i].set(step, inner[i].values[step])
			}
		}
	}
	return nonEmpty(out)
}

func nonEmpty(list []series) []series {
	out := list[:0]
	for _, s := range list {
		for _, has := range s.has {
			if has {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

package spike

import (
	"fmt"
	"sort"
)

// leastShift is by how much a value's share must grow to be told of: less is of
// no use to anyone, however sure. Own value.
const leastShift = 0.02

// compareLabels finds the values that take a larger share after the split: of
// the errors where the report is about errors, else of all lines.
func (c *Collector) compareLabels(r *Report, q Question, g *grid, split int) {
	errors := r.After.Errors >= q.Least && r.Subject != "lines"
	var list []Shift
	var chances []float64
	for _, name := range sortedNames(c.labels) {
		l := c.labels[name]
		if l.many {
			r.Dropped = append(r.Dropped, name)
			continue
		}
		for _, s := range l.shifts(name, g, split, errors) {
			if s.After >= q.Least {
				list, chances = append(list, s), append(chances, s.P)
			}
		}
	}
	if c.beyond != "" {
		r.Notes = append(r.Notes, fmt.Sprintf("only the first %d labels in order of the alphabet were compared, up to before %s", c.config.Names, c.beyond))
	}
	sure := discoveries(chances, q.FalseShare)
	for i, s := range list {
		if sure[i] && s.ShareAfter >= s.ShareBefore+leastShift {
			r.Labels = append(r.Labels, s)
		}
	}
	sort.SliceStable(r.Labels, func(a, b int) bool { return r.Labels[a].G > r.Labels[b].G })
}

// sides are a value's counts on both sides, of errors and of other lines.
type sides struct{ errorsBefore, errorsAfter, othersBefore, othersAfter int }

func (l *label) shifts(name string, g *grid, split int, errors bool) []Shift {
	var all sides
	by := map[string]sides{}
	for value, c := range l.values {
		lines, failed := g.dense(&c.lines), g.dense(&c.errors)
		s := sides{errorsBefore: int(sum(failed[:split])), errorsAfter: int(sum(failed[split:]))}
		s.othersBefore, s.othersAfter = int(sum(lines[:split]))-s.errorsBefore, int(sum(lines[split:]))-s.errorsAfter
		by[value] = s
		all.errorsBefore += s.errorsBefore
		all.errorsAfter += s.errorsAfter
		all.othersBefore += s.othersBefore
		all.othersAfter += s.othersAfter
	}
	var out []Shift
	for _, value := range sortedNames(by) {
		s := by[value]
		shift := Shift{Name: name, Value: value, Against: "before"}
		allBefore, allAfter := all.errorsBefore+all.othersBefore, all.errorsAfter+all.othersAfter
		shift.Before, shift.After = s.errorsBefore+s.othersBefore, s.errorsAfter+s.othersAfter
		if errors {
			shift.Before, shift.After = s.errorsBefore, s.errorsAfter
			allBefore, allAfter = all.errorsBefore, all.errorsAfter
			if allBefore < leastBefore && all.othersAfter >= leastBefore {
				shift.Against = "other lines"
				shift.Before, allBefore = s.othersAfter, all.othersAfter
			}
		}
		if allBefore == 0 || allAfter == 0 {
			continue
		}
		shift.ShareBefore, shift.ShareAfter = float64(shift.Before)/float64(allBefore), float64(shift.After)/float64(allAfter)
		if shift.ShareAfter <= shift.ShareBefore {
			continue
		}
		shift.G, shift.P = gTest(shift.After, allAfter, shift.Before, allBefore)
		out = append(out, shift)
	}
	return out
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

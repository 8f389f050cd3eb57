package auth

import "slices"

// usual says how often things happened before the recent time. What is looked
// for may have begun before it, so the mean would take the fault for the usual
// state: the median of short slices stands for it, and at least a third of the
// mean, since what is rare is absent from most slices.
type usual struct {
	start, end, window int64
	slice              int64
	counts             map[string][]int
}

// slicesOf is how many slices a time as long as the recent one has.
const slicesOf = 4

func newUsual(start, end, window int64) *usual {
	return &usual{start: start, end: end, window: window, slice: max(window/slicesOf, 1), counts: map[string][]int{}}
}

// slices are whole ones, counted back from the end.
func (u *usual) slices() int { return int(max(u.end-u.start, 0) / u.slice) }

func (u *usual) add(name string, at int64) {
	i := int((u.end - at) / u.slice)
	if at > u.end || i < 0 || i >= max(u.slices(), 1) {
		return
	}
	if u.counts[name] == nil {
		u.counts[name] = make([]int, max(u.slices(), 1))
	}
	u.counts[name][i]++
}

// of is how often something usually happens in a time as long as the recent one.
func (u *usual) of(name string) float64 {
	counts := slices.Clone(u.counts[name])
	if len(counts) == 0 {
		return 0
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	if u.slices() < 3 {
		if u.end <= u.start {
			return 0
		}
		return float64(total) * float64(u.window) / float64(u.end-u.start)
	}
	mean := float64(total) / float64(len(counts))
	slices.Sort(counts)
	middle := float64(counts[(len(counts)-1)/2])
	return slicesOf * max(middle, mean/3)
}

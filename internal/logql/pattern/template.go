package pattern

import "sort"

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(a, b int) bool { return keys[a] < keys[b] })
	return keys
}

// Templates clusters the shapes and returns the templates: those that are new in
// the recent time first, then by recent count, then by text. It may be called
// again after more messages.
func (m *Miner) Templates() []Template {
	out := []Template{}
	groups := m.groups()
	guessed := m.guess(groups)
	for i, g := range groups {
		out = append(out, m.template(g, guessed[i]))
	}
	sort.Slice(out, func(a, b int) bool {
		x, y := &out[a], &out[b]
		if x.New() != y.New() {
			return x.New()
		}
		if x.Count != y.Count {
			return x.Count > y.Count
		}
		if x.Before != y.Before {
			return x.Before > y.Before
		}
		return x.Text < y.Text
	})
	return out
}

// guess says to which group the messages belong whose shapes were left out: for
// each full family the one with most of its shapes, for it is the one that has
// too many.
func (m *Miner) guess(groups [][]*shape) map[int][]*record {
	out := map[int][]*record{}
	best := map[*family][2]int{} // number of shapes, group
	for i, g := range groups {
		n := map[*family]int{}
		for _, s := range g {
			if s.family.full {
				n[s.family]++
			}
		}
		for f, count := range n {
			if b, ok := best[f]; !ok || count > b[0] {
				best[f] = [2]int{count, i}
			}
		}
	}
	for _, key := range sortedKeys(m.families) {
		if f := m.families[key]; f.full {
			at := best[f][1]
			out[at] = append(out[at], &f.rest)
		}
	}
	return out
}

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
	for _, g := range m.groups() {
		out = append(out, m.template(g))
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

package pattern

import "sort"

const (
	keptValues = 16 // values of a hole that are counted exactly
	cellCount  = 16 // cells that all values share once there are more
	valueBytes = 64 // of a value's text
	topValues  = 5
)

// sketch remembers what stood in one hole. It keeps the values of the smallest
// hashes with their exact counts: a value of the final set was never thrown out
// before, since the bound only falls. Where there are more values than that, all
// of them are counted in cells as well, each with one of its values, drawn by a
// priority that every message gives: a frequent value is nearly always the one
// drawn of its cell. All of this is the same in any order, and merges exactly.
type sketch struct {
	values  []valueCount // in no order
	bound   uint64       // the largest hash kept, once there are cells
	cells   *[cellCount]valueCount
	partial bool // some messages' values were not looked at
}

type valueCount struct {
	hash     uint64
	priority uint64    // the smallest of its messages
	counts   [2]uint32 // before, recent
	text     string
}

// add counts a value of a message of this time; late is 1 for a recent one.
func (s *sketch) add(text []byte, h uint64, when int64, late int) {
	priority := mix(h, uint64(when))
	if s.cells != nil {
		c := &s.cells[h%cellCount]
		c.counts[late]++
		if priority < c.priority {
			if c.hash != h {
				c.hash, c.text = h, keep(text)
			}
			c.priority = priority
		}
		if h > s.bound {
			return
		}
	}
	for i := range s.values {
		if v := &s.values[i]; v.hash == h {
			v.counts[late]++
			v.priority = min(v.priority, priority)
			return
		}
	}
	v := valueCount{hash: h, priority: priority, text: keep(text)}
	v.counts[late] = 1
	s.values = append(s.values, v)
	s.shrink()
}

// shrink brings the values back to their number.
func (s *sketch) shrink() {
	if len(s.values) <= keptValues && s.cells == nil {
		return
	}
	s.useCells()
	for len(s.values) > keptValues {
		worst := 0
		for i := range s.values {
			if s.values[i].hash > s.values[worst].hash {
				worst = i
			}
		}
		s.values[worst] = s.values[len(s.values)-1]
		s.values = s.values[:len(s.values)-1]
	}
	s.bound = 0
	for i := range s.values {
		s.bound = max(s.bound, s.values[i].hash)
	}
}

// useCells begins to count in cells. Up to now all values are at hand.
func (s *sketch) useCells() {
	if s.cells != nil {
		return
	}
	s.cells = new([cellCount]valueCount)
	for i := range s.cells {
		s.cells[i].priority = ^uint64(0)
	}
	for i := range s.values {
		s.cells[s.values[i].hash%cellCount].take(&s.values[i])
	}
}

func (c *valueCount) take(v *valueCount) {
	c.counts[0] += v.counts[0]
	c.counts[1] += v.counts[1]
	if v.priority < c.priority {
		c.priority, c.hash, c.text = v.priority, v.hash, v.text
	}
}

// merge adds what another sketch saw.
func (s *sketch) merge(other *sketch) {
	switch {
	case other.cells != nil:
		s.useCells()
		for i := range other.cells {
			s.cells[i].take(&other.cells[i])
		}
	case s.cells != nil:
		for i := range other.values {
			s.cells[other.values[i].hash%cellCount].take(&other.values[i])
		}
	}
next:
	for _, v := range other.values {
		for i := range s.values {
			if mine := &s.values[i]; mine.hash == v.hash {
				mine.counts[0] += v.counts[0]
				mine.counts[1] += v.counts[1]
				mine.priority = min(mine.priority, v.priority)
				continue next
			}
		}
		s.values = append(s.values, v)
	}
	s.shrink()
}

// hole says what the sketch knows.
func (s *sketch) hole() Hole {
	h := Hole{Distinct: len(s.values), Exact: s.cells == nil && !s.partial}
	known := map[uint64]bool{}
	for _, v := range s.values {
		known[v.hash] = true
		h.Top = append(h.Top, Value{v.text, int(v.counts[1]), int(v.counts[0])})
	}
	if s.cells != nil {
		// The k-th smallest of n hashes lies near k/n of the whole range.
		h.Distinct = max(keptValues+1, int((keptValues-1)/(float64(s.bound)/(1<<64))+0.5))
		late, early := s.usual(1), s.usual(0)
		for i := range s.cells {
			c := &s.cells[i]
			// A cell far above the usual one has a frequent value; what the others
			// have stands for what it shares the cell with.
			if !known[c.hash] && c.counts[0]+c.counts[1] > 2*(late+early) {
				h.Top = append(h.Top, Value{c.text, int(c.counts[1] - min(late, c.counts[1])), int(c.counts[0] - min(early, c.counts[0]))})
			}
		}
	}
	sort.Slice(h.Top, func(a, b int) bool {
		x, y := h.Top[a], h.Top[b]
		if x.Count+x.Before != y.Count+y.Before {
			return x.Count+x.Before > y.Count+y.Before
		}
		return x.Text < y.Text
	})
	h.Top = h.Top[:min(len(h.Top), topValues)]
	return h
}

// usual is the median of the cells.
func (s *sketch) usual(late int) uint32 {
	var list [cellCount]uint32
	for i := range s.cells {
		list[i] = s.cells[i].counts[late]
	}
	sort.Slice(list[:], func(a, b int) bool { return list[a] < list[b] })
	return list[cellCount/2]
}

func keep(text []byte) string { return cut(text, valueBytes) }

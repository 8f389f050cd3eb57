package pattern

import "sort"

// template writes what the shapes of a group have in common, and adds up what
// was counted of them and of guessed. The shape with most messages comes first in
// the group.
func (m *Miner) template(group []*shape, guessed []*record) Template {
	pieces := group[0].tokens
	for _, s := range group[1:] {
		pieces = common(pieces, s.tokens)
	}
	pieces = fused(pieces)
	t := Template{Text: joined(pieces)}
	var holes []sketch
	for _, p := range pieces {
		if p.kind == hole {
			holes = append(holes, sketch{})
		}
	}
	var r record
	for _, s := range group {
		r.merge(&s.record, &sameLevels)
		fill(holes, pieces, s)
	}
	for i := range holes {
		t.Holes = append(t.Holes, holes[i].hole())
	}
	for _, g := range guessed {
		r.merge(g, &sameLevels)
		t.Guessed += g.total()
		for i := range t.Holes {
			t.Holes[i].Exact = false
		}
	}
	t.set(m.levels, &r)
	return t
}

// set takes over what was counted.
func (t *Template) set(levels []string, r *record) {
	t.Before, t.Count, t.Errors = r.counts[0], r.counts[1], r.errors
	t.First, t.Last, t.Times = r.first, r.last, r.times.Clone()
	for i, n := range r.levels {
		if n == 0 {
			continue
		}
		name := "other"
		if i < len(levels) {
			name = levels[i]
		}
		t.Levels = append(t.Levels, Counted{name, int(n)})
	}
	sort.Slice(t.Levels, func(a, b int) bool {
		x, y := t.Levels[a], t.Levels[b]
		return x.Count > y.Count || x.Count == y.Count && x.Name < y.Name
	})
	if len(t.Levels) > 0 {
		t.Level = t.Levels[0].Name
	}
	for _, s := range r.samples {
		t.Samples = append(t.Samples, Sample{s.time, s.text})
	}
	sort.Slice(t.Samples, func(a, b int) bool {
		x, y := t.Samples[a], t.Samples[b]
		return x.Time < y.Time || x.Time == y.Time && x.Text < y.Text
	})
}

func (p piece) same(q piece) bool { return p.kind == q.kind && p.text == q.text }

// sameRow reports whether two rows of pieces have the same length and marks, so
// that they can be compared place by place.
func sameRow(a, b []piece) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if (a[i].kind == mark || b[i].kind == mark || a[i].kind == turn || b[i].kind == turn) && !a[i].same(b[i]) {
			return false
		}
	}
	return true
}

// common keeps what two rows share, in order; what differs becomes a hole.
func common(a, b []piece) []piece {
	out := make([]piece, 0, len(a))
	if sameRow(a, b) {
		for i := range a {
			p := a[i]
			if !p.same(b[i]) {
				p.kind, p.text = hole, ""
			}
			out = append(out, p)
		}
		return out
	}
	i, j := 0, 0
	for _, pair := range align(a, b) {
		if pair[0] > i || pair[1] > j {
			glued := false
			if pair[0] > i {
				glued = a[i].glued
			} else {
				glued = b[j].glued
			}
			out = append(out, piece{kind: hole, glued: glued})
		}
		if pair[0] < len(a) {
			out = append(out, a[pair[0]])
		}
		i, j = pair[0]+1, pair[1]+1
	}
	return out
}

// align finds the pairs of equal pieces, in order, that keep most words; the
// last pair is the ends of both.
func align(a, b []piece) [][2]int {
	width := len(b) + 1
	best := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			score := max(best[(i+1)*width+j], best[i*width+j+1])
			if a[i].same(b[j]) {
				score = max(score, best[(i+1)*width+j+1]+worth(a[i]))
			}
			best[i*width+j] = score
		}
	}
	var pairs [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		here := best[i*width+j]
		switch {
		case a[i].same(b[j]) && here == best[(i+1)*width+j+1]+worth(a[i]):
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case here == best[(i+1)*width+j]:
			i++
		default:
			j++
		}
	}
	return append(pairs, [2]int{len(a), len(b)})
}

func worth(p piece) int32 {
	if p.kind == word || p.kind == turn {
		return 4
	}
	return 1
}

// fused makes one hole of holes that follow one another.
func fused(pieces []piece) []piece {
	out := make([]piece, 0, len(pieces))
	for _, p := range pieces {
		if n := len(out); n > 0 && p.kind == hole && out[n-1].kind == hole {
			continue
		}
		out = append(out, p)
	}
	return out
}

// fill adds the values of a shape to the holes of its template. Every other
// piece of the template occurs in the shape, so a hole takes what lies between
// its neighbours.
func fill(holes []sketch, pieces []piece, s *shape) {
	if len(pieces) == len(s.tokens) && sameRow(pieces, s.tokens) && placed(pieces, s.tokens) {
		fillInPlace(holes, pieces, s)
		return
	}
	next, from, at, own := 0, 0, 0, 0 // hole; token; piece; hole of the shape
	for _, pair := range align(pieces, s.tokens) {
		if pair[0] < len(pieces) && pieces[pair[0]].kind == hole {
			continue
		}
		gap := false
		for ; at < pair[0]; at++ {
			gap = gap || pieces[at].kind == hole
		}
		between := s.tokens[from:pair[1]]
		if gap {
			holes[next].stretch(s, between, own)
			next++
		}
		for _, p := range between {
			if p.kind == hole {
				own++
			}
		}
		at, from = pair[0]+1, pair[1]+1
	}
}

// placed reports whether all of a template but its holes stands in a shape at
// the same places.
func placed(pieces, tokens []piece) bool {
	for i := range pieces {
		if pieces[i].kind != hole && !pieces[i].same(tokens[i]) {
			return false
		}
	}
	return true
}

func fillInPlace(holes []sketch, pieces []piece, s *shape) {
	next, own := 0, 0
	for i := range pieces {
		if pieces[i].kind == hole {
			holes[next].stretch(s, s.tokens[i:i+1], own)
			next++
		}
		if s.tokens[i].kind == hole {
			own++
		}
	}
}

// stretch adds what a shape has in place of a hole: its own hole with number
// own, or some words.
func (s *sketch) stretch(of *shape, tokens []piece, own int) {
	if len(tokens) == 1 && tokens[0].kind == hole {
		if own >= len(of.holes) {
			s.partial = true
			return
		}
		s.merge(&of.holes[own])
		return
	}
	text := joined(tokens)
	h := hash([]byte(text))
	s.merge(&sketch{values: []valueCount{{hash: h, priority: mix(h, uint64(of.first)),
		counts: [2]uint32{uint32(of.counts[0]), uint32(of.counts[1])}, text: text}}})
}

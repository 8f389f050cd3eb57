package otel

import (
	"cmp"
	"slices"
)

// overlap is the part of a child's time that may reach into the next one's
// before they count as side by side: clocks of two machines differ by that.
const overlap = 0.1

// critical gives to add each piece of time of root that nothing else could
// have been waited for meanwhile: backwards from the end, the child that ended
// last, then what ended before that child began. The pieces sum up to root's time.
func critical(root *span, add func(s *span, seconds float64)) {
	type piece struct {
		s          *span
		start, end float64
	}
	stack, n := []piece{{root, root.start, root.end}}, 0
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n++; n > mostSpans {
			add(p.s, max(0, p.end-p.start))
			continue
		}
		children := slices.Clone(p.s.children)
		slices.SortStableFunc(children, func(a, b *span) int { return cmp.Compare(b.end, a.end) })
		cursor, self := p.end, 0.0
		for _, c := range children {
			start, end := max(c.start, p.start), min(c.end, p.end)
			if end > cursor && end-cursor <= overlap*(end-start) {
				end = cursor
			}
			if end <= start || end > cursor {
				continue // beside what was waited for, or outside of its parent
			}
			self += cursor - end
			stack = append(stack, piece{c, start, end})
			cursor = start
		}
		add(p.s, self+max(0, cursor-p.start))
	}
}

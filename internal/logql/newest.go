package logql

import (
	"container/heap"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
)

// newest keeps the latest lines, bounded in number and in bytes: all those
// after some point in time and none before, whatever the order in which they
// come, so that several of them merge to what one would have kept. With oldest
// it keeps the earliest ones instead: then time and place run backwards.
type newest struct {
	oldest      bool
	limit, room int
	bytes       int
	items       lineHeap
	dropped     moment // the latest line that found no room: none before it is kept
	full        bool   // some line found no room
	edge        *Edge  // told how far this answer still looks
}

// moment is a line's place in time.
type moment struct{ time, place int64 }

func (m moment) before(o moment) bool {
	return m.time < o.time || m.time == o.time && m.place < o.place
}

type heldLine struct {
	at   moment
	line evidence.Line
	size int
}

func newNewest(l Limits, edge *Edge) *newest {
	return &newest{limit: l.Lines, room: l.Bytes, oldest: l.Oldest, edge: edge}
}

// at turns time round where the oldest are wanted.
func (n *newest) at(r *Record) moment {
	if n.oldest {
		return moment{-r.Time, -r.Place}
	}
	return moment{r.Time, r.Place}
}

func (n *newest) wants(r *Record) bool {
	return !n.full || n.dropped.before(n.at(r))
}

// end names the end of time that is kept, for notes.
func (n *newest) end() string {
	if n.oldest {
		return "oldest"
	}
	return "newest"
}

func (n *newest) add(r *Record, line evidence.Line) {
	size := len(line.Text)
	for k, v := range line.Labels {
		size += len(k) + len(v)
	}
	n.hold(heldLine{at: n.at(r), line: line, size: size})
}

func (n *newest) hold(held heldLine) {
	heap.Push(&n.items, held)
	n.bytes += held.size
	for len(n.items) > 1 && (len(n.items) > n.limit || n.bytes > n.room) {
		n.drop()
	}
}

func (n *newest) drop() {
	out := heap.Pop(&n.items).(heldLine)
	n.bytes -= out.size
	if !n.full || n.dropped.before(out.at) {
		n.dropped = out.at
	}
	n.full = true
	if n.oldest {
		n.edge.Move(-n.dropped.time)
	} else {
		n.edge.Move(n.dropped.time)
	}
}

// merge takes over what another one kept.
func (n *newest) merge(o *newest) {
	if o.full && (!n.full || n.dropped.before(o.dropped)) {
		n.full, n.dropped = true, o.dropped
	}
	for _, held := range o.items {
		n.hold(held)
	}
	for n.full && len(n.items) > 1 && n.items[0].at.before(n.dropped) {
		n.drop()
	}
}

// sorted returns the lines, oldest first.
func (n *newest) sorted() []evidence.Line {
	sort.Slice(n.items, n.items.Less)
	out := make([]evidence.Line, len(n.items))
	for i, item := range n.items {
		if n.oldest {
			i = len(out) - 1 - i
		}
		out[i] = item.line
	}
	return out
}

// lineHeap has the oldest line on top.
type lineHeap []heldLine

func (h lineHeap) Len() int           { return len(h) }
func (h lineHeap) Less(a, b int) bool { return h[a].at.before(h[b].at) }
func (h lineHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *lineHeap) Push(x any)        { *h = append(*h, x.(heldLine)) }
func (h *lineHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

package logql

import (
	"container/heap"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
)

// newest keeps the latest lines, bounded in number and in bytes. Of lines of
// the same time the ones that came last are newer. With oldest it keeps the
// earliest ones instead: then time and order run backwards in the heap.
type newest struct {
	oldest      bool
	limit, room int
	bytes, seq  int
	items       lineHeap
}

type heldLine struct {
	time int64
	seq  int
	line evidence.Line
	size int
}

func newNewest(lines, bytes int) *newest { return &newest{limit: lines, room: bytes} }

func (n *newest) wants(time int64) bool {
	full := len(n.items) >= n.limit || n.bytes >= n.room
	if !full || len(n.items) == 0 {
		return true
	}
	if n.oldest {
		return -time > n.items[0].time
	}
	return time >= n.items[0].time
}

// end names the end of time that is kept, for notes.
func (n *newest) end() string {
	if n.oldest {
		return "oldest"
	}
	return "newest"
}

func (n *newest) add(time int64, line evidence.Line) {
	size := len(line.Text)
	for k, v := range line.Labels {
		size += len(k) + len(v)
	}
	n.seq++
	held := heldLine{time: time, seq: n.seq, line: line, size: size}
	if n.oldest {
		held.time, held.seq = -held.time, -held.seq
	}
	heap.Push(&n.items, held)
	n.bytes += size
	for len(n.items) > 1 && (len(n.items) > n.limit || n.bytes > n.room) {
		n.bytes -= heap.Pop(&n.items).(heldLine).size
	}
}

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

func (h lineHeap) Len() int { return len(h) }
func (h lineHeap) Less(a, b int) bool {
	if h[a].time != h[b].time {
		return h[a].time < h[b].time
	}
	return h[a].seq < h[b].seq
}
func (h lineHeap) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *lineHeap) Push(x any)   { *h = append(*h, x.(heldLine)) }
func (h *lineHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

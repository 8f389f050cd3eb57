package logfile

import (
	"bytes"
	"io"

	"github.com/quellhq/quell/internal/logql"
)

// part finds the stretch of a file that holds a time window, by binary search
// where its lines are in order.
type part struct {
	clock      clock
	in         io.ReaderAt
	size       int64
	line       int
	from       int64 // where the window begins, before any budget
	read       int64 // bytes read in the search
	disordered bool
}

const (
	searchAbove = 1 << 20   // smaller files are read whole
	searchStop  = 128 << 10 // the search ends when the place is known to this many bytes
	probeSize   = 16 << 10
	probeReach  = 512 << 10 // how far a probe looks for a line with a time
	orderProbes = 9
)

// find returns the stretch in bytes. It is the whole file where the file is
// small, bears no times or is not in order.
func (p *part) find(w logql.Window) (from, to int64) {
	if p.size <= searchAbove || w.Start.IsZero() {
		return 0, p.size
	}
	var last int64
	for i := range int64(orderProbes) {
		t, ok := p.timeAt(p.size * i / orderProbes)
		if !ok {
			continue
		}
		if t < last-slack.Nanoseconds() {
			p.disordered = true
			return 0, p.size
		}
		last = t
	}
	if last == 0 {
		return 0, p.size
	}
	from, _ = p.search(w.Start.Add(-slack).UnixNano(), false)
	_, to = p.search(w.End.Add(slack).UnixNano(), true)
	p.from = from
	return from, to
}

// search narrows down the place where times pass t: everything before low is
// older, everything from high on is not. silent is whether a place without any
// time counts as older; either way too much is read rather than too little.
func (p *part) search(t int64, silent bool) (low, high int64) {
	high = p.size
	for high-low > searchStop {
		middle := low + (high-low)/2
		at, ok := p.timeAt(middle)
		if ok && at < t || !ok && silent {
			low = middle
		} else {
			high = middle
		}
	}
	return low, high
}

// timeAt returns the time of the first line after the offset that bears one.
func (p *part) timeAt(offset int64) (int64, bool) {
	buffer := make([]byte, probeSize)
	var rest []byte
	skip := offset > 0
	for read := int64(0); read < probeReach; {
		n, err := p.in.ReadAt(buffer, offset+read)
		p.read += int64(n)
		read += int64(n)
		rest = append(rest, buffer[:n]...)
		for {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				break
			}
			line := rest[:i]
			rest = rest[i+1:]
			if skip {
				skip = false
				continue
			}
			if t, ok := p.clock.glance(trimEnd(line)); ok {
				return t, true
			}
		}
		if err != nil || n == 0 {
			return 0, false
		}
	}
	return 0, false
}

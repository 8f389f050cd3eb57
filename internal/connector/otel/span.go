package otel

import (
	"cmp"
	"slices"
)

// span is one, whatever store it came from. Times are in seconds since 1970.
type span struct {
	id, parent string
	service    string
	name       string
	kind       string // server, client, producer, consumer, internal; empty if unknown
	start, end float64
	attrs      map[string]string
	failed     bool
	exception  string // type of the exception that it recorded
	message    string // of the exception, or of its status

	children []*span // in order of their start
	up       *span   // its parent, where that is in the trace
}

func (s *span) took() float64 { return max(0, s.end-s.start) }

// attr is the first of the attributes that there is: names change over the years.
func (s *span) attr(names ...string) string {
	for _, n := range names {
		if v := s.attrs[n]; v != "" {
			return v
		}
	}
	return ""
}

type trace struct {
	id    string
	spans []*span
}

// mostSpans bounds what is kept of one trace: a runaway batch has a million.
const mostSpans = 5000

// link makes a tree of a trace's spans. A span whose parents form a circle, or
// that is named twice, becomes a root.
func (t *trace) link() {
	byID := map[string]*span{}
	for _, s := range t.spans {
		if s.id != "" && byID[s.id] == nil {
			byID[s.id] = s
		}
	}
	for _, s := range t.spans {
		p := byID[s.parent]
		if s.parent == "" || p == nil || p == s || below(p, s) {
			continue
		}
		s.up = p
		p.children = append(p.children, s)
	}
	for _, s := range t.spans {
		slices.SortStableFunc(s.children, func(a, b *span) int { return cmp.Compare(a.start, b.start) })
	}
}

// below reports whether p hangs below s already.
func below(p, s *span) bool {
	for steps := 0; p != nil && steps <= mostSpans; p, steps = p.up, steps+1 {
		if p == s {
			return true
		}
	}
	return false
}

// entries are the spans with which the service begins to work: what people call
// its requests. A call that hangs in the air is none.
func (t *trace) entries(service string) []*span {
	const most = 5
	var out []*span
	for _, s := range t.spans {
		if s.service != service || s.up != nil && s.up.service == service {
			continue
		}
		if (s.kind == "client" || s.kind == "producer") && len(s.children) == 0 {
			continue
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b *span) int { return cmp.Compare(b.took(), a.took()) })
	return out[:min(len(out), most)]
}

// walk calls do for s and all below it, depth first, and stops at mostSpans.
func (s *span) walk(do func(*span)) {
	stack, n := []*span{s}, 0
	for len(stack) > 0 && n < mostSpans {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n++
		do(top)
		for i := len(top.children) - 1; i >= 0; i-- {
			stack = append(stack, top.children[i])
		}
	}
}

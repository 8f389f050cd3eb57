package diagnosis

import (
	"sort"

	"github.com/quellhq/quell/internal/playbook"
)

// connect draws the edges between findings that speak of the same service and
// of the same targets.
func connect(list []*Finding) {
	byID := map[string][]*Finding{}
	for _, f := range list {
		byID[f.ID] = append(byID[f.ID], f)
	}
	for _, f := range list {
		seen := map[*Finding]bool{}
		for _, link := range f.condition.LeadsTo {
			for _, g := range byID[link.Target] {
				if g != f && !seen[g] && f.meets(g) {
					seen[g] = true
					f.effects = append(f.effects, g)
					g.causes = append(g.causes, f)
				}
			}
		}
	}
}

// meets reports whether two findings can be cause and effect: they share a
// service, and where both read a target of one kind, it is the same target.
func (f *Finding) meets(g *Finding) bool {
	return intersect(f.Services, g.Services) && agree(f, g)
}

func agree(f, g *Finding) bool {
	kindsF, kindsG := f.targetsByKind(), g.targetsByKind()
	for kind, targets := range kindsF {
		if others, ok := kindsG[kind]; ok && !intersect(targets, others) {
			return false
		}
	}
	return true
}

func (f *Finding) targetsByKind() map[string][]string {
	out := map[string][]string{}
	for _, need := range f.subject.Playbook.Needs {
		if target := f.byRole[need.Role]; target != "" {
			out[need.Kind] = addSorted(out[need.Kind], target)
		}
	}
	return out
}

func intersect(a, b []string) bool {
	for _, x := range a {
		i := sort.SearchStrings(b, x)
		if i < len(b) && b[i] == x {
			return true
		}
	}
	return false
}

// explained reports whether a likely cause stands behind f, directly or
// through steps that nothing speaks against.
func (f *Finding) explained() bool { return f.likelyBehind() > 0 }

// likelyBehind counts the likely causes that f may follow from. A symptom behind
// f does not count: it explains nothing by itself.
func (f *Finding) likelyBehind() int {
	n := 0
	f.walk(func(g *Finding) []*Finding { return g.causes }, func(g *Finding) {
		if g.likely() && g.Kind == playbook.Cause {
			n++
		}
	})
	return n
}

// downstream lists the likely findings that f leads to, in a fixed order.
func (f *Finding) downstream() []*Finding {
	var list []*Finding
	f.walk(func(g *Finding) []*Finding { return g.effects }, func(g *Finding) {
		if g.likely() {
			list = append(list, g)
		}
	})
	sort.SliceStable(list, func(i, j int) bool { return list[i].less(list[j]) })
	return list
}

// walk visits everything reachable from f by next, once each, passing only
// through findings that are open.
func (f *Finding) walk(next func(*Finding) []*Finding, visit func(*Finding)) {
	seen := map[*Finding]bool{f: true}
	queue := []*Finding{f}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, g := range next(at) {
			if !seen[g] && g.open() {
				seen[g] = true
				visit(g)
				queue = append(queue, g)
			}
		}
	}
}

// chain is the path from f that passes the most likely findings, ends at a
// likely one, and is the shortest of those: the story of how the root became
// what users feel. A path ends at a symptom where one can be reached.
func (f *Finding) chain() []*Finding {
	best := path{nodes: []*Finding{f}}
	// The lint refuses causal circles; the depth bound and the visited set
	// keep a graph made by hand from looping.
	const deepest = 12
	budget := 20_000
	var extend func(p path)
	extend = func(p path) {
		if budget--; budget < 0 || len(p.nodes) > deepest {
			return
		}
		if p.better(best) {
			best = path{append([]*Finding{}, p.nodes...)}
		}
		for _, g := range p.last().effects {
			if g.open() && !p.has(g) {
				extend(path{append(p.nodes[:len(p.nodes):len(p.nodes)], g)})
			}
		}
	}
	extend(best)
	return best.nodes
}

type path struct{ nodes []*Finding }

func (p path) last() *Finding { return p.nodes[len(p.nodes)-1] }

func (p path) has(f *Finding) bool {
	for _, n := range p.nodes {
		if n == f {
			return true
		}
	}
	return false
}

func (p path) likely() int {
	n := 0
	for _, f := range p.nodes {
		if f.likely() {
			n++
		}
	}
	return n
}

func (p path) better(q path) bool {
	if !p.last().likely() {
		return false
	}
	if a, b := p.likely(), q.likely(); a != b {
		return a > b
	}
	if a, b := p.last().Kind == playbook.Symptom, q.last().Kind == playbook.Symptom; a != b {
		return a
	}
	if len(p.nodes) != len(q.nodes) {
		return len(p.nodes) < len(q.nodes)
	}
	for i := range p.nodes {
		if p.nodes[i] != q.nodes[i] {
			return p.nodes[i].less(q.nodes[i])
		}
	}
	return false
}

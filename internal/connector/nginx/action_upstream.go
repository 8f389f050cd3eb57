package nginx

import (
	"fmt"
	"math"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func upstreamSpec() action.Spec {
	return action.Spec{
		Name: "nginx.upstream", Risk: action.R2,
		Does:  "Takes a server of an upstream out or in, or changes its weight: one line of the configuration, tested, loaded, and taken back if nginx does not load it.",
		Undo:  "puts the former text of the file back and loads it; refused where the file was changed since",
		Tells: "the line in the file, and workers that are younger than the file",
		Params: []probe.Param{
			{Name: "upstream", Type: probe.Text, About: "name of the upstream"},
			{Name: "server", Type: probe.Text, About: "the server's address, as the configuration has it"},
			{Name: "state", Type: probe.Text, Default: `""`, About: "down, up, or drain (down, and made when the old workers have finished their requests); empty: as it is"},
			{Name: "weight", Type: probe.Number, Default: "0", About: "its share beside the others; 0: as it is"},
			action.ForParam(),
		},
	}
}

// highestWeight keeps sums of weights far from nginx's limits.
const highestWeight = 10000

// wish is what an upstream's server should be like.
type wish struct {
	down   *bool // nil: as it is
	weight int   // 0: as it is
	drain  bool
}

func readWish(args action.Args) (wish, error) {
	var w wish
	down, up := true, false
	switch state := args.Text("state"); state {
	case "":
	case "down":
		w.down = &down
	case "drain":
		w.down, w.drain = &down, true
	case "up":
		w.down = &up
	default:
		return w, action.Refuse("", "state is down, up or drain, not %q", state)
	}
	n := args.Number("weight")
	if n < 0 || n > highestWeight || n != math.Trunc(n) {
		return w, action.Refuse("", "weight is a whole number from 1 to %d, not %s", highestWeight, args.Text("weight"))
	}
	w.weight = int(n)
	if w.down == nil && w.weight == 0 {
		return w, action.Refuse("say state (down, up, drain) or weight", "nothing is to be changed")
	}
	return w, nil
}

// proposeUpstream finds the line and changes as few bytes of it as possible.
func (t *target) proposeUpstream(tree *tree, args action.Args) (proposal, error) {
	w, err := readWish(args)
	if err != nil {
		return proposal{}, err
	}
	u, s, err := pick(tree, args.Text("upstream"), args.Text("server"))
	if err != nil {
		return proposal{}, err
	}
	var changes []splice
	down := s.down
	if w.down != nil {
		changes, down = s.setDown(*w.down), *w.down
	}
	if w.weight > 0 {
		changes = append(changes, s.setWeight(w.weight)...)
	}
	left := u.left(s, down)
	if left == 0 {
		return proposal{}, action.Refuse("bring another one up first", "no server of upstream %s would be left", u.name)
	}
	p := proposal{
		path: s.file.path, former: s.file.data, next: spliced(s.file.data, changes), already: len(changes) == 0, drain: w.drain,
		undo: "puts the former text of " + s.file.path + " back",
		item: action.Item{ID: fmt.Sprintf("server %s of upstream %s in %s", s.address, u.name, s.file.path), Now: s.text()},
	}
	if p.item.Then, err = lineAfter(p.next, s); err != nil {
		return p, err
	}
	p.summary = fmt.Sprintf("server %s of upstream %s: %s", s.address, u.name, p.item.Then)
	if w.down != nil && *w.down {
		p.warnings = append(p.warnings, fmt.Sprintf("%d of %d servers of upstream %s remain", left, len(u.servers), u.name))
	}
	return p, nil
}

// left is how many servers are up when one of them is down or not.
func (u upstream) left(changed server, down bool) int {
	n := 0
	for _, s := range u.servers {
		is := s.down
		if s.directive == changed.directive {
			is = down
		}
		if !is {
			n++
		}
	}
	return n
}

// lineAfter reads the changed line back from the new text, which must still be
// one that can be read.
func lineAfter(next []byte, was server) (string, error) {
	f := &file{path: was.file.path, data: next}
	if err := f.parse(); err != nil {
		return "", fmt.Errorf("the changed text of %s cannot be read: %w", f.path, err)
	}
	line := ""
	walk(f.directives, nil, func(d *directive, _ []*directive) {
		if d.name.start == was.name.start && len(d.args) > 0 {
			line = readServer(d).text()
		}
	})
	return line, nil
}

// pick finds the server that is meant, and only one.
func pick(tree *tree, name, address string) (upstream, server, error) {
	var groups []upstream
	var names []string
	for _, u := range tree.upstreams() {
		names = append(names, u.name)
		if u.name == name {
			groups = append(groups, u)
		}
	}
	switch {
	case len(names) == 0:
		return upstream{}, server{}, action.Refuse("", "the configuration has no upstream at all")
	case len(groups) == 0:
		return upstream{}, server{}, action.Refuse("there are: "+strings.Join(names, ", "), "there is no upstream %q", name)
	case len(groups) > 1:
		return upstream{}, server{}, action.Refuse("", "there are %d upstreams called %s", len(groups), name)
	}
	var fitting []server
	var addresses []string
	for _, s := range groups[0].servers {
		addresses = append(addresses, s.address)
		if s.address == address || s.address == address+":80" || s.address+":80" == address {
			fitting = append(fitting, s)
		}
	}
	switch len(fitting) {
	case 0:
		return upstream{}, server{}, action.Refuse("it has: "+strings.Join(addresses, ", "), "upstream %s has no server %q", name, address)
	case 1:
		return groups[0], fitting[0], nil
	}
	return upstream{}, server{}, action.Refuse("", "upstream %s has %d servers %s", name, len(fitting), address)
}

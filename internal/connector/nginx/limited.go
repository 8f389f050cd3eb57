package nginx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// reached are the servers that a limit is for.
type reached struct {
	name     string // what $server_name will be
	warnings []string
}

// reach finds the servers that the limit is for. Where one of them sets limits
// of its own, nginx does not look at those of http, so nothing would happen:
// that is refused.
func (l limit) reach(tree *tree) (reached, error) {
	var r reached
	var names []string
	firsts := map[string]bool{}
	var refused error
	tree.walk(func(d *directive, within []*directive) {
		if d.name.text != "server" || d.block == nil || len(within) != 1 || within[0].name.text != "http" {
			return
		}
		own := serverNames(d)
		names = append(names, own...)
		if l.server != "" && !slices.Contains(own, l.server) {
			return
		}
		r.name = own[0]
		firsts[own[0]] = true
		at, nested := ownLimits(d)
		if at != "" {
			refused = action.Refuse("change that one by hand", "server %s sets a limit of its own (%s), beside which this one would do nothing", strings.Join(own, " "), at)
		}
		for _, place := range nested {
			r.warnings = append(r.warnings, place+" sets a limit of its own: this one does not hold there")
		}
	})
	switch {
	case refused != nil:
		return r, refused
	case len(firsts) == 0:
		return r, action.Refuse("there are: "+strings.Join(names, ", "), "no server is called %q", l.server)
	case l.server != "" && len(firsts) > 1:
		return r, action.Refuse("use a name that is the first of its server", "%s stands in servers with different first names", l.server)
	case l.server != "" && !serverText.MatchString(r.name):
		return r, action.Refuse("", "the first name of server %s is an expression, which cannot be told apart here", l.server)
	}
	if tree.find("set_real_ip_from") == nil {
		r.warnings = append(r.warnings, "addresses are those that nginx sees: behind a balancer all clients are one (there is no set_real_ip_from)")
	}
	return r, nil
}

// find returns the first directive of a name anywhere, or nil.
func (t *tree) find(name string) *directive {
	var found *directive
	t.walk(func(d *directive, _ []*directive) {
		if found == nil && d.name.text == name {
			found = d
		}
	})
	return found
}

func serverNames(d *directive) []string {
	var names []string
	walk(d.block, nil, func(n *directive, inside []*directive) {
		if n.name.text == "server_name" && len(inside) == 0 {
			for _, a := range n.args {
				names = append(names, a.text)
			}
		}
	})
	if len(names) == 0 {
		names = []string{""}
	}
	return names
}

// ownLimits finds limit_req in a server itself, and in blocks inside of it.
func ownLimits(d *directive) (at string, nested []string) {
	walk(d.block, nil, func(n *directive, inside []*directive) {
		if n.name.text != "limit_req" {
			return
		}
		place := fmt.Sprintf("%s:%d", n.file.path, n.line())
		if len(inside) == 0 {
			at = place
			return
		}
		nested = append(nested, fmt.Sprintf("%s %s (%s)", inside[0].name.text, inside[0].arg(len(inside[0].args)-1), place))
	})
	return at, nested
}

// hasStatus reports whether http {} sets the status for too many requests by
// itself, in another file than this.
func (t *tree) hasStatus(path string) bool {
	found := false
	t.walk(func(d *directive, within []*directive) {
		if d.name.text == "limit_req_status" && len(within) == 1 && d.file.path != path {
			found = true
		}
	})
	return found
}

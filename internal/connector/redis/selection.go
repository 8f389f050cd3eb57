package redis

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// selection is which keys a change is about.
type selection struct {
	keys    []string // exact names
	pattern string   // a glob of the server; empty: none
	family  string   // as redis.keys names it; empty: none
	most    int      // keys that it may come to
}

// mostListed bounds a list of names, most a pattern.
const (
	mostListed = 1000
	mostKeys   = 100_000
)

// mostParam bounds how many keys an order may come to.
func mostParam(n int) probe.Param {
	return optional("most", probe.Number, fmt.Sprint(n), fmt.Sprintf("refuse when it comes to more keys; at most %d", mostKeys))
}

// pickKeys reads the arguments that name keys: keys, pattern, family.
func pickKeys(a action.Args) (selection, error) {
	sel := selection{pattern: a.Text("pattern"), family: a.Text("family"), most: int(a.Number("most"))}
	for _, v := range a.List("keys") {
		name, ok := v.(string)
		switch {
		case !ok || name == "":
			return sel, action.Refuse("", "%v is no name of a key", v)
		case ours(name):
			return sel, action.Refuse("", "%s is a note of Quell's own", name)
		}
		sel.keys = append(sel.keys, name)
	}
	switch {
	case len(sel.keys) == 0 && sel.pattern == "" && sel.family == "":
		return sel, action.Refuse("name keys, or a pattern", "no keys are named")
	case len(sel.keys) > mostListed:
		return sel, action.Refuse("use a pattern for more", "%d names are more than %d", len(sel.keys), mostListed)
	case sel.most < 1 || sel.most > mostKeys:
		return sel, action.Refuse(fmt.Sprintf("from 1 to %d", mostKeys), "most is %s", a.Text("most"))
	}
	if glob := sel.pattern + sel.family; glob != "" && literals(glob) < 2 {
		return sel, action.Refuse("write what the names have in common", "the pattern %s comes to nearly every key", redisapi.Clip(glob))
	}
	return sel, nil
}

// affordable refuses a walk over a database that is too large for one.
func (sel selection) affordable(ctx context.Context, s *redisapi.Session) error {
	if sel.glob() == "" {
		return nil
	}
	v, err := s.One(ctx, "DBSIZE")
	if err != nil {
		return err
	}
	if n, _ := v.(int64); n > mostWalked {
		return action.Refuse("name the keys instead of a pattern", "the database has %d keys, and a walk over more than %d is too much during a fault", n, mostWalked)
	}
	return nil
}

// glob is what the server shall match; empty where names are enough.
func (sel selection) glob() string {
	if sel.family != "" {
		return globOf(sel.family)
	}
	return sel.pattern
}

// fits reports whether a name that the glob matches belongs to the selection.
func (sel selection) fits(name string) bool {
	if sel.family == "" {
		return true
	}
	f := family(name)
	return f == sel.family || rolled(f).Family == sel.family
}

// globOf is the glob for a family: in it only the star is not itself.
func globOf(family string) string {
	return strings.NewReplacer(`\`, `\\`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(family)
}

// literals counts the characters of a glob that stand for themselves.
func literals(glob string) int {
	n, class := 0, false
	for _, r := range glob {
		switch {
		case r == '[':
			class = true
		case r == ']':
			class = false
		case class || r == '*' || r == '?' || r == '\\':
		default:
			n++
		}
	}
	return n
}

package alembic

import (
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// route is the way from where the database stands to where it should.
type route struct {
	from, to string     // "" is base
	steps    []revision // in the order in which they run
	span     string     // for --sql: "from:to"
}

// route finds the revisions that run. It refuses what Alembic would do in ways
// that nobody can foresee from a preview: several heads, and branches.
func (m migration) route(g graph, s state, a action.Args) (route, error) {
	if heads := g.heads(); len(heads) > 1 {
		_, err := g.onlyHead()
		return route{}, err
	}
	if len(s.at) > 1 {
		return route{}, action.Refuse("merge the branches by hand first", "the database is at several revisions: %s", s.text())
	}
	r := route{}
	if len(s.at) == 1 {
		r.from = s.at[0]
	}
	var err error
	if r.to, err = g.find(a.Text("revision"), r.from); err != nil {
		return r, err
	}
	r.span = orBase(r.from) + ":" + orBase(r.to)
	if r.from == r.to {
		return r, nil
	}
	if m.verb == "upgrade" {
		return m.up(g, r)
	}
	return m.down(g, r)
}

func (m migration) up(g graph, r route) (route, error) {
	here, there := g.upTo(r.from), g.upTo(r.to)
	switch {
	case here[r.to] || r.to == "": // it is beyond that: Alembic does nothing
		return r, nil
	case r.from != "" && !there[r.from]:
		return r, action.Refuse("", "%s does not come after %s, where the database is", r.to, r.from)
	}
	if r.from == "" { // the table of Alembic itself is not there yet
		r.span = r.to
	}
	for _, rev := range slices.Backward(g.list) {
		if there[rev.id] && !here[rev.id] {
			r.steps = append(r.steps, rev)
		}
	}
	return r, nil
}

func (m migration) down(g graph, r route) (route, error) {
	if r.to != "" && !g.upTo(r.from)[r.to] {
		if g.upTo(r.to)[r.from] {
			return r, action.Refuse("alembic.upgrade goes there", "%s comes after %s, where the database is", r.to, orBase(r.from))
		}
		return r, action.Refuse("", "%s does not come before %s, where the database is", r.to, r.from)
	}
	for at := r.from; at != r.to; {
		rev := g.byID[at]
		if len(rev.parents) > 1 || len(g.children(at)) > 1 && at != r.from {
			return r, action.Refuse("go back by hand", "there are branches between %s and %s", r.from, orBase(r.to))
		}
		r.steps = append(r.steps, rev)
		at = ""
		if len(rev.parents) == 1 {
			at = rev.parents[0]
		}
	}
	return r, nil
}

// order compares the route with what the running code expects of the schema.
// Code is deployed and rolled back in an order: additions before the code that
// needs them, removals after the code that does.
func (m migration) order(g graph, r route, code string) (warning string, err error) {
	if code == "" {
		if m.verb == "downgrade" {
			return "nobody has said which revision the running code expects (code): below that it fails", nil
		}
		return "", nil
	}
	id, err := g.find(code, r.from)
	if err != nil {
		return "", action.Refuse("", "code: %s", strings.TrimSuffix(err.Error(), ": alembic history lists them"))
	}
	switch after := g.upTo(r.to); {
	case m.verb == "downgrade" && !after[id] && id != "":
		return "", action.Refuse("roll back the code first; keep these scripts, the way back needs them", "the running code expects %s, and %s lies below that", id, orBase(r.to))
	case m.verb == "upgrade" && !after[id] && id != "":
		return "the running code expects " + id + ", which is still missing afterwards", nil
	case m.verb == "upgrade" && id != r.to:
		return "the running code expects " + orBase(id) + " and will meet a newer schema: only additions are safe before the new code runs", nil
	}
	return "", nil
}

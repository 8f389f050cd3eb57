package alembic

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// revision is one migration script.
type revision struct {
	id      string
	parents []string // what it revises; several for a merge
	depends []string // what must be there as well
	path    string   // of its file, on the machine where Alembic runs
	about   string   // first line of its docstring
	head    bool
}

// graph is all revisions of a project, newest first as Alembic lists them.
type graph struct {
	list []revision
	byID map[string]revision
}

func (t *Target) graph(ctx context.Context) (graph, error) {
	out, err := t.run(ctx, reading, "quell", "history", "-v")
	if err != nil {
		return graph{}, err
	}
	if out.cut {
		return graph{}, action.Refuse("", "the history of the migrations is longer than %d MB", outputKept>>20)
	}
	return readGraph(out.text), nil
}

// marks stand behind a revision in what Alembic prints.
var marks = regexp.MustCompile(`( \((head|branchpoint|mergepoint|current)\))+$`)

// readGraph reads `alembic history -v`: for each revision a block of lines with
// a key, and its docstring indented.
func readGraph(text string) graph {
	g := graph{byID: map[string]revision{}}
	for _, line := range strings.Split(text, "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if ok && key == "Rev" {
			g.list = append(g.list, revision{id: marks.ReplaceAllString(value, ""), head: strings.Contains(value[len(marks.ReplaceAllString(value, "")):], "(head)")})
			continue
		}
		if len(g.list) == 0 {
			continue
		}
		r := &g.list[len(g.list)-1]
		switch doc := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "    ") && r.about == "":
			r.about = doc
		case key == "Parent" || key == "Merges":
			r.parents = ids(value)
		case key == "Also depends on":
			r.depends = ids(value)
		case key == "Path":
			r.path = value
		}
	}
	for _, r := range g.list {
		g.byID[r.id] = r
	}
	return g
}

func ids(list string) []string {
	if list == "<base>" {
		return nil
	}
	return strings.Split(list, ", ")
}

func (g graph) heads() []string {
	var out []string
	for _, r := range g.list {
		if r.head {
			out = append(out, r.id)
		}
	}
	return out
}

// upTo is a revision with all that come before it; nothing for base ("").
func (g graph) upTo(ids ...string) map[string]bool {
	out := map[string]bool{}
	for queue := slices.Clone(ids); len(queue) > 0; queue = queue[1:] {
		r, ok := g.byID[queue[0]]
		if ok && !out[r.id] {
			out[r.id] = true
			queue = append(queue, r.parents...)
			queue = append(queue, r.depends...)
		}
	}
	return out
}

// find reads a revision as people write it: an id or the beginning of one that
// fits no other, head, base, +1, -1. base is "".
func (g graph) find(text, from string) (string, error) {
	switch {
	case text == "base":
		return "", nil
	case text == "head":
		return g.onlyHead()
	case strings.HasPrefix(text, "+"), strings.HasPrefix(text, "-"):
		return g.step(text, from)
	}
	if _, ok := g.byID[text]; ok {
		return text, nil
	}
	var fits []string
	for _, r := range g.list {
		if text != "" && strings.HasPrefix(r.id, text) {
			fits = append(fits, r.id)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return "", action.Refuse("alembic history lists them", "there is no revision %q among the scripts", text)
	}
	return "", action.Refuse("write more of it", "%q could be %s", text, strings.Join(fits, " or "))
}

// onlyHead refuses where there are several: which of them is meant, and
// whether they fit together, a person has to say.
func (g graph) onlyHead() (string, error) {
	heads := g.heads()
	switch len(heads) {
	case 1:
		return heads[0], nil
	case 0:
		return "", action.Refuse("", "the project has no revisions")
	}
	return "", action.Refuse("merge them first (alembic merge heads), and review what that writes", "the scripts have %d heads: %s", len(heads), strings.Join(heads, ", "))
}

// step goes from a revision so many steps up or down, as long as there is only
// one way.
func (g graph) step(text, from string) (string, error) {
	n, at := 0, from
	for _, r := range text[1:] {
		if r < '0' || r > '9' || n > len(g.list) {
			return "", action.Refuse("", "%q is no number of steps", text)
		}
		n = 10*n + int(r-'0')
	}
	for range n {
		next := g.children(at)
		if text[0] == '-' {
			next = g.byID[at].parents
			if at != "" && len(next) == 0 {
				next = []string{""}
			}
		}
		if len(next) != 1 {
			return "", action.Refuse("write the revision itself", "%s from %s: there are %d ways", text, orBase(from), len(next))
		}
		at = next[0]
	}
	return at, nil
}

// children are the revisions that revise one; of base, those that revise none.
func (g graph) children(id string) []string {
	var out []string
	for _, r := range g.list {
		if id == "" && len(r.parents) == 0 || slices.Contains(r.parents, id) {
			out = append(out, r.id)
		}
	}
	return out
}

func orBase(id string) string {
	if id == "" {
		return "base"
	}
	return id
}

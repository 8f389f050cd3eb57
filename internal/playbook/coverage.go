package playbook

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Coverage says of everything that this project sets out to know where it has
// its place, or why it has none yet.
type Coverage struct {
	Causes  []Place // root causes
	Actions []Place // changes
	Sources []Place // what can be asked
	Checks  []Place // rows of the resolution checklists
}

// Place is one line of the coverage.
type Place struct {
	ID    string   // "C-connection-leak", "A-pg-terminate", "S-loki", "K-slow-1"
	About string   // in a few words
	Group string   // of a cause
	At    []string // where it has its place; see Coverage.Check
	// Why it has none, or what of it is missing: it needs a cloud or a cluster,
	// or comes later. Empty where it does not apply.
	Cloud, Cluster, Later string
	Pos                   Pos
}

// CoverageFile is the name of the file in a root.
const CoverageFile = "coverage.yaml"

// ReadCoverage reads the coverage of a root. A root without one has none.
func ReadCoverage(root Root) (Coverage, []Finding) {
	text, err := readFile(root.FS, CoverageFile)
	if err != nil {
		return Coverage{}, []Finding{{Pos: Pos{shown(root, CoverageFile), 1, 1}, Severity: Error, Rule: "unreadable", Text: reason(err)}}
	}
	p := &parser{document: &document{source: newSource(shown(root, CoverageFile), text)}, count: map[Severity]int{}}
	var c Coverage
	if p.readable() {
		c = p.coverage()
	}
	return c, p.findings
}

func (p *parser) coverage() Coverage {
	var c Coverage
	text := p.cut(p.mark(), len(p.text))
	root := p.yaml(text, "coverage")
	if root == nil {
		return c
	}
	f := yamlAt{p, text}
	for _, pair := range f.pairs(root, "key") {
		lists := map[string]*[]Place{"causes": &c.Causes, "actions": &c.Actions, "sources": &c.Sources, "checks": &c.Checks}
		list, ok := lists[pair.key.Value]
		if !ok {
			p.wrong(f.at(pair.key), "unknown-key", "no key is called %q%s", pair.key.Value, suggest(pair.key.Value, sortedKeys(lists)))
			continue
		}
		for _, entry := range f.pairs(pair.value, "id") {
			*list = append(*list, p.place(f, entry))
		}
	}
	return c
}

func (p *parser) place(f yamlAt, entry yamlPair) Place {
	place := Place{ID: entry.key.Value, Pos: p.pos(f.at(entry.key))}
	if !coversID.MatchString(place.ID) {
		p.wrong(f.at(entry.key), "bad-value", "%q is not an id: C-connection-leak, for instance", place.ID)
	}
	if entry.value.Kind != yaml.MappingNode {
		p.wrong(f.at(entry.key), "bad-value", "%s is written {about: …, at: […]}", place.ID)
		return place
	}
	for _, pair := range f.pairs(entry.value, "key") {
		texts := map[string]*string{"about": &place.About, "group": &place.Group, "cloud": &place.Cloud, "cluster": &place.Cluster, "later": &place.Later}
		into, ok := texts[pair.key.Value]
		switch {
		case pair.key.Value == "at":
			place.At = f.texts(pair.value, "at")
		case ok:
			*into = pair.value.Value
		default:
			p.wrong(f.at(pair.key), "unknown-key", "no key is called %q%s", pair.key.Value, suggest(pair.key.Value, append(sortedKeys(texts), "at")))
		}
	}
	return place
}

// Check finds the holes (an id without a place and without a reason) and the
// places that are not there. A place is
//
//   - a condition or a remedy: "db/locks#anchor";
//   - an item of Resolved when, by how it begins: "db/locks: no deadlocks";
//   - a command, one of those given: "quell report";
//   - a built-in question or an action: "postgres.terminate";
//   - a kind of target: "loki".
//
// A cause stands at causes of playbooks that say they cover it, and every
// cause that a playbook says it covers is one of these.
func (c Coverage) Check(b *Book, commands []string) []Finding {
	var findings []Finding
	wrong := func(p Place, format string, args ...any) {
		findings = append(findings, Finding{Pos: p.Pos, Severity: Error, Rule: "coverage", Text: p.ID + " " + fmt.Sprintf(format, args...)})
	}
	for _, p := range slices.Concat(c.Causes, c.Actions, c.Sources, c.Checks) {
		if p.About == "" {
			wrong(p, "does not say what it is: about: …")
		}
		if len(p.At) == 0 && p.Cloud == "" && p.Cluster == "" && p.Later == "" {
			wrong(p, "has no place: at: […], or a reason: cloud, cluster or later")
		}
		for _, at := range p.At {
			if text := b.lacks(at, commands); text != "" {
				wrong(p, "stands at %q: %s", at, text)
			}
		}
	}
	known := map[string]bool{}
	for _, p := range c.Causes {
		known[p.ID] = true
		if p.Group == "" {
			wrong(p, "is in no group")
		}
		for _, at := range p.At {
			if of := b.Of(at); b.Condition(at) != nil && !slices.Contains(of.Covers, p.ID) {
				wrong(p, "stands at %q, and %s does not say that it covers it", at, of.Path)
			}
		}
	}
	for _, of := range b.Playbooks {
		for _, id := range of.Covers {
			if !known[id] {
				findings = append(findings, Finding{Pos: Pos{of.Path, 1, 1}, Severity: Error, Rule: "coverage", Text: fmt.Sprintf("covers %s, which is no cause%s", id, suggest(id, sortedKeys(known)))})
			}
		}
	}
	return sorted(findings)
}

// lacks says why a place is none.
func (b *Book) lacks(at string, commands []string) string {
	if strings.HasPrefix(at, "quell ") {
		if slices.Contains(commands, at) {
			return ""
		}
		return "there is no such command" + suggest(at, commands)
	}
	if id, item, is := strings.Cut(at, ": "); is {
		p := b.Playbook(id)
		if p == nil {
			return b.Unknown(id).Error()
		}
		if slices.ContainsFunc(p.Resolved, func(i Item) bool { return strings.HasPrefix(i.Text, item) }) {
			return ""
		}
		return "no item of its Resolved when begins so"
	}
	if strings.Contains(at, "#") {
		if b.Condition(at) != nil || b.Remedy(at) != nil {
			return ""
		}
		p := b.Of(at)
		if p == nil {
			return b.Unknown(at).Error()
		}
		return "no condition or remedy has that anchor" + suggest(at[len(p.ID)+1:], targets(p, "condition"))
	}
	if strings.Contains(at, ".") {
		_, question := b.vocabulary.Builtin(at)
		_, change := b.vocabulary.Action(at)
		if question || change {
			return ""
		}
		return "no question or action is called so" + suggest(at, append(b.vocabulary.Builtins(""), b.vocabulary.Actions("")...))
	}
	if slices.Contains(b.vocabulary.KindNames(), at) {
		return ""
	}
	return "no kind of target is called so" + suggest(at, b.vocabulary.KindNames())
}

package playbook

import (
	"fmt"
	"slices"
	"strings"
)

// settleLinks leads a link to a heading that is no condition to the condition of
// the same name: the title of a file is often what its only symptom is called.
func (p *parsed) settleLinks(set map[string]*parsed) {
	for _, c := range p.book.Conditions {
		for i := range c.LeadsTo {
			id, anchor, _ := strings.Cut(c.LeadsTo[i].Target, "#")
			other, ok := set[id]
			if !ok || slices.ContainsFunc(other.book.Conditions, func(c *Condition) bool { return c.Anchor == anchor }) {
				continue
			}
			same := slices.IndexFunc(other.book.Conditions, func(c *Condition) bool { return Anchor(c.Title) == anchor })
			if same >= 0 {
				c.LeadsTo[i].Target = other.book.Conditions[same].ID
			}
		}
	}
}

// checkLinks checks what a file's links point at. With whole the set is all
// there is; without it only links inside of the file can be checked.
func (p *parsed) checkLinks(set map[string]*parsed, whole bool) {
	p.settleLinks(set)
	for _, c := range p.book.Conditions {
		c.LeadsTo = slices.DeleteFunc(c.LeadsTo, func(l Link) bool {
			return !p.checkLink(set, whole, l.Pos, l.Target, "condition", func(other *Playbook) bool {
				return slices.ContainsFunc(other.Conditions, func(c *Condition) bool { return c.ID == l.Target })
			})
		})
	}
	p.book.Ladder = slices.DeleteFunc(p.book.Ladder, func(r Rung) bool {
		return !p.checkLink(set, whole, r.Pos, r.Target, "mitigation", func(other *Playbook) bool {
			_, anchor, _ := strings.Cut(r.Target, "#")
			return slices.ContainsFunc(other.Conditions, func(c *Condition) bool {
				return slices.ContainsFunc(c.Remedies, func(r Remedy) bool { return r.Anchor == anchor && r.Kind == Mitigate })
			})
		})
	})
	if !whole {
		p.findings = append(p.findings, circles([]*Playbook{p.book})...)
	}
}

// checkLink reports a link that leads nowhere, and whether it may stay.
func (p *parsed) checkLink(set map[string]*parsed, whole bool, pos Pos, target, want string, has func(*Playbook) bool) bool {
	id, anchor, _ := strings.Cut(target, "#")
	wrong := func(severity Severity, text string) bool {
		p.findings = append(p.findings, Finding{Pos: pos, Severity: severity, Rule: "broken-link", Text: text})
		return false
	}
	other, ok := set[id]
	if !ok && !whole {
		return true
	}
	if !ok {
		return wrong(Error, fmt.Sprintf("there is no playbook %s.md%s", id, suggest(id, sortedKeys(set))))
	}
	if has(other.book) {
		return true
	}
	if other.root > p.root {
		// A team replaced a shipped file by its own: the shipped files that
		// linked to the old one are none of its business.
		return wrong(Warning, fmt.Sprintf("the file that replaces %s.md has no %s #%s: the link is left out", id, want, anchor))
	}
	in := ""
	if other != p {
		in = " in " + id + ".md"
	}
	if h, ok := other.headings[anchor]; ok {
		return wrong(Error, fmt.Sprintf("#%s is the heading %q%s, which is no %s", anchor, h.title, in, want))
	}
	return wrong(Error, fmt.Sprintf("there is no heading #%s%s%s", anchor, in, suggest(anchor, targets(other.book, want))))
}

func targets(book *Playbook, want string) []string {
	var out []string
	for _, c := range book.Conditions {
		if want == "condition" {
			out = append(out, c.Anchor)
			continue
		}
		for _, r := range c.Remedies {
			if r.Kind == Mitigate {
				out = append(out, r.Anchor)
			}
		}
	}
	return out
}

// circles finds conditions that lead to themselves. Each tangle is reported
// once, with its shortest circle, at the link with which that begins.
func circles(books []*Playbook) []Finding {
	conditions := map[string]*Condition{}
	for _, b := range books {
		for _, c := range b.Conditions {
			conditions[c.ID] = c
		}
	}
	var findings []Finding
	reported := map[string]bool{}
	for _, id := range sortedKeys(conditions) {
		if reported[id] {
			continue
		}
		way := shortestCircle(conditions, id)
		if way == nil {
			continue
		}
		titles := make([]string, 0, len(way)+1)
		for _, step := range way {
			reported[step] = true
			titles = append(titles, fmt.Sprintf("%q", conditions[step].Title))
		}
		titles = append(titles, titles[0])
		next := way[0]
		if len(way) > 1 {
			next = way[1]
		}
		pos := conditions[id].Pos
		for _, l := range conditions[id].LeadsTo {
			if l.Target == next {
				pos = l.Pos
				break
			}
		}
		findings = append(findings, Finding{Pos: pos, Severity: Error, Rule: "causal-circle",
			Text: "a causal circle: " + joined(titles) + "; one of them cannot be the cause of the other"})
	}
	return findings
}

// shortestCircle returns the conditions on the shortest way from id back to
// itself, id first, or nil.
func shortestCircle(conditions map[string]*Condition, id string) []string {
	from := map[string]string{}
	queue := []string{id}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range conditions[at].LeadsTo {
			if l.Target == id {
				way := []string{at}
				for at != id {
					at = from[at]
					way = append(way, at)
				}
				slices.Reverse(way)
				return way
			}
			if _, seen := from[l.Target]; seen || conditions[l.Target] == nil {
				continue
			}
			from[l.Target] = at
			queue = append(queue, l.Target)
		}
	}
	return nil
}

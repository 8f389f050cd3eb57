package playbook

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// explainWidth is the width of the page in columns.
const explainWidth = 92

// Explain writes what a playbook, or one condition of it, asks, concludes and
// proposes, for a person. The id is "db/connections" or
// "db/connections#requests-wait-for-a-connection". An unknown id is an error
// that names the nearest one.
func (b *Book) Explain(w io.Writer, id string) error {
	page := &page{book: b}
	name, anchor, one := strings.Cut(id, "#")
	p := b.Playbook(strings.TrimSuffix(name, ".md"))
	switch {
	case p == nil:
		return b.Unknown(name)
	case !one:
		page.playbook(p)
	default:
		c := b.Condition(p.ID + "#" + anchor)
		if c == nil {
			return fmt.Errorf("playbook %s has no condition %q%s", p.ID, anchor, suggest(anchor, targets(p, "condition")))
		}
		page.condition(p, c, true)
	}
	_, err := io.WriteString(w, blankLines.ReplaceAllString(strings.TrimSpace(page.out.String()), "\n\n")+"\n")
	return err
}

// Unknown is the error that there is no playbook of that id; it names the
// nearest one.
func (b *Book) Unknown(id string) error {
	return fmt.Errorf("there is no playbook %q%s", id, suggest(id, sortedKeys(b.playbooks)))
}

var blankLines = regexp.MustCompile(`\n{3,}`)

// page is text in the making.
type page struct {
	book *Book
	out  bytes.Buffer
}

func (g *page) playbook(p *Playbook) {
	g.title(p.Title, p.ID)
	g.text("", p.Summary)
	g.line("")
	g.field("alerts", strings.Join(p.Alerts, ", "))
	g.field("severity", p.Severity)
	for _, n := range p.Needs {
		about := ""
		if n.Optional {
			about = " (better with it, works without)"
		}
		g.field("needs", "@"+n.Role+": "+n.Kind+about)
	}
	for _, param := range p.Params {
		g.field("parameter", fmt.Sprintf("%s = %s (%s): %s", param.Name, expr.FormatValue(param.Default), param.Type, param.About))
	}
	g.field("covers", strings.Join(p.Covers, ", "))
	g.head("What it asks")
	for _, q := range p.Probes {
		g.probe(q)
	}
	for _, kind := range []ConditionKind{Symptom, Cause} {
		for _, c := range p.Conditions {
			if c.Kind == kind {
				g.condition(p, c, false)
			}
		}
	}
	if len(p.Ladder) > 0 {
		g.head("Last resort, one rung at a time, up to the first that helps")
		for i, r := range p.Ladder {
			watch := ""
			if r.Watch > 0 {
				watch = ", then watch " + expr.FormatDuration(r.Watch)
			}
			g.item(fmt.Sprintf("  %d. ", i+1), r.Text+watch)
		}
	}
	if len(p.Resolved) > 0 {
		g.head("Resolved when")
		for _, item := range p.Resolved {
			g.resolved(item)
		}
	}
}

func (g *page) probe(q *Probe) {
	language := q.Lang
	if q.Builtin != "" {
		language = q.Builtin
	}
	g.item("  ", fmt.Sprintf("%s: of @%s, %s", q.Name, q.Role, language))
	spec, ok := g.book.vocabulary.Builtin(q.Builtin)
	if q.Builtin == "" || !ok {
		g.text("      ", q.Why)
		for _, name := range q.Signatures() {
			g.signature(name)
		}
		return
	}
	g.text("      ", spec.Question+" "+spec.Why)
	if q.Why != "" {
		g.text("      ", "Here: "+q.Why)
	}
	if spec.Cost != "" {
		g.text("      ", "Cost: "+spec.Cost)
	}
	for _, param := range spec.Params {
		if value, given := q.Args[param.Name]; given {
			g.text("      ", fmt.Sprintf("%s = %s: %s", param.Name, value.Source(), param.About))
		}
	}
}

// signature writes what a question looks for under a name.
func (g *page) signature(name string) {
	s, ok := g.book.vocabulary.Signature(name)
	if !ok {
		return
	}
	g.item("      "+signaturePrefix+name+": ", s.Says)
	g.line("          " + s.Pattern)
}

// condition writes one condition; alone it also writes the questions that its
// signs read.
func (g *page) condition(p *Playbook, c *Condition, alone bool) {
	g.title(strings.ToUpper(string(c.Kind[:1]))+string(c.Kind[1:])+": "+c.Title, c.ID)
	g.text("", c.Prose)
	g.line("")
	if c.Kind == Cause {
		common := c.HowCommon
		if common == "" {
			common = Sometimes
		}
		g.field("how common", string(common))
	}
	for _, l := range c.LeadsTo {
		g.field("leads to", g.name(l.Target))
	}
	for _, id := range g.book.causesOf(c.ID) {
		g.field("comes from", g.name(id))
	}
	read := map[string]bool{}
	if len(c.Signs) > 0 {
		g.line("")
	}
	for _, s := range c.Signs {
		for _, name := range s.Reads {
			read[name] = true
		}
		g.item(fmt.Sprintf("  %-10s ", s.Weight), s.Means.Source())
		g.text(strings.Repeat(" ", 13), oneLine(s.Program.Source()))
	}
	for _, r := range c.Remedies {
		g.remedy(r)
	}
	if !alone || len(read) == 0 {
		return
	}
	g.head("What these signs read")
	for _, q := range p.Probes {
		if read[q.Name] {
			g.probe(q)
			g.fields(q)
		}
	}
}

// fields writes what the answer of a built-in question holds.
func (g *page) fields(q *Probe) {
	spec, ok := g.book.vocabulary.Builtin(q.Builtin)
	if !ok {
		return
	}
	for _, f := range spec.Fields {
		prefix := "."
		if spec.Shape == probe.Rows {
			prefix = "[]."
		}
		g.item("        "+prefix+f.Name+" ", fmt.Sprintf("(%s) %s", f.Type, f.About))
	}
}

func (g *page) remedy(r Remedy) {
	word := "Mitigate"
	if r.Kind == Fix {
		word = "Fix"
	}
	g.line("")
	g.item("  "+word+": ", r.Title)
	if r.Only != nil {
		g.item("      only where ", oneLine(r.Only.Source()))
	}
	if prose := strings.ReplaceAll(r.Prose.Source(), "$${", "${"); prose != "" {
		g.verbatim("      ", prose)
	}
	for _, a := range r.Actions {
		spec, _ := g.book.vocabulary.Action(a.Type)
		g.item("      ", fmt.Sprintf("action %s on @%s (%s): %s", a.Type, a.Role, spec.Risk, spec.Does))
		for _, arg := range a.Args {
			g.item("          "+arg.Name+": ", oneLine(arg.Value.Source()))
		}
	}
	for _, task := range r.Checklist {
		g.item("      - [ ] ", strings.ReplaceAll(task.Source(), "$${", "${"))
	}
	if r.Verify != nil {
		within := expr.FormatDuration(r.Verify.Within)
		if r.Verify.Param != "" {
			within = r.Verify.Param + " (" + within + ")"
		}
		g.item("      verify within "+within+": ", oneLine(r.Verify.Program.Source()))
	}
}

func (g *page) resolved(item Item) {
	g.item("  - [ ] ", item.Text)
	if item.Program == nil {
		return
	}
	how := ""
	if item.For > 0 {
		how = " for " + expr.FormatDuration(item.For)
	}
	if item.Over > 0 {
		how = " over " + expr.FormatDuration(item.Over)
	}
	if source := oneLine(item.Program.Source()); source != item.Text || how != "" {
		g.text("        ", source+how)
	}
}

// name is a condition's title with its id.
func (g *page) name(id string) string {
	if c := g.book.Condition(id); c != nil {
		return c.Title + " (" + id + ")"
	}
	return id
}

// causesOf lists the conditions that lead to one, by id.
func (b *Book) causesOf(id string) []string {
	var out []string
	for _, c := range b.Conditions() {
		for _, l := range c.LeadsTo {
			if l.Target == id && (len(out) == 0 || out[len(out)-1] != c.ID) {
				out = append(out, c.ID)
			}
		}
	}
	return out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (g *page) line(s string) { g.out.WriteString(strings.TrimRight(s, " ") + "\n") }

func (g *page) title(title, id string) {
	g.line("")
	g.text("", title)
	g.line("[" + id + "]")
}

func (g *page) head(s string) {
	g.line("")
	g.line(s)
}

func (g *page) field(name, value string) {
	if value != "" {
		g.item(fmt.Sprintf("  %-11s", name), value)
	}
}

// text writes paragraphs, each line indented.
func (g *page) text(indent, s string) {
	for paragraph := range strings.SplitSeq(s, "\n\n") {
		if paragraph = oneLine(paragraph); paragraph != "" {
			g.item(indent, paragraph)
		}
	}
}

// verbatim writes lines as they are, and breaks only those that are too long.
func (g *page) verbatim(indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(indent+line) <= explainWidth {
			g.line(indent + line)
			continue
		}
		g.item(indent, line)
	}
}

// item writes text behind a label, with further lines below the text.
func (g *page) item(label, text string) {
	width := utf8.RuneCountInString(label)
	line, used := label, width
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if i > 0 && used+1+n > explainWidth {
			g.line(line)
			line, used = strings.Repeat(" ", width), width
		} else if i > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	g.line(line)
}

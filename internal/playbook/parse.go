package playbook

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quellhq/quell/internal/expr"
)

// Bounds on one file. They are far above what a person writes, and keep what a
// machine writes from taking the reader's time and memory.
const (
	maxSize       = 1 << 20 // bytes
	maxProbes     = 200
	maxConditions = 200
	maxSigns      = 100 // of one condition
	maxParams     = 100
	maxNesting    = 40   // lists and quotes inside of one another on one line
	maxBrackets   = 4000 // [ between two blank lines: the Markdown library takes quadratic time for links
	maxEdges      = 100  // "Leads to:" and "How common:" lines of one paragraph
)

// ParseFile reads one playbook. It always returns one, as far as it could be
// read; with an error among the findings it must not be used for a diagnosis.
// Links to other files are resolved but not checked: Load does that.
func ParseFile(file string, text []byte, vocabulary Vocabulary) (*Playbook, []Finding) {
	p := parse(file, idOf(file), text, vocabulary)
	p.checkLinks(map[string]*parsed{p.book.ID: p}, false)
	return p.book, sorted(p.findings)
}

// idOf is a playbook's id: its path without the ending.
func idOf(file string) string {
	return strings.TrimSuffix(path.Clean(strings.ReplaceAll(file, "\\", "/")), ".md")
}

// parser reads one file. It goes on after each mistake, so that one run shows
// them all.
type parser struct {
	*document
	vocabulary Vocabulary
	book       *Playbook
	findings   []Finding

	env                 *expr.Env
	used                map[string]bool      // names that some expression or query uses
	usedRoles           map[string]bool      //
	fields              map[string][]string  // of an object, or of each row, by the probe's name; none: not known
	headings            map[string]headingAt // by anchor
	broken              map[string]bool      // names whose declaration is wrong: not reported again where they are used
	count               map[Severity]int
	undeclared          bool // a probe, a role or a parameter has no name that can be read: uses of it are not reported
	badNeeds, badParams bool
	noFront             bool // the front matter could not be read: neither are roles and parameters
}

type headingAt struct {
	title string
	pos   Pos
}

// parsed is a file after reading, with what the checks across files need.
type parsed struct {
	book     *Playbook
	findings []Finding
	headings map[string]headingAt
	root     int  // which of the loaded directories it came from
	skipped  bool // not a playbook
}

func parse(file, id string, text []byte, vocabulary Vocabulary) *parsed {
	p := &parser{
		document:   &document{source: newSource(file, text)},
		vocabulary: vocabulary,
		book:       &Playbook{ID: id, Path: file, Source: text},
		used:       map[string]bool{}, usedRoles: map[string]bool{},
		fields: map[string][]string{}, headings: map[string]headingAt{}, broken: map[string]bool{}, count: map[Severity]int{},
	}
	out := &parsed{book: p.book, headings: p.headings}
	if p.readable() {
		p.document = readDocument(p.source)
		out.skipped = p.whole()
	}
	out.findings = p.findings
	return out
}

// readable refuses what would cost more to read than it can be worth.
func (p *parser) readable() bool {
	if len(p.text) > maxSize {
		p.wrong(0, "too-big", "the file has %d bytes; the limit is %d", len(p.text), maxSize)
		return false
	}
	if !utf8.Valid(p.text) || bytes.IndexByte(p.text, 0) >= 0 {
		p.wrong(0, "not-text", "this is not a text file in UTF-8")
		return false
	}
	brackets := 0
	for _, start := range p.lines {
		line := p.text[start:p.lineEnd(start)]
		if brackets += bytes.Count(line, []byte("[")); len(bytes.TrimSpace(line)) == 0 {
			brackets = 0
		}
		if brackets > maxBrackets {
			p.wrong(start, "too-deep", "more than %d [ in one paragraph", maxBrackets)
			return false
		}
		if markers(line) > maxNesting {
			p.wrong(start, "too-deep", "lists or quotes are nested more than %d deep", maxNesting)
			return false
		}
	}
	return true
}

// markers counts the list and quote marks that a line begins with.
func markers(line []byte) int {
	count := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '>':
			count++
		case c == '-' || c == '*' || c == '+':
			if i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\t' {
				return count
			}
			count++
		case c == ' ' || c == '\t' || c >= '0' && c <= '9':
		case c == '.' || c == ')':
			count++
		default:
			return count
		}
	}
	return count
}

// section is a `##` heading with the blocks below it.
type section struct {
	name   string // one of the known names, or empty
	head   *block
	blocks []block
}

// The sections that are read.
const (
	evidenceSection = "Evidence"
	symptomsSection = "Symptoms"
	causesSection   = "Causes"
	ladderSection   = "Ladder"
	resolvedSection = "Resolved when"
)

var sectionNames = []string{evidenceSection, symptomsSection, causesSection, ladderSection, resolvedSection}

// whole reads the file in two passes: first what names things, then what uses
// the names. It reports whether the file is no playbook at all.
func (p *parser) whole() (skipped bool) {
	p.unglue()
	p.anchorHeadings()
	sections := p.sections()
	if !p.hasYAML {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name != "" }) {
			return true
		}
		p.noFront = true
		p.noFrontMatter()
	}
	p.frontMatter()
	p.title(sections)
	for _, s := range sections {
		if s.name == evidenceSection {
			p.evidence(s)
		}
	}
	p.declare()
	for _, s := range sections {
		switch s.name {
		case symptomsSection:
			p.conditions(s, Symptom)
		case causesSection:
			p.conditions(s, Cause)
		case ladderSection:
			p.ladder(s)
		case resolvedSection:
			p.resolved(s)
		}
	}
	p.strayFences(sections)
	p.unused()
	p.lookAlikes()
	p.settle()
	return false
}

// frontLine is a line that opens front matter, or was meant to.
var frontLine = regexp.MustCompile(`(?m)^(?:---+|\+\+\+|;;;)[ \t]*\r?$`)

// noFrontMatter says why no front matter was found.
func (p *parser) noFrontMatter() {
	first := frontLine.FindIndex(p.text[p.base():])
	switch {
	case first == nil || bytes.Contains(p.text[:p.base()+first[0]], []byte("\n#")) || bytes.HasPrefix(p.text[p.base():], []byte("#")):
		p.wrong(0, "front-matter", "the front matter is missing: begin the file with a line ---, the keys alerts and needs, and another line ---")
	case first[0] > 0:
		p.wrong(p.base()+first[0], "front-matter", "the front matter begins in the first line of the file: move it there")
	case strings.TrimSpace(string(p.text[p.base():p.base()+first[1]])) != "---":
		p.wrong(0, "front-matter", "the front matter stands between two lines of three dashes, ---, and is YAML")
	default:
		p.wrong(0, "front-matter", "the front matter is never closed: write another line --- below its last key")
	}
}

func (p *parser) anchorHeadings() {
	var made anchors
	for i := range p.blocks {
		if b := &p.blocks[i]; b.kind == heading {
			b.anchor = made.next(b.title)
			p.headings[b.anchor] = headingAt{b.title, p.pos(b.text.offset(0))}
		}
	}
}

// sections groups the blocks by `##` headings. The blocks before the first one
// are a section without a head.
func (p *parser) sections() []section {
	out := []section{{}}
	seen := map[string]Pos{}
	for i := range p.blocks {
		b := p.blocks[i]
		if b.kind == heading && b.level != 2 && slices.Contains(sectionNames, b.title) && seen[b.title].Line == 0 && !(b.level == 1 && i == 0) && (b.level == 1 || b.level == 3 && p.onlyHeads(i)) {
			p.wrong(b.text.offset(0), "unknown-section", "a section is a heading with two #: ## %s", b.title)
			p.blocks[i].level, b.level = 2, 2 // read as it was meant
		}
		if b.kind != heading || b.level != 2 {
			out[len(out)-1].blocks = append(out[len(out)-1].blocks, b)
			continue
		}
		s := section{head: &p.blocks[i]}
		if slices.Contains(sectionNames, b.title) {
			s.name = b.title
			if first, again := seen[b.title]; again {
				p.wrong(b.text.offset(0), "duplicate", "a second section %q; the first is in line %d", b.title, first.Line)
			}
			seen[b.title] = p.pos(b.text.offset(0))
		} else if near := closest(b.title, append([]string{"Symptom", "Cause", "Resolved"}, sectionNames...)); near != "" {
			meant := map[string]string{"Symptom": symptomsSection, "Cause": causesSection, "Resolved": resolvedSection}
			if full, ok := meant[near]; ok {
				near = full
			}
			s.name = near // read as it was meant, so that one mistake gives one message
			p.wrong(b.text.offset(0), "unknown-section", "no section is called %q; did you mean %q?", b.title, near)
		}
		out = append(out, s)
	}
	return out
}

// onlyHeads reports whether a heading has another one right below it, as that of
// a section has and that of a condition has not.
func (p *parser) onlyHeads(i int) bool {
	return i+1 < len(p.blocks) && p.blocks[i+1].kind == heading && p.blocks[i+1].level == 3
}

// glued is a heading without the space that makes it one.
var glued = regexp.MustCompile(`^(#{2,6})([^#\s].*)$`)

// unglue reports headings without a space, and reads them as they were meant.
func (p *parser) unglue() {
	for i := range p.blocks {
		b := &p.blocks[i]
		m := glued.FindStringSubmatch(b.text.text)
		if b.kind != paragraph || m == nil {
			continue
		}
		p.wrong(b.at, "unknown-section", "a heading has a space behind its #: %s %s", m[1], m[2])
		b.kind, b.level, b.title = heading, len(m[1]), strings.TrimSpace(m[2])
		b.text = b.text.slice(len(m[1]), len(b.text.text))
	}
}

func (p *parser) title(sections []section) {
	found := false
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.kind != heading || b.level != 1 {
			continue
		}
		if found {
			p.wrong(b.text.offset(0), "duplicate", "a second title; use ## for a section, or make it a file of its own")
			continue
		}
		found = true
		p.book.Title = b.title
		if b.title == "" {
			p.wrong(b.at, "missing-title", "the title is empty")
		}
	}
	if !found {
		p.wrong(p.front.offset(len(p.front.text)), "missing-title", "the playbook has no title: write a line `# What goes wrong` below the front matter")
	}
	for _, b := range sections[0].blocks {
		if b.kind == paragraph {
			p.book.Summary = plainText(b.node, p.text[p.base():])
			break
		}
	}
}

// base is the offset at which the Markdown begins.
func (p *parser) base() int {
	if !p.hasYAML {
		return p.mark()
	}
	return p.nextLine(p.front.offset(0) + len(p.front.text))
}

// settle holds back what is only a consequence of other mistakes: what rests
// on the whole of a file is not said while a part of it cannot be read.
func (p *parser) settle() {
	failed := HasErrors(p.findings)
	p.findings = slices.DeleteFunc(p.findings, func(f Finding) bool {
		switch f.Rule {
		case "unread-probe", "unused-param", "unused-role", "untold-cause", "no-verification", "look-alike", "empty":
			return failed && f.Severity == Warning
		case "unknown-name":
			return p.noFront || p.undeclared
		case "hole":
			return p.noFront || p.badParams
		case "unknown-role":
			return p.noFront || p.badNeeds && strings.HasPrefix(f.Text, noSuchRole)
		}
		return false
	})
}

// declare makes the environment of names that signs and templates see.
func (p *parser) declare() {
	names := map[string]expr.Type{serviceName: expr.Text, Changes: expr.Object, Began: expr.Number}
	for _, param := range p.book.Params {
		names[param.Name] = expr.OfParam(param.Type)
	}
	for _, probe := range p.book.Probes {
		names[probe.Name] = expr.OfShape(probe.Shape)
	}
	for name := range p.broken {
		if _, declared := names[name]; declared {
			names[name] = expr.Any // declared twice: nobody knows which is meant
		}
	}
	env, err := expr.NewEnv(names)
	if err != nil {
		p.wrong(0, "expression", "%s", err)
		// An environment without names always exists; what follows is reported too.
		env, _ = expr.NewEnv(nil)
	}
	p.env = env
}

// serviceName is the name of the service under investigation, which prose and
// arguments may use: ${service}.
const serviceName = "service"

// Changes and Began are always there too: what has changed of the service, a
// list for each kind, and the moment (seconds since 1970) by which the first
// symptom that is seen had begun.
const (
	Changes = "changes"
	Began   = "began"
)

// OfTime reports whether a name is one of these two: they are known only after
// the symptoms have been judged.
func OfTime(name string) bool { return name == Changes || name == Began }

// wrong reports an error at an offset of the file.
func (p *parser) wrong(offset int, rule, format string, args ...any) {
	p.find(offset, Error, rule, fmt.Sprintf(format, args...))
}

// doubt reports a warning at an offset of the file.
func (p *parser) doubt(offset int, rule, format string, args ...any) {
	p.find(offset, Warning, rule, fmt.Sprintf(format, args...))
}

func (p *parser) find(offset int, severity Severity, rule, text string) {
	if p.count[severity]++; p.count[severity] > 10*maxFindings {
		return // sorted keeps maxFindings of them
	}
	text = strings.Join(strings.Fields(text), " ")
	const longest = 400
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	p.findings = append(p.findings, Finding{Pos: p.pos(offset), Severity: severity, Rule: rule, Text: text})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

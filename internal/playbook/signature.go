package playbook

import (
	"io/fs"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/probe"
)

// Signature is a line of a log that has a name: a pattern, what a line says
// that it matches, and examples that prove it. Playbooks refer to it, so that a
// new spelling of a message is written down once.
type Signature struct {
	Name    string   // the system, a dot and a word: "postgres.too_many_clients"
	System  string   // "postgres"
	Pattern string   // RE2
	Says    string   // what such a line says, for a person
	Yes     []string // lines that it matches
	No      []string // lines that look alike and that it must not match
	Beside  []string // names of signatures whose lines it may match too
	Causes  []string // ids of root causes that such a line speaks for
	Pos     Pos      // of its name
}

// signaturePrefix begins the hole of a question that names a signature.
const signaturePrefix = "signature."

// Signature returns the signature of a name, and whether there is one.
func (v Vocabulary) Signature(name string) (Signature, bool) {
	i, ok := slices.BinarySearchFunc(v.Signatures, name, func(s Signature, name string) int { return strings.Compare(s.Name, name) })
	if !ok {
		return Signature{}, false
	}
	return v.Signatures[i], true
}

// pattern is what a hole stands for that names a signature.
func (v Vocabulary) pattern(hole string) (probe.Pattern, bool) {
	name, is := strings.CutPrefix(hole, signaturePrefix)
	if !is {
		return "", false
	}
	s, ok := v.Signature(name)
	return probe.Pattern(s.Pattern), ok
}

// Bounds on signatures, far above what people write.
const (
	maxSignatures = 2000 // of one directory
	maxPattern    = 4000 // bytes of one pattern
	maxExamples   = 50   // lines of one signature, yes and no each
)

// ReadSignatures reads the signatures of all roots, by name: those in
// signatures.yaml and in signatures/*.yaml. One in a later root replaces that
// of the same name in an earlier one.
func ReadSignatures(roots ...Root) ([]Signature, []Finding) {
	byName := map[string]Signature{}
	var findings []Finding
	for _, root := range roots {
		own, wrong := rootSignatures(root)
		findings = append(findings, wrong...)
		for name, s := range own {
			byName[name] = s
		}
	}
	var out []Signature
	for _, name := range sortedKeys(byName) {
		out = append(out, byName[name])
	}
	return out, findings
}

func rootSignatures(root Root) (map[string]Signature, []Finding) {
	out := map[string]Signature{}
	var findings []Finding
	for _, name := range signatureFiles(root.FS) {
		text, err := readFile(root.FS, name)
		if err != nil {
			findings = append(findings, Finding{Pos: Pos{shown(root, name), 1, 1}, Severity: Error, Rule: "unreadable", Text: reason(err)})
			continue
		}
		p := &parser{document: &document{source: newSource(shown(root, name), text)}, count: map[Severity]int{}}
		if p.readable() {
			p.signatures(out)
		}
		findings = append(findings, p.findings...)
	}
	return out, findings
}

// signatureFiles lists the files of a root that may hold signatures. A root
// that cannot be listed is reported where its playbooks are read.
func signatureFiles(files fs.FS) []string {
	var names []string
	for _, name := range []string{"signatures.yaml", "signatures.yml"} {
		if info, err := fs.Stat(files, name); err == nil && !info.IsDir() {
			names = append(names, name)
		}
	}
	entries, err := fs.ReadDir(files, "signatures")
	if err != nil {
		return names
	}
	for _, e := range entries {
		ending := path.Ext(e.Name())
		if !e.IsDir() && !hidden(e.Name()) && (ending == ".yaml" || ending == ".yml") {
			names = append(names, "signatures/"+e.Name())
		}
	}
	return names
}

var (
	signatureKeys   = []string{"pattern", "says", "yes", "no", "beside", "causes"}
	signatureSystem = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	signatureWord   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
)

// signatures reads one file: the system, and its signatures by name.
func (p *parser) signatures(into map[string]Signature) {
	text := p.cut(p.mark(), len(p.text))
	root := p.yaml(text, "signature")
	if root == nil {
		return
	}
	f := yamlAt{p, text}
	if root.Kind != yaml.MappingNode {
		p.wrong(f.at(root), "signature", "a file of signatures has the keys system and signatures")
		return
	}
	system, list := "", (*yaml.Node)(nil)
	for _, pair := range f.pairs(root, "key") {
		switch pair.key.Value {
		case "system":
			system = pair.value.Value
			if !signatureSystem.MatchString(system) {
				p.wrong(f.at(pair.value), "bad-value", "%q cannot be a system: write a word of small letters, digits and _, like postgres", system)
				return
			}
		case "signatures":
			list = pair.value
		default:
			p.wrong(f.at(pair.key), "unknown-key", "no key is called %q%s", pair.key.Value, suggest(pair.key.Value, []string{"system", "signatures"}))
		}
	}
	switch {
	case system == "":
		p.wrong(f.at(root), "signature", "say whose lines these are: system: postgres")
		return
	case list == nil || list.Kind != yaml.MappingNode:
		p.wrong(f.at(root), "signature", "the signatures stand by name: signatures: {too_many_clients: {pattern: …, says: …, yes: […], no: […]}}")
		return
	}
	for _, pair := range f.pairs(list, "signature") {
		if len(into) >= maxSignatures {
			p.wrong(f.at(pair.key), "too-many", "more than %d signatures in one directory", maxSignatures)
			return
		}
		s, ok := p.oneSignature(f, system, pair)
		if !ok {
			continue
		}
		if first, again := into[s.Name]; again {
			p.wrong(f.at(pair.key), "duplicate", "a second signature %q; the first is in %s", s.Name, first.Pos)
			continue
		}
		into[s.Name] = s
	}
}

func (p *parser) oneSignature(f yamlAt, system string, pair yamlPair) (Signature, bool) {
	before := len(p.findings)
	at := f.at(pair.key)
	s := Signature{Name: system + "." + pair.key.Value, System: system, Pos: p.pos(at)}
	if !signatureWord.MatchString(pair.key.Value) {
		p.wrong(at, "bad-value", "%q cannot be the name of a signature: write a word of small letters, digits and _", pair.key.Value)
		return s, false
	}
	if pair.value.Kind != yaml.MappingNode {
		p.wrong(at, "bad-value", "signature %s is written {pattern: …, says: …, yes: […], no: […]}", s.Name)
		return s, false
	}
	patternAt := at
	for _, entry := range f.pairs(pair.value, "key") {
		switch entry.key.Value {
		case "pattern":
			patternAt = f.at(entry.value)
			s.Pattern = anyPattern(f.texts(entry.value, "pattern"))
		case "says":
			s.Says = strings.TrimSpace(entry.value.Value)
		case "yes":
			s.Yes = f.texts(entry.value, "yes")
		case "no":
			s.No = f.texts(entry.value, "no")
		case "beside":
			s.Beside = f.texts(entry.value, "beside")
		case "causes":
			s.Causes = f.texts(entry.value, "causes")
			for i, id := range s.Causes {
				if !coversID.MatchString(id) {
					p.wrong(f.item(entry.value, i), "bad-value", "%q is not the id of a root cause: C-connection-leak, for instance", id)
				}
			}
		default:
			p.wrong(f.at(entry.key), "unknown-key", "a signature has no key %q%s", entry.key.Value, suggest(entry.key.Value, signatureKeys))
		}
	}
	if len(p.findings) > before {
		return s, false
	}
	// Parsed and not compiled: a load would spend most of its time on patterns
	// that nobody asks for. What asks compiles its own query.
	_, err := syntax.Parse(s.Pattern, syntax.Perl)
	switch {
	case s.Pattern == "":
		p.wrong(at, "signature", "signature %s has no pattern", s.Name)
	case len(s.Pattern) > maxPattern:
		p.wrong(patternAt, "too-big", "the pattern of %s is longer than %d bytes", s.Name, maxPattern)
	case err != nil:
		p.wrong(patternAt, "signature", "the pattern of %s is not RE2: %s", s.Name, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case s.Says == "":
		p.wrong(at, "signature", "signature %s does not say what such a line says: says: …", s.Name)
	case len(s.Yes) > maxExamples || len(s.No) > maxExamples:
		p.wrong(at, "too-many", "signature %s has more than %d examples", s.Name, maxExamples)
	}
	return s, len(p.findings) == before
}

// anyPattern matches what any of the patterns does. Each stands in brackets of
// its own, since a flag like (?i) would go on into those behind it.
func anyPattern(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	var out []string
	for _, p := range list {
		out = append(out, "(?:"+p+")")
	}
	return strings.Join(out, "|")
}

// SignatureUsers lists the questions that refer to each signature, by its
// name: "db/locks:deadlock_lines".
func (b *Book) SignatureUsers() map[string][]string {
	users := map[string][]string{}
	for _, p := range b.Playbooks {
		for _, q := range p.Probes {
			for _, name := range q.Signatures() {
				users[name] = append(users[name], p.ID+":"+q.Name)
			}
		}
	}
	return users
}

// Signatures lists the names of the signatures that a question refers to, in
// the order written, without repeats.
func (p *Probe) Signatures() []string {
	var names []string
	for _, hole := range p.Text.Holes() {
		if name, is := strings.CutPrefix(hole, signaturePrefix); is && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

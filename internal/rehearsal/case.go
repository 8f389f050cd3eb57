// Package rehearsal plays playbooks against case files: the scripted answer of
// each question, and the diagnosis that must come of it. No system is needed.
package rehearsal

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/playbook"
)

// Case is one case file: what is asked of the diagnosis, and the answers.
type Case struct {
	Path     string
	Story    string // the text before the first file of the archive
	Playbook string // id of the playbook that it stands beside
	Expect   Expect
	Answers  []Answer
}

// Expect is the file "case" of the archive. Conditions are named by their
// anchor in the case's own playbook, or by their whole id.
type Expect struct {
	Service  string            `yaml:"service"`   // default "shop"
	At       time.Time         `yaml:"at"`        // default 2026-01-01T12:00:00Z
	Alert    string            `yaml:"alert"`     // the name of the alert that fired
	Symptom  string            `yaml:"symptom"`   // what a person reported
	Also     []string          `yaml:"also"`      // ids of further playbooks that are asked
	Params   map[string]string `yaml:"params"`    // values of parameters, as written in a playbook
	Verdict  string            `yaml:"verdict"`   // found, nothing is wrong, cannot tell; default: found when first or roots is set
	First    string            `yaml:"first"`     // the first root
	Roots    []string          `yaml:"roots"`     // all roots, in order
	Likely   []string          `yaml:"likely"`    // conditions that must be likely
	Unlikely []string          `yaml:"unlikely"`  // conditions that must not be likely
	Gone     []string          `yaml:"gone"`      // conditions that nobody would feel any more: not even possible
	RuledOut []string          `yaml:"ruled_out"` // conditions that a sign must exclude
	Chain    []string          `yaml:"chain"`     // the why-chain of the first root
	Next     string            `yaml:"next"`      // the probe of the next best question
}

// Answer is the scripted answer to one question. Its name is a probe of the
// case's playbook, "playbook-id:probe", or the name of a built-in question,
// which then answers for every playbook in play.
type Answer struct {
	Name string
	Text string
	Line int // where it starts in the case file
}

// defaultAt is the time of a case that does not say.
var defaultAt = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// Find lists the case files of a directory of playbooks: NAME.cases/*.txtar
// beside NAME.md, sorted.
func Find(fsys fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".txtar") && strings.HasSuffix(path.Dir(p), ".cases") {
			found = append(found, p)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for case files: %w", err)
	}
	sort.Strings(found)
	return found, nil
}

// Parse reads one case file. name is its path in the directory of playbooks.
func Parse(name string, data []byte) (*Case, error) {
	archive := txtar.Parse(data)
	c := &Case{
		Path: name, Story: strings.TrimSpace(string(archive.Comment)),
		Playbook: strings.TrimSuffix(path.Dir(name), ".cases"),
	}
	seen := map[string]bool{}
	line := 1 + bytes.Count(archive.Comment, []byte("\n"))
	told := false
	for _, f := range archive.Files {
		part := partName(f.Name)
		if seen[part] {
			return nil, fmt.Errorf("%s:%d: %q stands there twice", name, line, part)
		}
		seen[part] = true
		switch part {
		case "case", "expect", "expected", "alert":
			told = told || part != "alert"
			if err := c.Expect.read(name, part, line, f.Data); err != nil {
				return nil, err
			}
		default:
			c.Answers = append(c.Answers, Answer{Name: part, Text: string(f.Data), Line: line})
		}
		line += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	if !told {
		return nil, fmt.Errorf("%s: there is no part \"-- case --\" that says what to expect: write it as %s", name, shape)
	}
	e := &c.Expect
	if e.First == "" && e.Verdict == "" && len(e.Roots) == 0 && len(e.Likely) == 0 && len(e.Unlikely) == 0 && len(e.Gone) == 0 && len(e.RuledOut) == 0 && len(e.Chain) == 0 && e.Next == "" {
		return nil, fmt.Errorf("%s: the part \"case\" expects nothing: add first, roots, verdict, likely, unlikely, gone, ruled_out, chain or next", name)
	}
	if e.Service == "" {
		e.Service = "shop"
	}
	if e.At.IsZero() {
		e.At = defaultAt
	}
	return c, nil
}

// shape is how a case is written, for those who wrote it otherwise.
const shape = `-- case --, first: the-anchor-of-a-cause, and then for each question -- its name --, and its answer`

// partName is a part's name without what people add to file names.
func partName(name string) string {
	name = strings.TrimSpace(name)
	for _, folder := range []string{"answers/", "evidence/", "probes/"} {
		name = strings.TrimPrefix(name, folder)
	}
	for _, ending := range []string{".yaml", ".yml", ".json", ".txt"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}

// verdicts are what a case may expect.
var verdicts = []string{string(diagnosis.Found), string(diagnosis.Nothing), string(diagnosis.CannotTell)}

// read adds one part of the archive; line is that of the part's head. Keys may
// stand below a key expect of their own.
func (e *Expect) read(name, part string, line int, data []byte) error {
	wrong := func(at int, format string, args ...any) error {
		return fmt.Errorf("%s:%d: the part %q: %s", name, line+at, part, fmt.Sprintf(format, args...))
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		at := 0
		message := strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			if n, convErr := strconv.Atoi(m[1]); convErr == nil {
				at = n
			}
			message = m[2]
			if strings.HasPrefix(message, "did not find expected") {
				at++ // the library's parser counts lines from zero, its scanner from one
			}
		}
		return wrong(at, "this is not YAML: %s", message)
	}
	if len(root.Content) == 0 {
		return nil
	}
	keys := root.Content[0]
	if keys.Kind != yaml.MappingNode {
		return wrong(keys.Line, "it is written key: value, such as first: the-anchor-of-a-cause")
	}
	var known []string
	fields := reflect.TypeFor[Expect]()
	for i := range fields.NumField() {
		known = append(known, fields.Field(i).Tag.Get("yaml"))
	}
	for i := 0; i+1 < len(keys.Content); i += 2 {
		key, value := keys.Content[i], keys.Content[i+1]
		if (key.Value == "expect" || key.Value == "expected") && value.Kind == yaml.MappingNode {
			keys.Content = append(keys.Content, value.Content...)
			keys.Content = slices.Delete(keys.Content, i, i+2)
			i -= 2
			continue
		}
		if part == "alert" && key.Value == "name" {
			key.Value = "alert"
		}
		if !slices.Contains(known, key.Value) {
			return fmt.Errorf("%s:%d: the part %q has no key %q%s", name, line+key.Line, part, key.Value, playbook.Suggest(key.Value, known))
		}
		if key.Value == "verdict" && !slices.Contains(verdicts, value.Value) {
			return wrong(value.Line, "there is no verdict %q%s", value.Value, playbook.Suggest(value.Value, verdicts))
		}
		if key.Value == "at" {
			var at time.Time
			if value.Decode(&at) != nil {
				return wrong(value.Line, "%q is no time: write 2026-01-01T12:00:00Z", value.Value)
			}
		}
		// One name may stand for a list of one.
		if kind := fields.Field(slices.Index(known, key.Value)).Type.Kind(); kind == reflect.Slice && value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
			keys.Content[i+1] = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: value.Line, Content: []*yaml.Node{value}}
		}
	}
	if err := keys.Decode(e); err != nil {
		at := 0
		message := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n"), "yaml: ")
		if m := yamlLine.FindStringSubmatch(strings.TrimSpace(message)); m != nil {
			if n, convErr := strconv.Atoi(m[1]); convErr == nil {
				at = n
			}
			message = m[2]
		}
		return wrong(at, "%s", strings.TrimSpace(message))
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^line (\d+): (.*)`)

// id is the id of a condition as a case names it: its anchor, with or without
// the #, its title, or its whole id, with or without .md.
func (c *Case) id(name string) string {
	file, anchor, whole := strings.Cut(strings.TrimSpace(name), "#")
	if !whole {
		file, anchor = "", file
	}
	if strings.ContainsAny(anchor, " ") || strings.ToLower(anchor) != anchor {
		anchor = playbook.Anchor(anchor)
	}
	if file = strings.TrimSuffix(file, ".md"); file == "" {
		file = c.Playbook
	}
	return file + "#" + anchor
}

// Names lists the ids of all conditions that the case expects something of.
func (c *Case) Names() []string {
	e := c.Expect
	names := []string{}
	for _, list := range [][]string{{e.First}, e.Roots, e.Likely, e.Unlikely, e.Gone, e.RuledOut, e.Chain} {
		for _, name := range list {
			if name == "" {
				continue
			}
			name = c.id(name)
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

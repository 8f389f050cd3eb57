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
	Symptom  string            `yaml:"symptom"`   // what a person reported
	Also     []string          `yaml:"also"`      // ids of further playbooks that are asked
	Params   map[string]string `yaml:"params"`    // values of parameters, as written in a playbook
	Verdict  string            `yaml:"verdict"`   // found, nothing is wrong, cannot tell; default: found when first or roots is set
	First    string            `yaml:"first"`     // the first root
	Roots    []string          `yaml:"roots"`     // all roots, in order
	Likely   []string          `yaml:"likely"`    // conditions that must be likely
	Unlikely []string          `yaml:"unlikely"`  // conditions that must not be likely
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
	for _, f := range archive.Files {
		if seen[f.Name] {
			return nil, fmt.Errorf("%s:%d: %q stands there twice", name, line, f.Name)
		}
		seen[f.Name] = true
		if f.Name == "case" {
			dec := yaml.NewDecoder(bytes.NewReader(f.Data))
			dec.KnownFields(true)
			if err := dec.Decode(&c.Expect); err != nil {
				return nil, expectError(name, line, err)
			}
		} else {
			c.Answers = append(c.Answers, Answer{Name: f.Name, Text: string(f.Data), Line: line})
		}
		line += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	if !seen["case"] {
		return nil, fmt.Errorf("%s: there is no part \"-- case --\" that says what to expect", name)
	}
	e := &c.Expect
	if e.First == "" && e.Verdict == "" && len(e.Roots) == 0 && len(e.Likely) == 0 && len(e.Unlikely) == 0 && len(e.RuledOut) == 0 && len(e.Chain) == 0 && e.Next == "" {
		return nil, fmt.Errorf("%s: the part \"case\" expects nothing: add first, roots, verdict, likely, unlikely, ruled_out, chain or next", name)
	}
	if e.Service == "" {
		e.Service = "shop"
	}
	if e.At.IsZero() {
		e.At = defaultAt
	}
	return c, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (?:field (\S+) not found)?`)

// expectError says what is wrong in the part "case", in lines of the whole
// file; line is that of the part's head.
func expectError(name string, line int, err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("%s:%d: the part \"case\": %w", name, line, err)
	}
	if n, convErr := strconv.Atoi(m[1]); convErr == nil {
		line += n
	}
	if m[2] == "" {
		return fmt.Errorf("%s:%d: the part \"case\": %w", name, line, err)
	}
	var keys []string
	fields := reflect.TypeFor[Expect]()
	for i := range fields.NumField() {
		keys = append(keys, fields.Field(i).Tag.Get("yaml"))
	}
	return fmt.Errorf("%s:%d: the part \"case\" has no key %q%s", name, line, m[2], playbook.Suggest(m[2], keys))
}

// Names lists the ids of all conditions that the case expects something of.
func (c *Case) Names() []string {
	e := c.Expect
	names := []string{}
	for _, list := range [][]string{{e.First}, e.Roots, e.Likely, e.Unlikely, e.RuledOut, e.Chain} {
		for _, name := range list {
			if name == "" {
				continue
			}
			if !strings.Contains(name, "#") {
				name = c.Playbook + "#" + name
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

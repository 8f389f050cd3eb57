package playbook

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Root is a directory of playbooks: embedded, or os.DirFS of one on disk.
type Root struct {
	FS     fs.FS
	Prefix string // what stands before a file's path in messages: "playbooks"
}

// Book is a set of playbooks that were read and checked together. It does not
// change, and is safe for concurrent use.
type Book struct {
	Playbooks []*Playbook // by id

	vocabulary Vocabulary
	playbooks  map[string]*Playbook
	conditions map[string]*Condition
	words      *wordIndex
}

// maxFiles bounds how many playbooks one load reads.
const maxFiles = 2000

// Load reads the playbooks of all roots into one checked set, whole or not at
// all: with an error among the findings the book is nil. A caller that wants
// to go on without a team's broken directory loads the others again.
//
// A playbook is a file *.md at any depth. Not read are README.md, files whose
// name begins with a dot or an underscore, what stands in such directories and
// in *.cases, and Markdown without front matter and without a section of a
// playbook (which gets a warning, because it may be a slip). A file in a later
// root replaces the one with the same path in an earlier root: that is how a
// team changes a shipped playbook. Signatures are read too, and replaced by name.
func Load(vocabulary Vocabulary, roots ...Root) (*Book, []Finding) {
	files := map[string]*parsed{}
	signatures, findings := ReadSignatures(roots...)
	vocabulary.Signatures, vocabulary.badSignatures = signatures, HasErrors(findings)
	for i, root := range roots {
		found, wrong := readRoot(root, vocabulary, i)
		findings = append(findings, wrong...)
		for id, p := range found {
			if _, again := files[id]; again && p.skipped {
				continue
			}
			files[id] = p
		}
	}
	readable := map[string]*parsed{}
	for id, p := range files {
		if !p.skipped {
			readable[id] = p
			continue
		}
		findings = append(findings, Finding{Pos: Pos{p.book.Path, 1, 1}, Severity: Warning, Rule: "not-a-playbook",
			Text: "this file has no front matter and no section of a playbook: it is not read"})
	}
	var books []*Playbook
	for _, id := range sortedKeys(readable) {
		readable[id].checkLinks(readable, true)
		books = append(books, readable[id].book)
		findings = append(findings, readable[id].findings...)
	}
	findings = sorted(append(findings, circles(books)...))
	if HasErrors(findings) {
		return nil, findings
	}
	return newBook(vocabulary, books), findings
}

func newBook(vocabulary Vocabulary, books []*Playbook) *Book {
	b := &Book{Playbooks: books, vocabulary: vocabulary, playbooks: map[string]*Playbook{}, conditions: map[string]*Condition{}}
	for _, p := range books {
		b.playbooks[p.ID] = p
		for _, c := range p.Conditions {
			b.conditions[c.ID] = c
		}
	}
	b.words = newWordIndex(books)
	return b
}

// readRoot reads the files of one directory.
func readRoot(root Root, vocabulary Vocabulary, number int) (map[string]*parsed, []Finding) {
	var names []string
	var texts [][]byte
	var findings []Finding
	fail := func(name string, err error) {
		findings = append(findings, Finding{Pos: Pos{shown(root, name), 1, 1}, Severity: Error, Rule: "unreadable", Text: reason(err)})
	}
	err := fs.WalkDir(root.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			fail(name, err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			if name != "." && (hidden(entry.Name()) || strings.HasSuffix(entry.Name(), ".cases")) {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, ".md") || hidden(entry.Name()) || entry.Name() == "README.md":
			return nil
		case len(names) == maxFiles:
			fail(name, fmt.Errorf("more than %d playbooks in one directory", maxFiles))
			return fs.SkipAll
		}
		text, err := readFile(root.FS, name)
		if err != nil {
			fail(name, err)
			return nil
		}
		names, texts = append(names, name), append(texts, text)
		return nil
	})
	if err != nil {
		fail(".", err)
	}
	// Compiling the signs takes longer than all else: every processor has a part.
	files := make([]*parsed, len(names))
	var group sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				files[i] = parse(shown(root, names[i]), strings.TrimSuffix(names[i], ".md"), texts[i], vocabulary)
				files[i].root = number
			}
		})
	}
	group.Wait()
	out := map[string]*parsed{}
	for _, p := range files {
		out[p.book.ID] = p
	}
	return out, findings
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

func shown(root Root, name string) string {
	if name == "." {
		return filepath.ToSlash(root.Prefix)
	}
	return path.Join(filepath.ToSlash(root.Prefix), name)
}

// reason drops the path from a file error: it stands before the message.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Op + ": " + at.Err.Error()
	}
	return err.Error()
}

// readFile reads at most one byte more than a playbook may have: enough to
// see that it is too long.
func readFile(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

// Vocabulary is the vocabulary that the book was checked against.
func (b *Book) Vocabulary() Vocabulary { return b.vocabulary }

// Playbook returns the playbook of an id ("db/connections"), or nil.
func (b *Book) Playbook(id string) *Playbook { return b.playbooks[id] }

// Condition returns the condition of an id
// ("db/connections#requests-wait-for-a-connection"), or nil.
func (b *Book) Condition(id string) *Condition { return b.conditions[id] }

// Conditions lists all conditions, by playbook id and then as written.
func (b *Book) Conditions() []*Condition {
	var out []*Condition
	for _, p := range b.Playbooks {
		out = append(out, p.Conditions...)
	}
	return out
}

// Of returns the playbook that a condition or a rung's target stands in, or nil.
func (b *Book) Of(id string) *Playbook {
	name, _, _ := strings.Cut(id, "#")
	return b.playbooks[name]
}

// Edges maps each condition's id to the ids of those it leads to, in the order
// written and without repeats. It is a new map at every call.
func (b *Book) Edges() map[string][]string {
	out := map[string][]string{}
	for _, c := range b.Conditions() {
		for _, l := range c.LeadsTo {
			if !slices.Contains(out[c.ID], l.Target) {
				out[c.ID] = append(out[c.ID], l.Target)
			}
		}
	}
	return out
}

// Remedy returns the remedy that a rung's target names, or nil.
func (b *Book) Remedy(id string) *Remedy {
	p := b.Of(id)
	if p == nil {
		return nil
	}
	_, anchor, _ := strings.Cut(id, "#")
	for _, c := range p.Conditions {
		for i := range c.Remedies {
			if c.Remedies[i].Anchor == anchor {
				return &c.Remedies[i]
			}
		}
	}
	return nil
}

// ForAlert lists the playbooks that an alert of that name calls, by id. Case
// does not matter.
func (b *Book) ForAlert(name string) []*Playbook {
	var out []*Playbook
	for _, p := range b.Playbooks {
		if slices.ContainsFunc(p.Alerts, func(a string) bool { return strings.EqualFold(a, name) }) {
			out = append(out, p)
		}
	}
	return out
}

// Package app is the one place that knows everyone: it fills the vocabulary
// of playbooks from the connectors, opens targets from the configuration, and
// runs the use cases that the command line (and later the web) offers.
package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/playbook"
	shipped "github.com/quellhq/quell/playbooks"
)

// Vocabulary is what playbooks may speak of in this build, without the
// signatures of log lines, which stand beside the playbooks.
func Vocabulary() playbook.Vocabulary { return playbook.Vocabulary{Kinds: all.Kinds()} }

// shippedPrefix stands before the paths of shipped playbooks in messages.
const shippedPrefix = "shipped"

// LoadShipped loads the playbooks inside the binary, once in a process: they
// do not change, and compiling some thousand signs takes half a second.
func LoadShipped() (*playbook.Book, []playbook.Finding) { return loadShipped() }

var loadShipped = sync.OnceValues(func() (*playbook.Book, []playbook.Finding) {
	return playbook.Load(Vocabulary(), shippedRoot())
})

// Coverage is where everything that the shipped playbooks set out to know has
// its place.
func Coverage() (playbook.Coverage, error) {
	coverage, findings := playbook.ReadCoverage(shippedRoot())
	if playbook.HasErrors(findings) {
		return coverage, &BrokenPlaybooks{findings}
	}
	return coverage, nil
}

func shippedRoot() playbook.Root { return playbook.Root{FS: shipped.Files, Prefix: shippedPrefix} }

// Library is a set of playbooks that was loaded for use.
type Library struct {
	Book *playbook.Book
	// Broken are the findings that kept a team's own directory from loading;
	// the book then holds the shipped playbooks alone.
	Broken []playbook.Finding
}

// LoadLibrary loads the shipped playbooks and a team's own. One broken file in
// a team's directory keeps that directory out, never the shipped ones.
func LoadLibrary(dirs []string) (Library, error) {
	roots := []playbook.Root{shippedRoot()}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return Library{}, fmt.Errorf("playbooks: there is no directory %s: make it, or take it out of quell.yaml", dir)
		}
		roots = append(roots, playbook.Root{FS: os.DirFS(dir), Prefix: dir})
	}
	load := LoadShipped
	if len(dirs) > 0 {
		load = func() (*playbook.Book, []playbook.Finding) { return playbook.Load(Vocabulary(), roots...) }
	}
	book, findings := frugally(load)
	if book != nil {
		return Library{Book: book}, nil
	}
	alone, own := LoadShipped()
	if alone == nil {
		return Library{}, &BrokenPlaybooks{own}
	}
	return Library{Book: alone, Broken: onlyErrors(findings)}, nil
}

// Compiling some thousand signs leaves ten times their size behind. It is collected
// more often meanwhile, which takes a tenth of a second and saves a sixth of the
// peak, and given back at the end: what is asked next should not come on top of it.
const gcPercent = 60

// loading keeps loads from mixing up what was set before.
var loading sync.Mutex

func frugally(load func() (*playbook.Book, []playbook.Finding)) (*playbook.Book, []playbook.Finding) {
	loading.Lock()
	defer loading.Unlock()
	before := debug.SetGCPercent(gcPercent)
	defer func() {
		debug.SetGCPercent(before)
		debug.FreeOSMemory()
	}()
	return load()
}

// PlaybookDirs are the directories of playbooks that the configuration names:
// none where there is no configuration.
func PlaybookDirs(path string) ([]string, error) {
	c, err := config.Load(config.Options{Path: path, Kinds: all.Kinds()})
	if errors.Is(err, config.ErrNone) || errors.Is(err, config.ErrEmpty) {
		return nil, nil
	}
	return c.Playbooks, err
}

// BrokenPlaybooks is a set of playbooks that cannot be used.
type BrokenPlaybooks struct{ Findings []playbook.Finding }

func (e *BrokenPlaybooks) Error() string {
	var lines []string
	for _, f := range onlyErrors(e.Findings) {
		lines = append(lines, f.String())
	}
	return "the playbooks do not load:\n" + strings.Join(lines, "\n")
}

func onlyErrors(findings []playbook.Finding) []playbook.Finding {
	var out []playbook.Finding
	for _, f := range findings {
		if f.Severity == playbook.Error {
			out = append(out, f)
		}
	}
	return out
}

// Lint checks files and directories. A directory is checked as a whole,
// together with the shipped playbooks, so that links may lead there.
func Lint(paths []string) ([]playbook.Finding, error) {
	var findings []playbook.Finding
	for _, p := range paths {
		found, err := lintOne(p)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

func lintOne(p string) ([]playbook.Finding, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if filepath.Ext(p) != ".md" {
			return nil, fmt.Errorf("%s is no playbook: they are Markdown files, NAME.md", p)
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		vocabulary := Vocabulary()
		signatures, findings := playbook.ReadSignatures(append([]playbook.Root{shippedRoot()}, signaturesAbove(p)...)...)
		vocabulary.Signatures = signatures
		_, found := playbook.ParseFile(filepath.ToSlash(p), text, vocabulary)
		return append(findings, found...), nil
	}
	_, findings := playbook.Load(Vocabulary(), rootsFor(p)...)
	signatures, _ := playbook.ReadSignatures(rootsFor(p)...)
	findings = append(findings, playbook.CheckSignatures(signatures)...)
	var own []playbook.Finding
	for _, f := range findings {
		if !strings.HasPrefix(f.Pos.Path, shippedPrefix+"/") {
			own = append(own, f)
		}
	}
	return own, nil
}

// signaturesAbove is the directory that a single file belongs to: the nearest
// one above it that has signatures.
func signaturesAbove(file string) []playbook.Root {
	dir := filepath.Dir(file)
	for range 4 {
		for _, name := range []string{"signatures.yaml", "signatures.yml", "signatures"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return []playbook.Root{{FS: os.DirFS(dir), Prefix: dir}}
			}
		}
		dir = filepath.Join(dir, "..")
	}
	return nil
}

// rootsFor is a directory above the shipped playbooks, or alone where it is
// their own source (it then has the package file).
func rootsFor(dir string) []playbook.Root {
	own := playbook.Root{FS: os.DirFS(dir), Prefix: dir}
	if _, err := fs.Stat(own.FS, "playbooks.go"); err == nil {
		return []playbook.Root{own}
	}
	return []playbook.Root{shippedRoot(), own}
}

// LoadDirectory loads one directory for rehearsal, on top of the shipped ones.
func LoadDirectory(dir string) (*playbook.Book, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errors.New(dir + " is not a directory")
	}
	book, findings := playbook.Load(Vocabulary(), rootsFor(dir)...)
	if book == nil {
		return nil, &BrokenPlaybooks{findings}
	}
	return book, nil
}

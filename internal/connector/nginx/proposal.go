package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// proposal is what a change would make of one file.
type proposal struct {
	path     string // links followed
	former   []byte // nil: the file is not there
	next     []byte // nil: it is taken away
	already  bool   // the text is as wanted
	item     action.Item
	summary  string
	undo     string
	warnings []string
	drain    bool // it is made when the old workers have ended
}

// propose finds out what a change would do to a configuration. It refuses what
// is not to be done; other errors mean that the world could not be read.
type propose func(tree *tree, args action.Args) (proposal, error)

// over is the configuration with the change made.
func (p proposal) over() overlay { return overlay{p.path: p.next} }

// loaded reports whether the workers have read the file as it is.
func (p proposal) loaded(m master) (bool, error) {
	info, err := os.Stat(p.path)
	if os.IsNotExist(err) {
		// A file that is gone has no time; its directory changed when it went.
		info, err = os.Stat(filepath.Dir(p.path))
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", p.path, err)
	}
	return loadedSince(m, info.ModTime())
}

// splice is a change of some bytes of a text.
type splice struct {
	start, end int
	text       string
}

// spliced returns the text with the changes made; they do not overlap.
func spliced(data []byte, changes []splice) []byte {
	slices.SortFunc(changes, func(a, b splice) int { return b.start - a.start })
	out := append([]byte{}, data...)
	for _, c := range changes {
		out = slices.Concat(out[:c.start], []byte(c.text), out[c.end:])
	}
	return out
}

// difference shows two texts' lines between what they have in common at the
// beginning and at the end.
func difference(was, is []byte) string {
	const most = 20
	a, b := strings.Split(string(was), "\n"), strings.Split(string(is), "\n")
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	toA, toB := len(a), len(b)
	for toA > from && toB > from && a[toA-1] == b[toB-1] {
		toA, toB = toA-1, toB-1
	}
	lines := []string{fmt.Sprintf("@@ line %d @@", from+1)}
	for _, line := range a[from:toA] {
		lines = append(lines, "-"+line)
	}
	for _, line := range b[from:toB] {
		lines = append(lines, "+"+line)
	}
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… and %d lines more", len(lines)-most))
	}
	return strings.Join(lines, "\n")
}

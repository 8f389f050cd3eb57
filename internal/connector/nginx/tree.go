package nginx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is a configuration with all that it includes.
type tree struct {
	conf     string // the main file as it was named
	main     *file
	files    []*file   // in the order of their first inclusion
	patterns []include // what is included, for files that are not there yet
	over     overlay
}

// include is one include directive: a pattern, and the blocks that it stands in.
type include struct {
	pattern string
	within  []string // names of the blocks, outermost first
}

// overlay are files that are taken to have another text than on disk, by their
// path with links followed. A nil text: taken to be absent.
type overlay map[string][]byte

// Bounds of a configuration that is read: large ones have a few hundred files.
const (
	maxFiles = 2000
	maxDepth = 20
	maxBytes = 16 << 20
)

// loader reads a tree.
type loader struct {
	tree  *tree
	bytes int
	count int
}

// load reads a configuration. Errors name file and line.
func load(conf string, over overlay) (*tree, error) {
	l := &loader{tree: &tree{conf: conf, over: over}}
	f, err := l.file(conf, nil, 0)
	if err != nil {
		return nil, err
	}
	l.tree.main = f
	return l.tree, nil
}

func (l *loader) file(path string, within []string, depth int) (*file, error) {
	real := realPath(path)
	l.count++
	if depth > maxDepth || l.count > maxFiles {
		return nil, fmt.Errorf("read %s: files include each other without end, or there are more than %d", path, maxFiles)
	}
	f := &file{path: real}
	var err error
	if f.data, err = l.read(real); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := f.parse(); err != nil {
		return nil, fmt.Errorf("%s: %w", real, err)
	}
	if !slices.ContainsFunc(l.tree.files, func(g *file) bool { return g.path == real }) {
		l.tree.files = append(l.tree.files, f)
	}
	return f, l.follow(f.directives, within, depth)
}

// follow reads what directives include.
func (l *loader) follow(list []*directive, within []string, depth int) error {
	for _, d := range list {
		if d.block != nil {
			if err := l.follow(d.block, append(slices.Clone(within), d.name.text), depth); err != nil {
				return err
			}
		}
		if d.name.text != "include" || len(d.args) != 1 || d.block != nil {
			continue
		}
		pattern := d.arg(0)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(l.tree.conf), pattern)
		}
		l.tree.patterns = append(l.tree.patterns, include{pattern, within})
		paths, err := l.matches(pattern)
		if err != nil {
			return fmt.Errorf("%s:%d: include %s: %w", d.file.path, d.line(), pattern, err)
		}
		for _, path := range paths {
			f, err := l.file(path, within, depth+1)
			if err != nil {
				return err
			}
			d.included = append(d.included, f)
		}
	}
	return nil
}

// matches lists what a pattern includes, as glob(3) does: sorted, without
// names that begin with a dot. A name without wildcards has to be there.
func (l *loader) matches(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for path, text := range l.tree.over {
		known := slices.ContainsFunc(found, func(f string) bool { return realPath(f) == path })
		if text != nil && !known && includes(pattern, path) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return slices.DeleteFunc(found, func(path string) bool {
		text, changed := l.tree.over[realPath(path)]
		return changed && text == nil || !visible(pattern, path)
	}), nil
}

// includes reports whether a pattern takes in a path, which is a real one.
func includes(pattern, path string) bool {
	for _, p := range []string{pattern, filepath.Join(realPath(filepath.Dir(pattern)), filepath.Base(pattern))} {
		if ok, err := filepath.Match(p, path); err == nil && ok && visible(p, path) {
			return true
		}
	}
	return false
}

// visible reports whether no wildcard of a pattern would have to stand for the
// dot at the beginning of a name.
func visible(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i := range min(len(want), len(have)) {
		if strings.HasPrefix(have[i], ".") && !strings.HasPrefix(want[i], ".") {
			return false
		}
	}
	return true
}

func (l *loader) read(path string) ([]byte, error) {
	if text, ok := l.tree.over[path]; ok {
		if text == nil {
			return nil, os.ErrNotExist
		}
		return text, nil
	}
	data, err := readBounded(path, maxBytes-l.bytes)
	l.bytes += len(data)
	return data, err
}

// readBounded reads a file of at most so many bytes.
func readBounded(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(data) > most {
		return nil, errors.New("it is larger than what is read")
	}
	return data, err
}

// realPath follows links; a file that is not there keeps its name below its
// directory.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return filepath.Clean(path)
}

// within returns the blocks that a file of this path would be included in, and
// whether it would be at all.
func (t *tree) within(path string) ([]string, bool) {
	for _, i := range t.patterns {
		if includes(i.pattern, path) {
			return i.within, true
		}
	}
	return nil, false
}

// walk visits every directive, includes followed, with the blocks that it
// stands in.
func (t *tree) walk(visit func(d *directive, within []*directive)) {
	walk(t.main.directives, nil, visit)
}

func walk(list, within []*directive, visit func(d *directive, within []*directive)) {
	for _, d := range list {
		visit(d, within)
		if d.block != nil {
			walk(d.block, append(slices.Clone(within), d), visit)
		}
		for _, f := range d.included {
			walk(f.directives, within, visit)
		}
	}
}

// mainDirective returns the last directive of a name outside of every block, or nil.
func (t *tree) mainDirective(name string) *directive {
	var found *directive
	t.walk(func(d *directive, within []*directive) {
		if len(within) == 0 && d.name.text == name {
			found = d
		}
	})
	return found
}

// current reads a file as the tree takes it to be: nil and none where there is none.
func (t *tree) current(path string) ([]byte, string, error) {
	if text, ok := t.over[path]; ok {
		return text, nameOf(text), nil
	}
	return current(path)
}

// digest names a text.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digest names the whole configuration.
func (t *tree) digest() string {
	h := sha256.New()
	for _, f := range t.files {
		fmt.Fprintf(h, "%s %s\n", f.path, digest(f.data))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

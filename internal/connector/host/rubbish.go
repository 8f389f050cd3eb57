package host

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// file is a file that may go.
type file struct {
	dir     string // the allowed directory that it lies in
	rel     string // its path in there
	id      fileID
	size    int64 // what is in it, bytes
	takes   int64 // what it takes on the disk, bytes
	changed time.Time
	uid     uint32
	gid     uint32
	mode    fs.FileMode
	shared  bool // it has other names too
}

func (f file) path() string { return filepath.Join(f.dir, f.rel) }

// guard is what must still be so: the same file, unchanged.
func (f file) guard() string {
	return fmt.Sprintf("device %d inode %d size %d changed %d user %d", f.id.device, f.id.inode, f.size, f.changed.UnixNano(), f.uid)
}

// fileOf reads what is known of a file; ok is false for anything else.
func fileOf(dir, rel string, info fs.FileInfo) (f file, ok bool) {
	st, ok := factsOf(info)
	return file{
		dir: dir, rel: rel, id: st.id, size: info.Size(), takes: st.takes, changed: info.ModTime(),
		uid: st.uid, gid: st.gid, mode: info.Mode().Perm(), shared: st.shared,
	}, ok && info.Mode().IsRegular()
}

// Bounds of a search.
const (
	mostEntries = 100_000 // names that are looked at
	mostFiles   = 200     // files that one change touches: the largest
)

// search finds files by patterns, one directory at a time. It follows no
// symbolic link, and stays on the file system of the allowed directory.
type search struct {
	ctx     context.Context
	root    *os.Root
	dir     string
	device  uint64
	entries *int
	found   func(file)
}

// patternIn splits a pattern into the allowed directory and the rest of it.
func (t *target) patternIn(pattern string) (dir string, parts []string, err error) {
	if len(t.config.MayClean) == 0 {
		return "", nil, action.Refuse("set may_clean on the target", "no directory may be cleaned")
	}
	if pattern != filepath.Clean(pattern) || !filepath.IsAbs(pattern) {
		return "", nil, action.Refuse("", "%q is no plain absolute path or pattern", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil || strings.Contains(pattern, "**") {
		return "", nil, action.Refuse("* stands for one name, or a part of it", "%q is no pattern that is understood", pattern)
	}
	dir = within(pattern, t.config.MayClean)
	if dir == "" || dir == pattern {
		return "", nil, action.Refuse("may_clean has "+strings.Join(t.config.MayClean, ", "), "%s lies in no directory that may be cleaned", pattern)
	}
	return dir, strings.Split(strings.TrimPrefix(pattern, dir+"/"), "/"), nil
}

// matching finds what the patterns mean, each file once, ordered by path.
func (t *target) matching(ctx context.Context, patterns []any) ([]file, error) {
	seen, entries := map[fileID]bool{}, 0
	var out []file
	for _, p := range patterns {
		pattern, ok := p.(string)
		if !ok {
			return nil, action.Refuse("", "%v is no path", p)
		}
		dir, parts, err := t.patternIn(pattern)
		if err != nil {
			return nil, err
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, action.Refuse("", "open %s: %s", dir, reason(err))
		}
		info, err := root.Stat(".")
		if err != nil {
			_ = root.Close()
			return nil, action.Refuse("", "open %s: %s", dir, reason(err))
		}
		s := search{ctx: ctx, root: root, dir: dir, entries: &entries, found: func(f file) {
			if !seen[f.id] {
				seen[f.id] = true
				out = append(out, f)
			}
		}}
		if st, ok := factsOf(info); ok {
			s.device = st.id.device
		}
		err = s.walk(".", parts)
		_ = root.Close()
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b file) int { return strings.Compare(a.path(), b.path()) })
	return out, nil
}

// walk goes down one part of the pattern. What cannot be read is left out: it
// is then not cleaned either.
func (s search) walk(at string, parts []string) error {
	d, err := s.root.Open(at)
	if err != nil {
		return nil
	}
	names, err := d.ReadDir(mostEntries)
	_ = d.Close()
	if err != nil && len(names) == 0 {
		return nil
	}
	for _, e := range names {
		if *s.entries++; *s.entries > mostEntries {
			return action.Refuse("write narrower patterns", "the patterns touch more than %d names", mostEntries)
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if ok, err := path.Match(parts[0], e.Name()); err != nil || !ok {
			continue
		}
		if err := s.entry(filepath.Join(at, e.Name()), parts[1:]); err != nil {
			return err
		}
	}
	return nil
}

// entry takes one name that matches: a file at the end of the pattern, or a
// directory on its way. Links are neither.
func (s search) entry(rel string, rest []string) error {
	info, err := s.root.Lstat(rel)
	if err != nil {
		return nil
	}
	st, ok := factsOf(info)
	if !ok || st.id.device != s.device {
		return nil
	}
	if len(rest) > 0 && info.IsDir() {
		return s.walk(rel, rest)
	}
	if f, ok := fileOf(s.dir, rel, info); ok && len(rest) == 0 {
		s.found(f)
	}
	return nil
}

// databaseMagic is how every SQLite database begins: the journal of quell is
// one.
var databaseMagic = []byte("SQLite format 3\x00")

// database reports whether a file is an SQLite database, or belongs to one
// that lies beside it.
func database(root *os.Root, rel string) bool {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if base, ok := strings.CutSuffix(rel, suffix); ok {
			if _, err := root.Lstat(base); err == nil {
				return true
			}
		}
	}
	f, err := root.Open(rel)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(databaseMagic))
	_, err = f.Read(head)
	return err == nil && bytes.Equal(head, databaseMagic)
}

// reason is what the system says of a path, without repeating it.
func reason(err error) string {
	var p *fs.PathError
	if ok := asPath(err, &p); ok {
		return p.Err.Error()
	}
	return err.Error()
}

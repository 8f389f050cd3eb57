package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mostFiles bounds how many files of a directory are looked at.
const mostFiles = 20_000

// written is a file and when it was last written.
type written struct {
	name string
	at   time.Time
}

// aside are directories in which a service writes while it works, or which
// other programs fill.
var aside = []string{
	".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", "vendor", ".tox", ".cache", ".pytest_cache", ".mypy_cache",
	"log", "logs", "tmp", "temp", "cache", "run", "data", "uploads", "media", "var",
}

// ownWrites are endings of files that a service writes while it works.
var ownWrites = []string{".log", ".pid", ".pyc", ".sock", ".lock", ".tmp", ".swp", ".db", ".sqlite", ".sqlite3", ".db-wal", ".db-shm", ".rdb", ".aof", ".out", ".prof"}

// tracked are the files of the checkout that were written after a moment.
func (t *target) tracked(ctx context.Context, after time.Time) ([]written, error) {
	out, err := t.git(ctx, "ls-files", "-z")
	if err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(t.config.Dir)
	if err != nil {
		return nil, err
	}
	var found []written
	for i, name := range split(out) {
		if i == mostFiles {
			break
		}
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() && info.ModTime().After(after) {
			found = append(found, written{name, info.ModTime().UTC()})
		}
	}
	return found, ctx.Err()
}

// copied are the files of a directory without git that were written after a
// moment; full is false where the directory has more than can be looked at.
func (t *target) copied(ctx context.Context, after time.Time) (found []written, full bool, err error) {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	dir, err := filepath.EvalSymlinks(t.config.Dir)
	if err != nil {
		return nil, false, err
	}
	seen := 0
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == dir:
			return err
		case err != nil:
			return nil // one directory that may not be read hides only itself
		case d.IsDir():
			if name != dir && slices.Contains(aside, strings.ToLower(d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if seen++; seen > mostFiles {
			return fs.SkipAll
		}
		if slices.Contains(ownWrites, path.Ext(name)) || !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(after) {
			rel, _ := filepath.Rel(dir, name)
			found = append(found, written{filepath.ToSlash(rel), info.ModTime().UTC()})
		}
		return nil
	})
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return found, seen <= mostFiles, err
}

// apart is the pause from which on two writes are of two occasions.
const apart = time.Minute

// occasions groups files of one kind that were written together.
func occasions(files []written) [][]written {
	slices.SortFunc(files, func(a, b written) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	var out [][]written
	for i, f := range files {
		if i == 0 || f.at.Sub(files[i-1].at) > apart {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], f)
	}
	return out
}

package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// file is one log file on disk.
type file struct {
	path     string
	size     int64
	modified time.Time
	spooled  *Spooled // standard input; nil for a file on disk
}

// Trouble is why a path gave no lines.
type Trouble struct {
	Path   string
	Kind   TroubleKind
	Reason string
}

// TroubleKind tells the ways in which a path can fail.
type TroubleKind int

// The kinds of trouble, the most telling first.
const (
	Denied     TroubleKind = iota + 1
	Missing                // no such file
	NoMatch                // the glob matches no file
	Unreadable             // a directory, a binary file, a compression we do not read, an I/O error
)

// Failed is the error when no path at all could be read.
type Failed struct{ Troubles []Trouble }

func (f *Failed) Error() string {
	parts := make([]string, len(f.Troubles))
	for i, t := range f.Troubles {
		parts[i] = t.Path + ": " + t.Reason
	}
	return strings.Join(parts, "; ")
}

// Kind is the most telling kind among the troubles.
func (f *Failed) Kind() TroubleKind {
	kind := Unreadable
	for _, t := range f.Troubles {
		kind = min(kind, t.Kind)
	}
	return kind
}

// list expands the paths to files, newest first.
func (f *Files) list() ([]file, []Trouble) {
	var files []file
	var troubles []Trouble
	seen := map[string]bool{}
	add := func(path string, named bool) bool {
		if seen[path] {
			return true
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			if named {
				seen[path] = true
				troubles = append(troubles, troubleOf(path, err))
			}
			return false
		case info.IsDir():
			if named {
				seen[path] = true
				troubles = append(troubles, Trouble{path, Unreadable, "is a directory: write " + filepath.Join(path, "*.log")})
			}
			return false
		case !info.Mode().IsRegular():
			if named {
				troubles = append(troubles, Trouble{path, Unreadable, "is " + kindOf(info.Mode()) + ", not a regular file"})
			}
			return false
		}
		seen[path] = true
		files = append(files, file{path: path, size: info.Size(), modified: info.ModTime()})
		return true
	}
	dirs := directories{}
	for _, pattern := range f.config.Paths {
		if pattern == StdinName {
			in := f.config.Stdin
			files = append(files, file{path: in.name, size: in.Size(), modified: in.read, spooled: in})
			continue
		}
		if _, err := os.Lstat(pattern); err == nil || !strings.ContainsAny(pattern, "*?[") {
			if add(pattern, true) {
				dirs.siblings(pattern, func(p string) { add(p, false) })
			}
			continue
		}
		matches, cut := expand(pattern)
		if cut != "" {
			troubles = append(troubles, Trouble{pattern, Unreadable, cut})
		}
		if len(matches) == 0 && cut == "" {
			troubles = append(troubles, noMatch(pattern))
		}
		for _, m := range matches {
			if add(m, true) {
				dirs.siblings(m, func(p string) { add(p, false) })
			}
		}
	}
	sort.SliceStable(files, func(a, b int) bool {
		if !files[a].modified.Equal(files[b].modified) {
			return files[a].modified.After(files[b].modified)
		}
		return files[a].path < files[b].path
	})
	if most := f.config.Files; len(files) > most {
		troubles = append(troubles, Trouble{"files that were named", Unreadable, fmt.Sprintf("only the newest %d of %d files are read", most, len(files))})
		files = files[:most]
	}
	return files, troubles
}

// noMatch tells an empty directory from one that may not be listed.
func noMatch(pattern string) Trouble {
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	if _, err := os.ReadDir(dir); err != nil {
		return troubleOf(dir, err)
	}
	return Trouble{pattern, NoMatch, "no file matches"}
}

func troubleOf(path string, err error) Trouble {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return Trouble{path, Denied, "permission denied"}
	case errors.Is(err, fs.ErrNotExist):
		return Trouble{path, Missing, "no such file"}
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return Trouble{path, Unreadable, err.Error()}
}

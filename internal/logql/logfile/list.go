package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

// file is one log file on disk.
type file struct {
	path     string
	size     int64
	modified time.Time
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

// maxFiles bounds how many files one question looks at.
const maxFiles = 500

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
				troubles = append(troubles, Trouble{path, Unreadable, "is not a regular file"})
			}
			return false
		case compression(path) != "":
			troubles = append(troubles, Trouble{path, Unreadable, compression(path) + " is not read: decompress it"})
			return false
		}
		seen[path] = true
		files = append(files, file{path: path, size: info.Size(), modified: info.ModTime()})
		return true
	}
	for _, pattern := range f.config.Paths {
		if !strings.ContainsAny(pattern, "*?[") {
			if add(pattern, true) {
				f.siblings(pattern, func(p string) { add(p, false) })
			}
			continue
		}
		matches, _ := filepath.Glob(pattern)
		if len(matches) == 0 {
			troubles = append(troubles, noMatch(pattern))
		}
		for _, m := range matches {
			if add(m, true) {
				f.siblings(m, func(p string) { add(p, false) })
			}
		}
	}
	sort.SliceStable(files, func(a, b int) bool {
		if !files[a].modified.Equal(files[b].modified) {
			return files[a].modified.After(files[b].modified)
		}
		return files[a].path < files[b].path
	})
	if len(files) > maxFiles {
		troubles = append(troubles, Trouble{files[maxFiles].path, Unreadable, fmt.Sprintf("only the newest %d of %d files are read", maxFiles, len(files))})
		files = files[:maxFiles]
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

// rotated is what rotation adds to a name: .1, .2.gz, -20261120, -20261120.gz, .2026-11-20.
var rotated = regexp.MustCompile(`^(\.\d{1,4}|[-.]\d{8}(-?\d+)?|[-.]\d{4}-\d{2}-\d{2}([-_T.]\d+)*)(\.gz|\.zst|\.bz2|\.xz)?$`)

// siblings finds the rotated files of a live one.
func (f *Files) siblings(path string, add func(string)) {
	dir, base := filepath.Split(path)
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	entries, err := os.ReadDir(dirOr(dir))
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		if name == base || e.IsDir() {
			continue
		}
		after, ok := strings.CutPrefix(name, base)
		if ok && rotated.MatchString(after) {
			add(filepath.Join(dir, name))
			continue
		}
		// app-20261120.log beside app.log
		if middle, ok := strings.CutPrefix(name, stem); ok && ext != "" {
			gz := ""
			if strings.HasSuffix(middle, ".gz") {
				middle, gz = strings.TrimSuffix(middle, ".gz"), ".gz"
			}
			if middle, ok := strings.CutSuffix(middle, ext); ok && rotated.MatchString(middle+gz) {
				add(filepath.Join(dir, name))
			}
		}
	}
}

func dirOr(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

func compression(path string) string {
	for ext, name := range map[string]string{".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", ".lz4": "lz4", ".zip": "zip"} {
		if strings.HasSuffix(path, ext) {
			return name
		}
	}
	return ""
}

package appserver

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bounds on the walk through an application's directory.
const (
	mostFiles = 5000
	deepest   = 6
)

// NewestCode finds the youngest Python source below the directory that a server
// works in, and when it was changed: code that is younger than the process
// that has loaded it is not what runs. Directories of others (installed
// packages, tests, migrations, hidden ones) do not count. It is zero where
// nothing was found, or too much.
func NewestCode(dir string) (path string, changed time.Time) {
	if dir == "" || dir == "/" {
		return "", time.Time{}
	}
	seen := 0
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if seen++; seen > mostFiles {
			return fs.ErrInvalid
		}
		if d.IsDir() {
			if at != dir && (skipped(d.Name()) || strings.Count(at[len(dir):], "/") > deepest) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(d.Name(), ".py") || d.Name() == "gunicorn.conf.py" || strings.HasPrefix(d.Name(), "test_") {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.ModTime().After(changed) {
			path, changed = at, info.ModTime()
		}
		return nil
	})
	if err != nil {
		return "", time.Time{}
	}
	return path, changed
}

func skipped(name string) bool {
	switch name {
	case "node_modules", "site-packages", "dist-packages", "venv", "env", "tests", "test", "migrations", "alembic", "versions", "__pycache__", "build", "dist":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// OutputFile is the file that a process writes its log to: the one that it was
// told, or where its standard error or output goes. It is "" where that is no file.
func OutputFile(proc string, t Told, pid string) string {
	if t.LogFile != "" {
		if filepath.IsAbs(t.LogFile) {
			return t.LogFile
		}
		if dir, err := os.Readlink(filepath.Join(proc, pid, "cwd")); err == nil {
			return filepath.Join(dir, t.LogFile)
		}
		return ""
	}
	for _, fd := range []string{"2", "1"} {
		path, err := os.Readlink(filepath.Join(proc, pid, "fd", fd))
		if err != nil || !filepath.IsAbs(path) || strings.HasPrefix(path, "/dev/") || strings.HasSuffix(path, " (deleted)") {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

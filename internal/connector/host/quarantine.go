package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The quarantine has a directory for each order, named by its key, in which
// files lie under the paths that they came from.

// inQuarantine is where a file of an order lies.
func inQuarantine(key, path string) string { return filepath.Join(key, strings.TrimPrefix(path, "/")) }

// keepCopy copies a file into the quarantine.
func (t *target) keepCopy(ctx context.Context, src *os.File, f file, key string) error {
	root, err := os.OpenRoot(t.config.Quarantine)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	rel := inQuarantine(key, f.path())
	if err := root.MkdirAll(filepath.Dir(rel), 0o700); err != nil {
		return err
	}
	return write(root, rel, f, func(w io.Writer) error {
		n, err := io.Copy(w, reader{ctx, src})
		if err == nil && n < f.size {
			err = fmt.Errorf("only %d of %d bytes could be read", n, f.size)
		}
		return err
	})
}

// kept looks for a file in the quarantine.
func (t *target) kept(key, path string) (file, bool) {
	if t.config.Quarantine == "" {
		return file{}, false
	}
	root, err := os.OpenRoot(t.config.Quarantine)
	if err != nil {
		return file{}, false
	}
	defer func() { _ = root.Close() }()
	info, err := root.Lstat(inQuarantine(key, path))
	if err != nil {
		return file{}, false
	}
	return fileOf(t.config.Quarantine, inQuarantine(key, path), info)
}

// current is the file that a path names now.
func (t *target) current(path string) (f file, there bool, err error) {
	dir := within(path, t.config.MayClean)
	if dir == "" {
		return file{}, false, fmt.Errorf("%s lies in no directory that may be cleaned", path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return file{}, false, fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = root.Close() }()
	rel := strings.TrimPrefix(path, dir+"/")
	info, err := root.Lstat(rel)
	if errors.Is(err, os.ErrNotExist) {
		return file{}, false, nil
	}
	if err != nil {
		return file{}, false, fmt.Errorf("look at %s: %w", path, err)
	}
	f, regular := fileOf(dir, rel, info)
	if !regular {
		return file{}, false, fmt.Errorf("%s is no file any more", path)
	}
	return f, true, nil
}

package nginx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// none stands for a file that is not there, in the place of its digest.
const none = "none"

func nameOf(data []byte) string {
	if data == nil {
		return none
	}
	return digest(data)
}

// keep puts a text away under its digest, so that it can be brought back. A
// text that is nil (no file) needs no keeping.
func (t *target) keep(data []byte) error {
	if data == nil {
		return nil
	}
	if err := os.MkdirAll(t.config.Backups, 0o700); err != nil {
		return fmt.Errorf("keep the former text: %w", err)
	}
	path := t.kept(digest(data))
	if have, err := readBounded(path, maxBytes); err == nil && digest(have) == digest(data) {
		return nil
	}
	if err := replace(path, data, nil); err != nil {
		return fmt.Errorf("keep the former text: %w", err)
	}
	t.prune()
	return nil
}

func (t *target) kept(digest string) string {
	return filepath.Join(t.config.Backups, strings.TrimPrefix(digest, "sha256:")+".conf")
}

// bring returns a text that was put away: nil for none.
func (t *target) bring(name string) ([]byte, error) {
	if name == none {
		return nil, nil
	}
	if !strings.HasPrefix(name, "sha256:") || strings.ContainsAny(name, "/.") {
		return nil, fmt.Errorf("%q is no digest of a text", name)
	}
	data, err := readBounded(t.kept(name), maxBytes)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the former text %s: %w", t.kept(name), err)
	case digest(data) != name:
		return nil, fmt.Errorf("the former text %s was changed", t.kept(name))
	}
	return append([]byte{}, data...), nil
}

// mostKept bounds how many former texts are kept, and leastKept for how long
// they are kept at least.
const (
	mostKept  = 500
	leastKept = 30 * 24 * time.Hour
)

// prune forgets the oldest texts. That it cannot is no reason to stop.
func (t *target) prune() {
	entries, err := os.ReadDir(t.config.Backups)
	if err != nil || len(entries) <= mostKept {
		return
	}
	age := map[string]time.Time{}
	var names []string
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > leastKept {
			age[e.Name()] = info.ModTime()
			names = append(names, e.Name())
		}
	}
	sort.Slice(names, func(i, j int) bool { return age[names[i]].Before(age[names[j]]) })
	for _, name := range names[:min(len(names), len(entries)-mostKept)] {
		_ = os.Remove(filepath.Join(t.config.Backups, name))
	}
}

// current reads a file as it is: nil and none where there is none.
func current(path string) ([]byte, string, error) {
	data, err := readBounded(path, maxBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, none, nil
	case err != nil:
		return nil, "", fmt.Errorf("read %s: %w", path, err)
	}
	data = append([]byte{}, data...)
	return data, digest(data), nil
}

// replace puts a text in the place of a file's at once: whoever opens it sees
// the one or the other. Mode, owner and (where at is given) time of the file
// stay. A nil text takes the file away.
func replace(path string, data []byte, at *time.Time) error {
	dir := filepath.Dir(path)
	if data == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", path, err)
		}
		return syncDir(dir)
	}
	// A name with a dot, which no include pattern takes in.
	f, err := os.CreateTemp(dir, ".quell-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	err = fill(f, path, data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && at != nil {
		err = os.Chtimes(f.Name(), *at, *at)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(dir)
}

// fill writes a new file with the mode and owner of the one it will replace.
func fill(f *os.File, like string, data []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(like); err == nil {
		mode = info.Mode().Perm()
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			if err := f.Chown(int(sys.Uid), int(sys.Gid)); err != nil && os.Geteuid() == 0 {
				return err
			}
		}
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write to disk %s: %w", dir, err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write to disk %s: %w", dir, err)
	}
	return nil
}

// writable reports why a file cannot be replaced, nil where it can.
func writable(path string) error {
	const mayWrite = 2 // W_OK of access(2)
	dir := filepath.Dir(path)
	if err := syscall.Access(dir, mayWrite); err != nil {
		return fmt.Errorf("%s may not be written to: %w", dir, err)
	}
	return nil
}

package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// program is an executable file as it is now.
type program struct {
	path string
	info string // changes when the file is replaced or written to
}

// find resolves a program: a path (relative ones start from dir), or a name on
// our PATH.
func find(name, dir string) (program, error) {
	path := name
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
	} else {
		found, err := exec.LookPath(name)
		if err != nil {
			return program{path: name}, fmt.Errorf("there is no program %s on PATH", name)
		}
		path = found
	}
	if _, err := exec.LookPath(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return program{path: path}, fmt.Errorf("there is no program %s", path)
		}
		return program{path: path}, fmt.Errorf("%s may not be run", path)
	}
	s, err := os.Stat(path)
	if err != nil {
		return program{path: path}, fmt.Errorf("look at %s: %w", path, err)
	}
	p := program{path: path, info: fmt.Sprintf("%d bytes, %s", s.Size(), s.ModTime().UTC())}
	if sys, ok := s.Sys().(*syscall.Stat_t); ok {
		p.info += fmt.Sprintf(", inode %d:%d", sys.Dev, sys.Ino)
	}
	return p, nil
}

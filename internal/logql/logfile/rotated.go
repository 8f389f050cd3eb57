package logfile

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// rotated is what rotation adds to a name: .1, .2.gz, -20261120, -20261120.gz, .2026-11-20.
var rotated = regexp.MustCompile(`^(\.\d{1,4}|[-.]\d{8}(-?\d+)?|[-.]\d{4}-\d{2}-\d{2}([-_T.]\d+)*)(\.gz|\.zst|\.bz2|\.xz|\.lz4)?$`)

var compressed = regexp.MustCompile(`\.(gz|zst|bz2|xz|lz4)$`)

// directories keeps what was listed: thousands of files of a glob lie in few.
type directories map[string][]os.DirEntry

// siblings finds the rotated files of a live one.
func (d directories) siblings(path string, add func(string)) {
	dir, base := filepath.Split(path)
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	entries, known := d[dir]
	if !known {
		entries, _ = os.ReadDir(dirOr(dir)) // of one that may not be listed only the named file is read
		d[dir] = entries
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
			packed := ""
			if found := compressed.FindString(middle); found != "" {
				middle, packed = strings.TrimSuffix(middle, found), found
			}
			if middle, ok := strings.CutSuffix(middle, ext); ok && rotated.MatchString(middle+packed) {
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

package logfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Bounds of a search through directories.
const (
	globEntries = 200_000
	globDepth   = 24
)

// expand returns the names that a glob matches, in order. ** stands for any
// number of directories; links to directories are not followed below it, so
// that a circle of links ends. cut says where the search stopped early.
func expand(pattern string) (names []string, cut string) {
	before, after, deep := strings.Cut(filepath.Clean(pattern), "**")
	if !deep {
		names, _ = filepath.Glob(pattern)
		return names, ""
	}
	roots := []string{dirOr(strings.TrimSuffix(before, "/"))}
	if before == "/" {
		roots = []string{"/"}
	} else if strings.ContainsAny(roots[0], "*?[") {
		roots, _ = filepath.Glob(roots[0])
	}
	after = strings.TrimPrefix(after, "/")
	seen := 0
	for _, root := range roots {
		names, cut = walk(root, after, names, &seen)
		if cut != "" {
			break
		}
	}
	return names, cut
}

func walk(root, after string, names []string, seen *int) ([]string, string) {
	cut := ""
	base := strings.Count(filepath.Clean(root), "/")
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return fs.SkipDir // may not be listed
			}
			return nil
		}
		if *seen++; *seen > globEntries {
			cut = fmt.Sprintf("the search for files ended after %d entries: name a narrower directory", globEntries)
			return fs.SkipAll
		}
		if d.IsDir() {
			if strings.Count(path, "/")-base > globDepth {
				return fs.SkipDir
			}
			return nil
		}
		if matchesBelow(root, path, after) && !isLinkToDir(path, d) {
			names = append(names, path)
		}
		return nil
	})
	return names, cut
}

// matchesBelow holds what follows ** against each tail of the path.
func matchesBelow(root, path, after string) bool {
	below, err := filepath.Rel(root, path)
	if err != nil {
		return false
	}
	for {
		if after == "" {
			return true
		}
		if ok, _ := filepath.Match(strings.ReplaceAll(after, "**", "*"), below); ok {
			return true
		}
		_, rest, more := strings.Cut(below, "/")
		if !more {
			return false
		}
		below = rest
	}
}

func isLinkToDir(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

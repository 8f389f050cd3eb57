package report_test

import (
	"io/fs"
	"testing/fstest"
)

// file is a few files in memory.
type file map[string][]byte

func (f file) fs() fs.FS {
	out := fstest.MapFS{}
	for name, data := range f {
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

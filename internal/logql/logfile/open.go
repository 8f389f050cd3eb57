package logfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// content is what a file holds, with what wraps it as a whole taken off:
// compression, UTF-16, a JSON document around its records. Text can be read
// anywhere; what was wrapped only from its beginning.
type content struct {
	at     io.ReaderAt // nil where it can only be read from its beginning
	size   int64       // of what at reads, when it was opened
	stream io.Reader   // from the beginning; may be read once; nil beside at
	coding string      // "gzip", "zstd", "bzip2", "UTF-16", "JSON document" or ""
	handle *os.File    // of the file on disk; nil for standard input
	undo   []func()
}

// open opens a file for reading. Its errors are those of troubleOf.
func (f file) open() (*content, error) {
	if f.spooled != nil {
		return &content{at: f.spooled, size: f.spooled.Size()}, nil
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	handle, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	c := &content{handle: handle, undo: []func(){func() { _ = handle.Close() }}}
	info, err := handle.Stat()
	if err != nil {
		c.Close()
		return nil, err
	}
	head := make([]byte, peekSize)
	n, err := handle.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		c.Close()
		return nil, err
	}
	if !wrapped(head[:n]) {
		c.at, c.size = handle, info.Size()
		return c, nil
	}
	stream, coding, undo, err := decode(handle)
	if undo != nil {
		c.undo = append(c.undo, undo)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.stream, c.coding = stream, coding
	return c, nil
}

// check refuses what must not be opened: opening a FIFO waits for a writer, and
// reading a device takes away what it gives.
func (f file) check() error {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory")
	case !info.Mode().IsRegular():
		return fmt.Errorf("is %s, not a regular file", kindOf(info.Mode()))
	}
	return nil
}

// Close gives back what open took. It may be called twice.
func (c *content) Close() {
	for i := len(c.undo) - 1; i >= 0; i-- {
		c.undo[i]()
	}
	c.undo = nil
}

// kindOf names a file that is none, in words.
func kindOf(mode os.FileMode) string {
	switch {
	case mode&os.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	case mode&os.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// shrunk reports whether the file is shorter than when it was opened: rotation
// by copytruncate, or someone emptied it.
func (c *content) shrunk() bool {
	if c.handle == nil {
		return false
	}
	info, err := c.handle.Stat()
	return err == nil && info.Size() < c.size
}

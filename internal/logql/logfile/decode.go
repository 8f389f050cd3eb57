package logfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds what a zstd file may ask us to hold in memory: what
// `zstd --long` writes at its default of 128 MiB is still read.
const zstdWindow = 128 << 20

// peekSize is how much of the beginning tells what a file is.
const peekSize = 4 << 10

// decode takes off what wraps a stream as a whole, told by its first bytes and
// never by a name: a .gz may be plain text, and a log may be gzip without
// saying so. coding is "" for text. A compressed stream may hold UTF-16 or a
// document in turn.
func decode(r io.Reader) (stream io.Reader, coding string, undo func(), err error) {
	in := bufio.NewReaderSize(r, readSize)
	head, err := in.Peek(peekSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", nil, err
	}
	if name, how := refused(head); name != "" {
		return nil, "", nil, fmt.Errorf("is %s, which is not read: %s", name, how)
	}
	switch coding = compressionOf(head); coding {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, coding, nil, fmt.Errorf("gzip is damaged: %w", err)
		}
		stream = z
	case "bzip2":
		stream = bzip2.NewReader(in)
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, coding, nil, fmt.Errorf("zstd is damaged: %w", err)
		}
		stream, undo = z, z.Close
	default:
		stream, coding = unpack(in, head)
		return stream, coding, nil, nil
	}
	inner := bufio.NewReaderSize(&damage{in: stream, coding: coding}, readSize)
	head, _ = inner.Peek(peekSize) // an error comes again when it is read
	if name, how := refused(head); name != "" {
		return nil, coding, undo, fmt.Errorf("holds %s, which is not read: %s", name, how)
	}
	stream, _ = unpack(inner, head)
	return stream, coding, undo, nil
}

// wrapped reports whether decode has work to do, or something to refuse.
func wrapped(head []byte) bool {
	name, _ := refused(head)
	return name != "" || compressionOf(head) != "" || utf16Order(head) != nil || isDocument(head)
}

// unpack takes off UTF-16 and documents, of text.
func unpack(in *bufio.Reader, head []byte) (io.Reader, string) {
	if order := utf16Order(head); order != nil {
		text := bufio.NewReaderSize(newUTF16(in, order), readSize)
		head, _ := text.Peek(peekSize / 2)
		stream, _ := unpackText(text, head)
		return stream, "UTF-16"
	}
	return unpackText(in, head)
}

func unpackText(in *bufio.Reader, head []byte) (io.Reader, string) {
	if isDocument(head) {
		return newDocument(in), "JSON document"
	}
	return in, ""
}

func compressionOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case len(head) >= 8 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return "zstd" // begins with a frame to skip, as pzstd writes
	case len(head) >= 10 && bytes.HasPrefix(head, []byte("BZh")) && bytes.Equal(head[4:10], []byte{0x31, 0x41, 0x59, 0x26, 0x53, 0x59}):
		return "bzip2"
	}
	return ""
}

// refused names the formats that we know and do not read, and what to do.
func refused(head []byte) (name, how string) {
	for _, f := range []struct{ magic, name, how string }{
		{"\xfd7zXZ\x00", "xz", "decompress it, as in: xz -dc FILE | quell logs QUERY -"},
		{"\x04\x22\x4d\x18", "lz4", "decompress it, as in: lz4 -dc FILE | quell logs QUERY -"},
		{"PK\x03\x04", "a zip archive", "unpack it, as in: unzip -p FILE | quell logs QUERY -"},
		{"\x1f\x9d", "compress (.Z)", "decompress it, as in: zcat FILE | quell logs QUERY -"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"},
		{"LPKSHHRH", "a systemd journal", "let journalctl read it, as in: journalctl -o json --file FILE | quell logs QUERY -"},
		{"\x7fELF", "a program", "name log files"},
		{"SQLite format 3\x00", "a SQLite database", "name log files"},
		{"ElfFile\x00", "a Windows event log", "export it as text or JSON"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.name, f.how
		}
	}
	// The journal in a form that takes several lines an entry.
	if bytes.HasPrefix(head, []byte("__CURSOR=")) || isLoneBrace(firstLine(head)) && bytes.Contains(head, []byte(`"__REALTIME_TIMESTAMP"`)) {
		return "journalctl -o export or json-pretty", "use -o json"
	}
	return "", ""
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}

// damaged is a compressed stream that breaks off or makes no sense. What came
// before was read.
type damaged struct {
	coding string
	early  bool
	err    error
}

func (d *damaged) Error() string {
	if d.early {
		return d.coding + " ends early: what came before was read, the rest is missing"
	}
	return fmt.Sprintf("%s is damaged (%v): what came before was read, the rest is missing", d.coding, d.err)
}

func (d *damaged) Unwrap() error { return d.err }

// damage gives the errors of a decompressor their names.
type damage struct {
	in     io.Reader
	coding string
}

func (d *damage) Read(p []byte) (int, error) {
	n, err := d.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &damaged{d.coding, errors.Is(err, io.ErrUnexpectedEOF), err}
	}
	return n, err
}

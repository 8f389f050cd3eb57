package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A document is one JSON value around all records: the {"events": […]} that
// `aws logs filter-log-events` prints, or a bare array of objects. It is read
// as a stream, an object of the array a line.

// documentReach bounds one object of a document, in bytes.
const documentReach = 16 << 20

// isDocument tells a document by how it begins. A line that is an object of its
// own is none, so an "events" key counts only where an array follows it.
func isDocument(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(text) == 0 {
		return false
	}
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	switch text[0] {
	case '[':
		return isObject(rest) || len(rest) > 1 && rest[0] == '{' && (rest[1] == '\n' || rest[1] == '\r')
	case '{':
		after, ok := bytes.CutPrefix(rest, []byte(`"events"`))
		if !ok {
			return false
		}
		after = bytes.TrimLeft(after, " \t\r\n")
		if after, ok = bytes.CutPrefix(after, []byte(":")); !ok {
			return false
		}
		after = bytes.TrimLeft(after, " \t\r\n")
		return bytes.HasPrefix(after, []byte("[")) && isEvents(after)
	}
	return false
}

// isEvents reports whether an array looks like that of CloudWatch: any program
// may have a field called events in its lines.
func isEvents(array []byte) bool {
	inside := bytes.TrimLeft(array[1:], " \t\r\n")
	return bytes.HasPrefix(inside, []byte("]")) || bytes.Contains(array, []byte(`"message"`)) && bytes.Contains(array, []byte(`"timestamp"`))
}

type document struct {
	guard  *guard
	dec    *json.Decoder
	inside bool // of the array of records
	depth  int  // of arrays and objects around it
	out    []byte
	buffer bytes.Buffer
	err    error
}

func newDocument(in io.Reader) io.Reader {
	g := &guard{in: &skipBOM{in: in}}
	return &document{guard: g, dec: json.NewDecoder(g)}
}

func (d *document) Read(p []byte) (int, error) {
	for len(d.out) == 0 && d.err == nil {
		d.err = d.step()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	if n == 0 {
		return 0, d.err
	}
	return n, nil
}

// step reads the next record, or the next token around the records.
func (d *document) step() error {
	d.guard.left = documentReach
	if d.inside && d.dec.More() {
		var raw json.RawMessage
		if err := d.dec.Decode(&raw); err != nil {
			return d.broken(err)
		}
		d.buffer.Reset()
		if err := json.Compact(&d.buffer, raw); err != nil {
			return d.broken(err)
		}
		d.buffer.WriteByte('\n')
		d.out = d.buffer.Bytes()
		return nil
	}
	token, err := d.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) && d.depth == 0 {
			return io.EOF
		}
		return d.broken(err)
	}
	switch token {
	case json.Delim('['):
		d.depth++
		d.inside = true
	case json.Delim('{'):
		d.depth++
	case json.Delim(']'), json.Delim('}'):
		d.depth--
		d.inside = false
	default: // a key of the object around the records
		if d.depth == 1 && token != "events" {
			var raw json.RawMessage
			if err := d.dec.Decode(&raw); err != nil {
				return d.broken(err)
			}
		}
	}
	return nil
}

func (d *document) broken(err error) error {
	if errors.Is(err, errReach) {
		return &damaged{"JSON document", false, err}
	}
	return &damaged{"JSON document", errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), err}
}

var errReach = fmt.Errorf("one of its records is longer than %s", size(documentReach))

// guard ends a stream that is read on and on without a record coming out.
type guard struct {
	in   io.Reader
	left int
}

func (g *guard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errReach
	}
	n, err := g.in.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// skipBOM drops a byte order mark of UTF-8, which encoding/json refuses.
type skipBOM struct {
	in   io.Reader
	done bool
}

func (s *skipBOM) Read(p []byte) (int, error) {
	if s.done {
		return s.in.Read(p)
	}
	s.done = true
	head := make([]byte, 3)
	n, err := io.ReadFull(s.in, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	rest := bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf"))
	s.in = io.MultiReader(bytes.NewReader(rest), s.in)
	return s.in.Read(p)
}

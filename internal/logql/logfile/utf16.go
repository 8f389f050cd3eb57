package logfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Order tells UTF-16 by its byte order mark, or by the NUL that stands
// beside every letter of ASCII: Windows programs write both. nil for others.
func utf16Order(head []byte) binary.ByteOrder {
	if len(head) < 4 {
		return nil
	}
	switch {
	case head[0] == 0xff && head[1] == 0xfe:
		return binary.LittleEndian
	case head[0] == 0xfe && head[1] == 0xff:
		return binary.BigEndian
	}
	if len(head) < 64 {
		return nil // too short to tell by its NULs
	}
	var even, odd int
	for i, c := range head {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	// Four letters in five of ASCII on one side, and few NULs on the other: no
	// binary format that we know of looks like this.
	most, few := len(head)*2/5, len(head)/20
	switch {
	case odd >= most && even <= few:
		return binary.LittleEndian
	case even >= most && odd <= few:
		return binary.BigEndian
	}
	return nil
}

// utf16Reader reads UTF-16 as UTF-8. What is no character becomes U+FFFD.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	first bool
	held  rune // a high surrogate that waits for its half; 0 for none
	out   []byte
	err   error
}

func newUTF16(in *bufio.Reader, order binary.ByteOrder) io.Reader {
	return &utf16Reader{in: in, order: order, first: true}
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 && u.err == nil {
		u.fill()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	if n == 0 {
		return 0, u.err
	}
	return n, nil
}

func (u *utf16Reader) fill() {
	u.out = u.out[:0]
	for range 2048 {
		var two [2]byte
		if _, err := io.ReadFull(u.in, two[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				u.out, err = utf8.AppendRune(u.out, utf8.RuneError), io.EOF // half a character
			}
			if u.held != 0 {
				u.out, u.held = utf8.AppendRune(u.out, utf8.RuneError), 0
			}
			u.err = err
			return
		}
		r := rune(u.order.Uint16(two[:]))
		if u.first {
			u.first = false
			if r == 0xfeff {
				continue
			}
		}
		u.add(r)
	}
}

func (u *utf16Reader) add(r rune) {
	if u.held != 0 {
		if both := utf16.DecodeRune(u.held, r); both != utf8.RuneError {
			u.out, u.held = utf8.AppendRune(u.out, both), 0
			return
		}
		u.out, u.held = utf8.AppendRune(u.out, utf8.RuneError), 0
	}
	if r >= 0xd800 && r < 0xdc00 {
		u.held = r
		return
	}
	u.out = utf8.AppendRune(u.out, r)
}

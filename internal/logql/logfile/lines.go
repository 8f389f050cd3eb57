package logfile

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// lineReader splits a stream into lines and keeps at most so much of each.
type lineReader struct {
	in       *bufio.Reader
	limit    int
	line     []byte
	consumed int64 // bytes taken from the stream
	cut      int   // lines of which the end was skipped
	ctx      context.Context
}

const readSize = 256 << 10

func newLineReader(ctx context.Context, r io.Reader, limit int) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(r, readSize), limit: limit, ctx: ctx}
}

// next returns the next line without its end, valid until the next call. io.EOF
// comes after the last line; whole says whether the line had its line break.
func (l *lineReader) next() (line []byte, whole bool, err error) {
	l.line = l.line[:0]
	wasCut := false
	for {
		part, err := l.in.ReadSlice('\n')
		l.consumed += int64(len(part))
		switch {
		case err == nil && len(l.line) == 0 && !wasCut && len(part) <= l.limit:
			return trimEnd(part), true, nil // the usual case, without a copy
		case len(part) > 0:
			if room := l.limit - len(l.line); room < len(part) {
				wasCut = true
				part = part[:max(room, 0)]
			}
			l.line = append(l.line, part...)
		}
		switch {
		case err == nil:
			if wasCut {
				l.cut++
			}
			return trimEnd(l.line), true, nil
		case errors.Is(err, bufio.ErrBufferFull):
			if err := l.ctx.Err(); err != nil {
				return nil, false, err
			}
		case errors.Is(err, io.EOF) && (len(l.line) > 0 || wasCut):
			if wasCut {
				l.cut++
			}
			return trimEnd(l.line), false, nil
		default:
			return nil, false, err
		}
	}
}

func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

package logfile

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"

	"github.com/quellhq/quell/internal/logql"
)

// pass reads a file from one end to the other.
func (r *reading) pass(ctx context.Context, c chunk, emit func([]logql.Record) error) error {
	if r.packed {
		return r.streamed(ctx, emit)
	}
	in := io.NewSectionReader(r.content.at, c.start, math.MaxInt64-c.start)
	read, err := r.lines(ctx, in, c.start > 0, c.end-c.start, emit)
	if err == nil && c.start+read < c.end {
		r.done(0, counts{truncated: true})
	}
	return err
}

// streamed reads what can only be read from its beginning.
func (r *reading) streamed(ctx context.Context, emit func([]logql.Record) error) error {
	c, err := r.file.open()
	if err != nil {
		return r.fail(err)
	}
	defer c.Close()
	in := bufio.NewReaderSize(c.stream, sampleSize)
	sample, err := in.Peek(sampleSize)
	var broken *damaged
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &broken) {
		return r.fail(err)
	}
	if len(sample) == 0 && broken != nil {
		return r.fail(broken)
	}
	if r.judge(sample); r.trouble.Kind != 0 {
		return errSource
	}
	read, err := r.lines(ctx, in, false, r.reserved, emit)
	if err == nil && read >= r.reserved {
		r.note("only the oldest %s were read: the budget is used up", size(r.reserved))
	}
	return err
}

// lines reads lines up to the given number of bytes and hands records on.
func (r *reading) lines(ctx context.Context, in io.Reader, midLine bool, limit int64, emit func([]logql.Record) error) (read int64, err error) {
	lines := newLineReader(ctx, in, r.files.config.Line)
	a := r.assembler(emit)
	var counts counts
	defer func() {
		counts.cutLines += lines.cut
		counts.add(a.counts())
		r.done(lines.consumed, counts)
	}()
	if midLine {
		if _, _, err := lines.next(); err != nil && !errors.Is(err, io.EOF) {
			return lines.consumed, r.readError(err)
		}
		lines.cut = 0
	}
	for lines.consumed < limit {
		a.at = lines.consumed
		line, ended, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *damaged
		if errors.As(err, &broken) {
			r.note("%s", broken)
			break
		}
		if err != nil {
			return lines.consumed, r.readError(err)
		}
		if !ended && isHalf(line) {
			counts.halved++
		}
		if err := a.line(line); err != nil {
			return lines.consumed, err
		}
		if counts.lines++; counts.lines%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return lines.consumed, err
			}
		}
	}
	return lines.consumed, a.close()
}

package app

import (
	"context"
	"io"
)

// cutShort is a reader that ends with its context, as if the stream had ended
// there: who follows a log and presses Ctrl-C wants the answer to what came. A
// read that waits is left behind and ends with the process.
type cutShort struct {
	ctx    context.Context
	chunks chan chunk
	rest   []byte
	err    error
	cut    bool
}

type chunk struct {
	data []byte
	err  error
}

func newCutShort(ctx context.Context, in io.Reader) *cutShort {
	c := &cutShort{ctx: ctx, chunks: make(chan chunk)}
	go func() {
		for {
			data := make([]byte, 256<<10)
			n, err := in.Read(data)
			select {
			case c.chunks <- chunk{data[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *cutShort) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		select {
		case next := <-c.chunks:
			c.rest, c.err = next.data, next.err
		case <-c.ctx.Done():
			c.cut, c.err = true, io.EOF
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

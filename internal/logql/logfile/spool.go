package logfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// StdinName is the path that stands for what was spooled.
const StdinName = "-"

// SpoolConfig says where a stream is kept and how much of it.
type SpoolConfig struct {
	Name  string // shown for it, the label filename among others; default: "-", standard input
	Dir   string // of the temporary file; default: the system's
	Limit int64  // bytes kept, the newest; default: 8 GiB, or half of what is free in Dir if that is less
}

// Spooled is a stream that was copied to a temporary file, so that it can be
// asked like any file: by time window, in parallel, several times. The file has
// no name, so nothing is left behind however the process ends. It may be read
// by many at once; Close ends it and may be called twice.
type Spooled struct {
	name    string
	file    *os.File
	limit   int64
	total   int64 // bytes that came
	read    time.Time
	coding  string
	damaged error
}

// Spool reads a stream to its end. Compression, UTF-16 and JSON documents are
// taken off on the way. Where more comes than the limit the newest is kept, and
// Notes says how much is missing. It stops with the context's error.
func Spool(ctx context.Context, r io.Reader, config SpoolConfig) (*Spooled, error) {
	if config.Dir == "" {
		config.Dir = os.TempDir()
	}
	if config.Name == "" {
		config.Name = StdinName
	}
	if config.Limit <= 0 {
		config.Limit = defaultSpool(config.Dir)
	}
	handle, err := os.CreateTemp(config.Dir, "quell-logs-*")
	if err != nil {
		return nil, fmt.Errorf("keep the stream in a temporary file: %w", err)
	}
	// Its name goes at once: the space is given back when the process ends.
	if err := os.Remove(handle.Name()); err != nil {
		_ = handle.Close()
		return nil, fmt.Errorf("keep the stream in a temporary file: %w", err)
	}
	s := &Spooled{name: config.Name, file: handle, limit: config.Limit, read: time.Now()}
	if err := s.fill(ctx, r); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Spooled) fill(ctx context.Context, r io.Reader) error {
	stream, coding, undo, err := decode(patient{ctx, r})
	if undo != nil {
		defer undo()
	}
	if err != nil {
		return fmt.Errorf("%s %w", s.called(), err)
	}
	s.coding = coding
	buffer := make([]byte, readSize)
	for {
		n, err := stream.Read(buffer)
		if n > 0 {
			if err := s.write(buffer[:n]); err != nil {
				return fmt.Errorf("keep the stream in a temporary file: %w", err)
			}
		}
		var broken *damaged
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken) && ctx.Err() == nil:
			s.damaged = broken
			return nil
		default:
			return fmt.Errorf("read %s: %w", s.called(), err)
		}
	}
}

// write goes round: what is too much falls on the oldest.
func (s *Spooled) write(p []byte) error {
	for len(p) > 0 {
		at := s.total % s.limit
		n := min(int64(len(p)), s.limit-at)
		if _, err := s.file.WriteAt(p[:n], at); err != nil {
			return err
		}
		s.total += n
		p = p[n:]
	}
	return nil
}

// called is the name in words.
func (s *Spooled) called() string {
	if s.name == StdinName {
		return "standard input"
	}
	return s.name
}

// Size is how much is kept, in bytes.
func (s *Spooled) Size() int64 { return min(s.total, s.limit) }

// Dropped is how many bytes came before those that are kept.
func (s *Spooled) Dropped() int64 { return s.total - s.Size() }

// Notes says what of the stream is missing.
func (s *Spooled) Notes() []string {
	var notes []string
	if n := s.Dropped(); n > 0 {
		notes = append(notes, fmt.Sprintf("%s: only the newest %s of %s were kept, the oldest %s were dropped", s.called(), size(s.Size()), size(s.total), size(n)))
	}
	if s.damaged != nil {
		notes = append(notes, s.called()+": "+s.damaged.Error())
	}
	return notes
}

// ReadAt implements io.ReaderAt over what is kept.
func (s *Spooled) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	done := 0
	for len(p) > 0 {
		if off >= s.Size() {
			return done, io.EOF
		}
		at := off
		if s.total > s.limit {
			at = (s.total + off) % s.limit
		}
		room := min(int64(len(p)), s.limit-at, s.Size()-off)
		n, err := s.file.ReadAt(p[:room], at)
		done += n
		if int64(n) < room {
			return done, err
		}
		p, off = p[n:], off+int64(n)
	}
	return done, nil
}

// Close gives the space back. Closing nil is fine.
func (s *Spooled) Close() {
	if s != nil && s.file != nil {
		_ = s.file.Close()
	}
}

// patient is a reader that looks at its context between two reads. One that
// waits inside of a read ends with the process.
type patient struct {
	ctx context.Context
	in  io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.in.Read(b)
}

const (
	spoolMost  = 8 << 30
	spoolLeast = 16 << 20
)

// defaultSpool leaves half of the free space to others.
func defaultSpool(dir string) int64 {
	if free := freeSpace(dir); free > 0 {
		return min(spoolMost, max(free/2, spoolLeast))
	}
	return spoolMost
}

package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/quellhq/quell/internal/action"
)

// opener is a process that has a file open.
type opener struct {
	pid     int
	comm    string
	appends bool // it writes at the end, wherever that is
}

func (o opener) String() string { return fmt.Sprintf("process %d (%s)", o.pid, o.comm) }

// openers finds who has any of the files open, or mapped. It refuses where
// some processes are hidden from us: nobody could say that a file is not open.
func (t *target) openers(ctx context.Context, files []file) (map[fileID][]opener, error) {
	wanted := map[fileID]bool{}
	for _, f := range files {
		wanted[f.id] = true
	}
	procs, err := t.sys.processes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the process table: %w", err)
	}
	out := map[fileID][]opener{}
	looked := 0
	for _, p := range procs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.ppid == 2 || p.pid == 2 || p.state == "Z" {
			continue
		}
		n, err := t.sys.openedBy(p, wanted, out)
		if errors.Is(err, os.ErrPermission) {
			return nil, action.Refuse(hintHidden, "the open files of process %d (%s) are hidden from us: nobody could say what is in use", p.pid, p.comm)
		}
		if looked += n; looked > maxFDs {
			return nil, action.Refuse("", "more than %d files are open on this machine", maxFDs)
		}
	}
	return out, nil
}

// openedBy adds what one process has open of the wanted files.
func (s system) openedBy(p process, wanted map[fileID]bool, out map[fileID][]opener) (looked int, err error) {
	dir := filepath.Join(s.proc, strconv.Itoa(p.pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err // gone, or hidden
	}
	for _, e := range entries {
		st, err := statOpen(filepath.Join(dir, e.Name()))
		if err != nil || !st.regular || !wanted[st.id] {
			continue
		}
		out[st.id] = append(out[st.id], opener{pid: p.pid, comm: p.comm, appends: s.appends(p.pid, e.Name())})
	}
	for _, id := range s.mapped(p.pid, wanted) {
		out[id] = append(out[id], opener{pid: p.pid, comm: p.comm})
	}
	return len(entries), nil
}

// appends reports whether a descriptor was opened to write at the end.
func (s system) appends(pid int, fd string) bool {
	data, err := s.read(strconv.Itoa(pid), "fdinfo", fd)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(text), 8, 64)
			return err == nil && (flags&unix.O_APPEND != 0 || flags&unix.O_ACCMODE == unix.O_RDONLY)
		}
	}
	return false
}

// mapped lists which of the files a process has mapped into its memory.
func (s system) mapped(pid int, wanted map[fileID]bool) (out []fileID) {
	f, err := os.Open(filepath.Join(s.proc, strconv.Itoa(pid), "maps"))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 6 {
			continue
		}
		major, minor, _ := strings.Cut(words[3], ":")
		a, errA := strconv.ParseUint(major, 16, 32)
		b, errB := strconv.ParseUint(minor, 16, 32)
		inode, errC := strconv.ParseUint(words[4], 10, 64)
		if id := (fileID{unix.Mkdev(uint32(a), uint32(b)), inode}); errA == nil && errB == nil && errC == nil && wanted[id] {
			out = append(out, id)
		}
	}
	return out
}

func asPath(err error, into **fs.PathError) bool { return errors.As(err, into) }

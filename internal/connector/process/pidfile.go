package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// pidfile finds the main process of a service by the file that its number
// stands in.
type pidfile struct{ config }

// serviceName is what the one instance is called.
func (p pidfile) serviceName() string {
	if p.Name != "" {
		return p.Name
	}
	base := filepath.Base(p.Pidfile)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// look implements manager.
func (p pidfile) look(ctx context.Context) ([]instance, error) {
	i := instance{name: p.serviceName(), state: "no process", restarts: -1}
	main, why, err := p.main()
	if err != nil {
		return nil, err
	}
	if why != "" {
		i.state = why
		return []instance{i}, nil
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return nil, err
	}
	i.state, i.run, i.main, i.started, i.proc = "running", main.ID.String(), main.PID, main.Started(), &main.ID
	if main.State == "T" || main.State == "t" {
		i.state = "halted by a signal or a debugger"
	}
	return []instance{i.withChildren(tree)}, nil
}

// longest is what a number and its line end may take.
const longest = 64

// main finds the main process; why says that none runs.
func (p pidfile) main() (main pid.Process, why string, err error) {
	f, err := os.OpenFile(p.Pidfile, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return main, "no pidfile", nil
	}
	if err != nil {
		return main, "", fmt.Errorf("open the pidfile: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return main, "", fmt.Errorf("read the pidfile: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, longest))
	if err != nil {
		return main, "", fmt.Errorf("read the pidfile: %w", err)
	}
	number, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n")) // some write more lines behind it
	if len(number) == 0 {
		return main, "the pidfile is empty", nil
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(number)))
	if err != nil || n <= 0 {
		return main, "", action.Refuse("", "%s holds no process number", p.Pidfile)
	}
	main, err = pid.Look(n)
	if errors.Is(err, pid.ErrGone) {
		return main, fmt.Sprintf("process %d has ended", n), nil
	}
	if err != nil {
		return main, "", err
	}
	why, err = p.mistaken(main, info)
	return main, why, err
}

// mistaken checks that the process is the one that the file was written for.
// Numbers are used again, and whoever may write the file chooses whom we end.
func (p pidfile) mistaken(main pid.Process, info os.FileInfo) (why string, err error) {
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o002 != 0 {
		return "", action.Refuse("chmod o-w it", "%s is no file, or anybody may write it: it could name any process", p.Pidfile)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() && int(owner.Uid) != main.UID {
		return "", action.Refuse("", "%s belongs to user %d, and process %d to user %d: it could name anybody's", p.Pidfile, owner.Uid, main.PID, main.UID)
	}
	if p.match != nil {
		if !p.match.MatchString(strings.Join(main.Args, " ")) {
			return fmt.Sprintf("the pidfile is old: process %d is %s", main.PID, main.Line()), nil
		}
		return "", nil
	}
	if main.Started().After(info.ModTime().Add(pid.Slack)) {
		// Either the number was used again, or the clock was set. To take the
		// service for ended and start a second one is the worse mistake.
		return "", action.Refuse("set match to an expression for the service's command line, or remove the file if the service is down",
			"%s was written before process %d (%s) started: it may be another's", p.Pidfile, main.PID, main.Line())
	}
	return "", nil
}

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/child"
)

// becoming is what the service's process does before it becomes the service:
// it writes its own number into the pidfile, which it has as file 3. So there
// is no moment in which the service runs and nobody could find it, even if we
// are killed right now.
const becoming = `echo $$ >&3 || exit 126; exec "$@" 3>&-`

// plain starts a service that writes its pidfile itself.
const plain = `exec "$@"`

// unready says why the service could not be started, as far as that shows
// without starting it.
func (c config) unready() string {
	program := c.Start[0]
	if strings.Contains(program, "/") || c.Dir == "" {
		if _, err := exec.LookPath(program); err != nil {
			return err.Error()
		}
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
			return fmt.Sprintf("there is no directory %s", c.Dir)
		}
	}
	if _, err := c.credential(); err != nil {
		return err.Error()
	}
	return ""
}

// launch starts the service in a session of its own, where it outlives us, and
// returns when it has lived for the steady time.
func (c config) launch(ctx context.Context) error {
	log, err := c.openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	before, _ := log.Seek(0, io.SeekEnd)
	cmd, err := c.command(log)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	for _, f := range cmd.ExtraFiles {
		_ = f.Close()
	}
	ended := make(chan error, 1)
	// Whoever starts a process has to collect it. This stays for as long as the
	// service and we both live; when we end, process 1 takes over.
	go func() { ended <- cmd.Wait() }()
	if err := c.awaitSteady(ctx, begun, ended); err != nil {
		return fmt.Errorf("%w%s", err, said(log, before))
	}
	return nil
}

// openLog opens what takes the service's output.
func (c config) openLog() (*os.File, error) {
	name := c.Log
	if name == "" {
		name = os.DevNull
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	return f, nil
}

func (c config) command(log *os.File) (*exec.Cmd, error) {
	credential, err := c.credential()
	if err != nil {
		return nil, err
	}
	script := plain
	var files []*os.File
	if !c.OwnPidfile {
		f, err := os.OpenFile(c.Pidfile, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o644)
		if err != nil {
			return nil, fmt.Errorf("open its pidfile: %w", err)
		}
		script, files = becoming, []*os.File{f}
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, c.Start[0]}, c.Start...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = c.Dir, log, log, files
	cmd.Env = child.Environment(c.environment())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential}
	return cmd, nil
}

// environment is what the settings give it, and whose it is.
func (c config) environment() map[string]string {
	out := map[string]string{}
	if u, err := user.Lookup(c.User); c.User != "" && err == nil {
		out["HOME"], out["USER"], out["LOGNAME"] = u.HomeDir, u.Username, u.Username
	}
	for name, v := range c.Env {
		out[name] = v.Reveal()
	}
	return out
}

// credential is the user to start it as; nil: the one that we are.
func (c config) credential() (*syscall.Credential, error) {
	if c.User == "" {
		return nil, nil
	}
	u, err := user.Lookup(c.User)
	if err != nil {
		return nil, fmt.Errorf("there is no user %s", c.User)
	}
	uid, errU := strconv.ParseUint(u.Uid, 10, 32)
	gid, errG := strconv.ParseUint(u.Gid, 10, 32)
	if errU != nil || errG != nil {
		return nil, fmt.Errorf("user %s has no number", c.User)
	}
	if int(uid) == os.Geteuid() {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("only root may start it as user %s", c.User)
	}
	var groups []uint32
	ids, _ := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			groups = append(groups, uint32(n))
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}, nil
}

// awaitSteady waits until the pidfile names a process that has lived for the
// steady time. ended, where there is one, tells of the end of what was started:
// the service itself, or what has put it into the background.
func (c config) awaitSteady(ctx context.Context, begun time.Time, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, c.StartTimeout.Duration)
	defer cancel()
	for {
		main, why, err := pidfile{c}.main()
		if err == nil && why == "" && min(time.Since(main.Started()), time.Since(begun)) >= c.Steady.Duration {
			return nil
		}
		select {
		case failed := <-ended:
			if !c.OwnPidfile || failed != nil {
				return errors.New("it has ended at once")
			}
		default:
		}
		if !pause(ctx) {
			return fmt.Errorf("after %s %s does not name a process that runs", time.Since(begun).Round(time.Millisecond), c.Pidfile)
		}
	}
}

// lastWords is how much of the log is told when it does not start.
const lastWords = 500

// said is what the service wrote since, to say why it did not start.
func said(log *os.File, from int64) string {
	end, err := log.Seek(0, io.SeekEnd)
	if err != nil || end <= from {
		return ""
	}
	text := make([]byte, min(end-from, lastWords))
	if _, err := log.ReadAt(text, end-int64(len(text))); err != nil {
		return ""
	}
	return ": " + strings.ToValidUTF8(strings.TrimSpace(string(text)), "?")
}

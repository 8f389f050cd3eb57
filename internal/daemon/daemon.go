// Package daemon starts programs that outlive us, each at most once by its
// name, and finds them again: a program writes down who it is before it becomes
// what was asked for, so there is no moment in which it runs unknown, even if
// we are killed just then.
package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/pid"
)

// Daemon is a kind of program, and where its instances are written down.
type Daemon struct {
	Argv    []string // "{name}" in it is the instance's name
	Dir     string   // where it works; empty: the current directory
	Env     map[string]string
	Records string // directory of ours alone: NAME.run, NAME.log, NAME.stop
}

// becoming writes the line of /proc that names the process, and the boot, into
// a file that must not exist, and then becomes the program. Its arguments are
// the file and the program's own.
const becoming = `set -C
read -r stat </proc/$$/stat && read -r boot </proc/sys/kernel/random/boot_id || exit 126
echo "$stat
$boot" 2>/dev/null >"$0" || exit 125
exec "$@"`

// ErrTaken says that an instance of that name was started before.
var ErrTaken = errors.New("it was started before")

// ErrNever says that no instance of that name was ever started.
var ErrNever = errors.New("it was never started")

// Start starts an instance in a session of its own and returns when it is
// written down; whether it comes to be of use is for the caller to see. Of
// several who start the same at once one does, and all may hear that it went
// well. Errors: ErrTaken, or what kept it from being started.
func (d Daemon) Start(name string) error {
	if err := os.MkdirAll(d.Records, 0o700); err != nil {
		return fmt.Errorf("make the directory of records: %w", err)
	}
	d.forget(time.Now().Add(-keptFor))
	if _, err := os.Stat(d.record(name)); err == nil {
		return ErrTaken
	}
	log, err := os.OpenFile(d.log(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	defer func() { _ = log.Close() }()
	argv := d.argv(name)
	if _, err := exec.LookPath(argv[0]); err != nil && (d.Dir == "" || !strings.Contains(argv[0], "/")) {
		return fmt.Errorf("find its program: %w", err)
	}
	record, err := filepath.Abs(d.record(name))
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", becoming, record}, argv...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = d.Dir, log, log, child.Environment(d.Env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start it: %w", err)
	}
	ended := make(chan struct{})
	// Whoever starts a process has to collect it. This stays for as long as the
	// program and we both live; when we end, process 1 takes over.
	go func() { _ = cmd.Wait(); close(ended) }()
	return d.awaitRecord(name, ended)
}

// recordTime is how long a process may take to write itself down.
const recordTime = 5 * time.Second

// awaitRecord waits until the process has written itself down. One that ends
// without has found that another was faster.
func (d Daemon) awaitRecord(name string, ended <-chan struct{}) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(recordTime); time.Now().Before(end); <-tick.C {
		if _, err := d.Find(name); err == nil {
			return nil
		}
		select {
		case <-ended:
			if _, err := d.Find(name); err != nil {
				return fmt.Errorf("it ended before it ran: %w", err)
			}
			return nil
		default:
		}
	}
	return fmt.Errorf("it did not run after %s", recordTime)
}

func (d Daemon) argv(name string) []string {
	argv := make([]string, len(d.Argv))
	for i, a := range d.Argv {
		argv[i] = strings.ReplaceAll(a, "{name}", name)
	}
	return argv
}

func (d Daemon) record(name string) string { return filepath.Join(d.Records, name+".run") }
func (d Daemon) log(name string) string    { return filepath.Join(d.Records, name+".log") }

// Find says which process the instance of that name is or was; whether it
// lives is pid.Lives. Errors: ErrNever; any other means that it is not known
// (yet: a record is written in a moment).
func (d Daemon) Find(name string) (pid.ID, error) {
	data, err := os.ReadFile(d.record(name))
	if errors.Is(err, os.ErrNotExist) {
		return pid.ID{}, ErrNever
	}
	if err != nil {
		return pid.ID{}, fmt.Errorf("read the record of %s: %w", name, err)
	}
	stat, boot, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	// The second field is a name in brackets that may hold anything; the
	// twentieth behind it is when the process started.
	number, _, _ := strings.Cut(stat, " ")
	behind := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(behind) < 20 || boot == "" {
		return pid.ID{}, fmt.Errorf("the record of %s is not complete", name)
	}
	id := pid.ID{Boot: boot}
	var errPID, errStart error
	id.PID, errPID = strconv.Atoi(number)
	id.Start, errStart = strconv.ParseInt(behind[19], 10, 64)
	if errPID != nil || errStart != nil {
		return pid.ID{}, fmt.Errorf("the record of %s cannot be read", name)
	}
	return id, nil
}

package pid

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// File is a pidfile: a file that holds the number of a service's main process.
type File struct {
	Path string
	// Match is an expression for the command line of the service; nil: none is
	// known, and the file's age has to do.
	Match *regexp.Regexp
}

// Doubt says that a pidfile may name another's process. Nobody should act on
// it before it is resolved.
type Doubt struct {
	Text string
	Hint string // what resolves it; may be empty
}

func (d *Doubt) Error() string { return d.Text }

// longest is how much is read of a pidfile: a number and its line end.
const longest = 64

// Process finds the process that a pidfile names; why says that none runs.
// Errors: a *Doubt, or the system's.
func (f File) Process() (main Process, why string, err error) {
	file, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return main, "no pidfile", nil
	}
	if err != nil {
		return main, "", fmt.Errorf("open the pidfile: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return main, "", fmt.Errorf("read the pidfile: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, longest))
	if err != nil {
		return main, "", fmt.Errorf("read the pidfile: %w", err)
	}
	number, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n")) // some write more lines behind it
	if len(number) == 0 {
		return main, "the pidfile is empty", nil
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(number)))
	if err != nil || n <= 0 {
		return main, "", &Doubt{Text: f.Path + " holds no process number"}
	}
	main, err = Look(n)
	if errors.Is(err, ErrGone) {
		return main, fmt.Sprintf("process %d has ended", n), nil
	}
	if err != nil {
		return main, "", err
	}
	why, err = f.mistaken(main, info)
	return main, why, err
}

// mistaken checks that the process is the one that the file was written for.
// Numbers are used again, and whoever may write the file chooses whom we end.
func (f File) mistaken(main Process, info os.FileInfo) (why string, err error) {
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o002 != 0 {
		return "", &Doubt{Hint: "chmod o-w it", Text: f.Path + " is no file, or anybody may write it: it could name any process"}
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() && int(owner.Uid) != main.UID {
		return "", &Doubt{Text: fmt.Sprintf("%s belongs to user %d, and process %d to user %d: it could name anybody's", f.Path, owner.Uid, main.PID, main.UID)}
	}
	if f.Match != nil {
		if !f.Match.MatchString(strings.Join(main.Args, " ")) {
			return fmt.Sprintf("the pidfile is old: process %d is %s", main.PID, main.Line()), nil
		}
		return "", nil
	}
	if written := info.ModTime(); main.Started().After(written.Add(time.Second + moved(written))) {
		// Either the number was used again, or the clock was set. To take the
		// service for ended and start a second one is the worse mistake.
		return "", &Doubt{
			Text: fmt.Sprintf("%s was written before process %d (%s) started: it may be another's", f.Path, main.PID, main.Line()),
			Hint: "set match to an expression for the service's command line, or remove the file if the service is down",
		}
	}
	return "", nil
}

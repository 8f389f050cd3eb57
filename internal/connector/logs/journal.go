package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// journal reads the system's journal by asking journalctl, which knows the
// format of its files and who may read them. It runs as a child without a
// shell, in a process group of its own that ends with the question; what it
// prints goes to a temporary file with a bound.
type journal struct {
	units     []string // empty: all
	directory string   // empty: this machine's own
	limit     int64
}

// journalName stands for the journal where others have the path of a file.
const journalName = "the journal"

// unitName knows names and globs of units. None begins with a dash, so none can
// be an option.
var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\@*?\[][A-Za-z0-9:_.\\@*?\[\]-]*$`)

func newJournal(c config, dir string) (*journal, error) {
	j := &journal{directory: c.Dir, limit: c.files.Budget}
	for _, unit := range c.Journal {
		if !unitName.MatchString(unit) {
			return nil, fmt.Errorf("journal: %q is no name of a unit: write names like shop.service, or \"*\"", unit)
		}
		if unit == "*" {
			j.units = nil
			break
		}
		j.units = append(j.units, unit)
	}
	if j.directory != "" && !filepath.IsAbs(j.directory) {
		j.directory = filepath.Join(dir, j.directory)
	}
	return j, nil
}

// fields are what is asked for of an entry: what becomes the line and its labels.
const fields = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER,_HOSTNAME,_PID,CONTAINER_NAME"

// read gives the entries of a window. The error is a *logfile.Failed or the
// context's.
func (j *journal) read(ctx context.Context, w logql.Window) (*logfile.Spooled, []string, error) {
	var span []string
	if !w.Start.IsZero() {
		span = append(span, "--since=@"+strconv.FormatInt(w.Start.Unix(), 10))
	}
	if !w.End.IsZero() {
		span = append(span, "--until=@"+strconv.FormatInt(int64(math.Ceil(float64(w.End.UnixNano())/1e9)), 10))
	}
	return j.ask(ctx, span...)
}

// newest gives the last entries, for a look at what there is.
func (j *journal) newest(ctx context.Context) (*logfile.Spooled, []string, error) {
	return j.ask(ctx, "--lines=200")
}

func (j *journal) ask(ctx context.Context, span ...string) (*logfile.Spooled, []string, error) {
	notes, err := j.access(ctx)
	if err != nil {
		return nil, nil, err
	}
	args := append([]string{"--output=json", "--all", "--no-pager", "--output-fields=" + fields}, span...)
	for _, unit := range j.units {
		args = append(args, "--unit="+unit)
	}
	cmd, err := j.command(ctx, args...)
	if err != nil {
		return nil, nil, err
	}
	words := &head{room: wordsKept}
	cmd.Stderr = words
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, failed(logfile.Unreadable, err.Error())
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, failed(logfile.Unreadable, "journalctl did not start: "+err.Error())
	}
	spooled, err := logfile.Spool(ctx, out, logfile.SpoolConfig{Name: journalName, Limit: j.limit})
	if err != nil {
		_ = cmd.Cancel()
	}
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err != nil:
		err = failed(logfile.Unreadable, err.Error())
	case ended != nil:
		err = failed(kindOf(words.String()), said(words.String(), ended))
	}
	if err != nil {
		if spooled != nil {
			spooled.Close()
		}
		return nil, nil, err
	}
	return spooled, notes, nil
}

// access asks for one entry in words: with JSON and bare text journalctl keeps to itself that
// it found no journal, or that this user sees only a part of it.
func (j *journal) access(ctx context.Context) (notes []string, err error) {
	cmd, err := j.command(ctx, "--output=short", "--no-pager", "--lines=1")
	if err != nil {
		return nil, err
	}
	words := &head{room: wordsKept}
	cmd.Stderr = words
	ended := cmd.Run()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch text := words.String(); {
	case strings.Contains(text, "insufficient permissions"):
		return nil, failed(logfile.Denied, "permission denied: this user is not in the group systemd-journal")
	case strings.Contains(text, "No journal files were found"):
		return nil, failed(logfile.Missing, "journalctl finds no journal"+j.where())
	case ended != nil:
		return nil, failed(kindOf(text), said(text, ended))
	case strings.Contains(text, "currently not seeing messages from other users"):
		return []string{journalName + ": this user is not in the group systemd-journal and sees only its own messages: those of other users and of the system are missing"}, nil
	}
	return nil, nil
}

func (j *journal) where() string {
	if j.directory == "" {
		return " on this machine: services here may log to files or to a container runtime"
	}
	return " in " + j.directory
}

func (j *journal) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath("journalctl")
	if err != nil {
		return nil, failed(logfile.Missing, "there is no journalctl on this machine: it comes with systemd; name the files under paths instead")
	}
	if j.directory != "" {
		args = append(args, "--directory="+j.directory)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "SYSTEMD_COLORS=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd, nil
}

func failed(kind logfile.TroubleKind, reason string) error {
	return &logfile.Failed{Troubles: []logfile.Trouble{{Path: journalName, Kind: kind, Reason: reason}}}
}

// kindOf reads what journalctl says when it fails.
func kindOf(words string) logfile.TroubleKind {
	switch {
	case strings.Contains(words, "Permission denied"), strings.Contains(words, "insufficient permissions"):
		return logfile.Denied
	case strings.Contains(words, "No such file or directory"):
		return logfile.Missing
	}
	return logfile.Unreadable
}

// said is the first line of what journalctl says, or how it ended.
func said(words string, ended error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(words), "\n")
	if line == "" {
		var exit *exec.ExitError
		if errors.As(ended, &exit) {
			line = exit.String()
		} else {
			line = ended.Error()
		}
	}
	return "journalctl: " + line
}

// wordsKept bounds what is kept of what journalctl says beside the entries.
const wordsKept = 4 << 10

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	room int
}

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(h.room-h.Len(), 0))])
	return len(p), nil
}

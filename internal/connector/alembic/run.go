package alembic

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Bounds of what is kept of a run: all of a long migration's SQL, and enough
// of a traceback to find its last line.
const (
	outputKept = 4 << 20
	errorsKept = 64 << 10
)

// grace is how long a run has to end by itself when its time is over.
const grace = 3 * time.Second

// output is what a run has said.
type output struct {
	text string
	cut  bool // there was more
}

// failed is a run that ended with an error.
type failed struct {
	args string
	said string // in one line, secrets hidden
	err  error  // the context's, where its time was over
}

func (f *failed) Error() string { return "alembic " + f.args + ": " + f.said }
func (f *failed) Unwrap() error { return f.err }

// reading are the options of a session that only reads. They reach every
// driver that is built on libpq; others keep to what env.py tells them.
const reading = "-c default_transaction_read_only=on -c lock_timeout=500"

// run runs Alembic in a process group of its own, which is ended with ctx, and
// with us. options are for the sessions that it opens.
func (t *Target) run(ctx context.Context, options, application string, args ...string) (output, error) {
	all := append(append([]string{}, t.cfg.command[1:]...), "-c", t.cfg.ini)
	all = append(all, args...)
	// A child is told of the death of the thread that started it, not of the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, t.cfg.command[0], all...)
	cmd.Dir, cmd.SysProcAttr = t.cfg.dir, ownGroup()
	cmd.Env = append(append([]string{}, t.cfg.env...), "PGOPTIONS="+strings.TrimSpace(t.cfg.options+" "+options), "PGAPPNAME="+application)
	out, words := &head{room: outputKept}, &tail{room: errorsKept}
	cmd.Stdout, cmd.Stderr = out, words
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if cmd.Process != nil { // whoever has not heeded the signal, or was left behind
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if err == nil {
		return output{text: out.String(), cut: out.cut}, nil
	}
	f := &failed{args: args[0], err: ctx.Err()}
	switch {
	case f.err != nil:
		f.said = "not done within the time allowed"
	case cmd.Process == nil:
		f.said = fmt.Sprintf("%s cannot be started in %s: %s", t.cfg.command[0], t.cfg.dir, reasonOf(err))
	default:
		f.said = said(out.String(), words.String(), err)
	}
	f.said = t.redact(f.said)
	return output{}, f
}

// redact hides secrets in a text.
func (t *Target) redact(text string) string { return t.cfg.redact.Text(t.tools.Redact.Text(text)) }

// reasonOf is the innermost reason why a program could not be started.
func reasonOf(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

// said finds the line that says why Alembic failed: its own, or the last line
// of a traceback that begins with the name of an exception.
func said(out, words string, err error) string {
	for _, line := range strings.Split(out+"\n"+words, "\n") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "FAILED: "); ok {
			return text
		}
	}
	last := ""
	for _, line := range strings.Split(words, "\n") {
		name, _, found := strings.Cut(line, ": ")
		if found && !strings.HasPrefix(line, " ") && !strings.ContainsAny(name, " \t(") && strings.Contains(name, ".") ||
			strings.HasPrefix(name, "NotImplementedError") || strings.HasSuffix(name, "Error") && found {
			last = line
		}
	}
	if last == "" {
		last = lastLine(words)
	}
	if last == "" {
		return err.Error()
	}
	return last
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	room int
	cut  bool
}

func (h *head) Write(p []byte) (int, error) {
	keep := min(len(p), max(h.room-h.Len(), 0))
	h.Buffer.Write(p[:keep])
	h.cut = h.cut || keep < len(p)
	return len(p), nil
}

// tail keeps the end of what is written to it.
type tail struct {
	kept []byte
	room int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.room; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.kept) }

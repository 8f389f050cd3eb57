// Package child runs another program to its end and never leaves it behind:
// in a process group of its own, bounded in time and output, ended with its
// group when the time is over, and killed by the kernel when we are.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Command is one program to run. There is no shell: each element of Argv
// reaches the program as it is.
type Command struct {
	Argv  []string
	Dir   string    // empty: the current one
	Env   []string  // all that it sees, as NAME=value; see Environment
	Stdin io.Reader // nil: nothing to read
	Most  int       // bytes kept of each of its two outputs; 0: 64 KiB
	Grace time.Duration
	// Leaves lets what the program has started live on when the program itself
	// has ended well: it starts a service. When ctx ends all of it is ended.
	Leaves bool
}

// Result is how a program ended.
type Result struct {
	Code   int            // exit status; -1 where a signal ended it
	Signal syscall.Signal // which; 0 for none
	Stdout []byte
	Stderr []byte
	Cut    bool // it wrote more than was kept
	Took   time.Duration
}

// Defaults of a Command. The grace is what a program gets between SIGTERM and
// SIGKILL to put its things in order.
const (
	defaultMost  = 64 << 10
	defaultGrace = 2 * time.Second
)

// ErrNotStarted says that the program did not run at all: nothing happened.
var ErrNotStarted = errors.New("not started")

// Run runs a program and waits for its end. That it ended with a status other
// than 0 is no error. When ctx ends, its group gets SIGTERM, after the grace
// SIGKILL, and Run returns the context's error with the Result so far. What is
// left of its group when the program itself has ended is killed, unless Leaves
// is set: a daemon that is meant to stay makes a session of its own (setsid). Errors: ErrNotStarted
// (wrapped), the context's, or that of reading its output.
func Run(ctx context.Context, c Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrNotStarted, err)
	}
	if len(c.Argv) == 0 {
		return Result{}, fmt.Errorf("%w: there is no program to run", ErrNotStarted)
	}
	type ended struct {
		result Result
		err    error
	}
	done := make(chan ended, 1)
	go func() {
		// The kernel sends the signal of a parent's death when the thread ends
		// that forked, so the thread has to stay for as long as the child does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		r, err := c.run(ctx)
		done <- ended{r, err}
	}()
	e := <-done
	return e.result, e.err
}

func (c Command) run(ctx context.Context) (Result, error) {
	most, grace := c.Most, c.Grace
	if most <= 0 {
		most = defaultMost
	}
	if grace <= 0 {
		grace = defaultGrace
	}
	out, errs := &head{most: most}, &head{most: most}
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, c.Stdin, out, errs
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would hand on our own, with all that is secret in it
	}
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = grace // for outputs that a straggler holds open
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrNotStarted, err)
	}
	group := cmd.Process.Pid
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		endWith(ctx, group, grace, over)
	}()
	err := cmd.Wait()
	close(over)
	<-watched
	if !c.Leaves || ctx.Err() != nil || !cmd.ProcessState.Success() {
		_ = syscall.Kill(-group, syscall.SIGKILL) // stragglers; there are none as a rule
	}
	r := Result{Code: cmd.ProcessState.ExitCode(), Stdout: out.kept, Stderr: errs.kept, Cut: out.cut || errs.cut, Took: time.Since(start)}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.Signal = status.Signal()
	}
	if ctx.Err() != nil && r.Code != 0 {
		return r, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return r, fmt.Errorf("read the output of %s: %w", c.Argv[0], err)
	}
	return r, nil
}

// endWith ends a group when ctx does, unless it is over before.
func endWith(ctx context.Context, group int, grace time.Duration, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-ctx.Done():
	}
	_ = syscall.Kill(-group, syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

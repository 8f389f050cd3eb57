package storetest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

// childEnv carries a task to a process that is this test binary again.
const childEnv = "QUELL_STORETEST_CHILD"

// task is what such a process does.
type task struct {
	Role    string // a key of roles
	Address string
	ID      string // of the incident to write to
	Until   int64  // last number to write, or how often
	Dir     string // to meet the others in
}

var roles = map[string]func(context.Context, Store, task) error{
	"append": appendUntil, "write": writeOn, "lease": leaseOften, "set up": func(context.Context, Store, task) error { return nil },
}

// Main runs the tests of a package, or the task of a process that one of them
// started. Give its result to os.Exit.
func Main(m *testing.M, open Opener, tests func(*testing.M) int) int {
	text := os.Getenv(childEnv)
	if text == "" {
		return tests(m)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var do task
	err := json.Unmarshal([]byte(text), &do)
	if err == nil {
		var s Store
		if s, err = open(ctx, do.Address); err == nil {
			err = errors.Join(roles[do.Role](ctx, s, do), s.Close())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// child is a process of ours, and the lines that it prints.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	err   io.Reader
}

// start runs this binary for a task. It is killed at the latest when the test ends.
func start(t testing.TB, do task) *child {
	t.Helper()
	text, err := json.Marshal(do)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	errOut, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{cmd: cmd, lines: bufio.NewScanner(out), err: errOut}
	t.Cleanup(c.kill)
	return c
}

// kill is kill -9.
func (c *child) kill() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// wait reads what is left of the lines, and fails the test where the process
// did not end well.
func (c *child) wait(t testing.TB) (lines []string) {
	t.Helper()
	for c.lines.Scan() {
		lines = append(lines, c.lines.Text())
	}
	said, _ := io.ReadAll(c.err)
	require.NoErrorf(t, c.cmd.Wait(), "%s", said)
	return lines
}

// appendUntil appends to an incident, against others, until it has enough
// events, and prints the number of each that it has won.
func appendUntil(ctx context.Context, s Store, do task) error {
	after := int64(1)
	for after < do.Until {
		seq, err := s.Append(ctx, do.ID, after, note(fmt.Sprintf("%d of %d", after+1, os.Getpid())))
		switch {
		case err == nil:
			fmt.Println(seq, fmt.Sprintf("%d of %d", seq, os.Getpid()))
			after = seq
		case errors.Is(err, incident.ErrConflict):
			events, err := s.Events(ctx, do.ID, after)
			if err != nil {
				return err
			}
			after += int64(len(events))
		default:
			return err
		}
	}
	return nil
}

// batch is how many events writeOn writes at once.
const batch = 3

// writeOn opens incidents and appends to them until it is killed, and prints
// what was confirmed: an incident, and the number of its last event.
func writeOn(ctx context.Context, s Store, do task) error {
	for {
		id, err := s.Create(ctx, incident.Header{Title: "to be killed"}, numbered("first", batch)...)
		if err != nil {
			return err
		}
		fmt.Println(id, batch)
		for after := int64(batch); after < do.Until; {
			if after, err = s.Append(ctx, id, after, numbered(id, batch)...); err != nil {
				return err
			}
			fmt.Println(id, after)
		}
		if err := s.Set(ctx, "last", id, "tester", ""); err != nil {
			return err
		}
	}
}

// leaseOften takes a lease as often as it gets it, and proves with a file that
// nobody else has it too.
func leaseOften(ctx context.Context, s Store, do task) error {
	owner, file := fmt.Sprint("process ", os.Getpid()), do.Dir+"/inside"
	for held := int64(0); held < do.Until; {
		_, err := s.Acquire(ctx, key, owner, time.Minute)
		if errors.Is(err, incident.ErrHeld) {
			continue
		}
		if err != nil {
			return err
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("two hold the lease: %w", err)
		}
		err = errors.Join(s.Mark(ctx, key, owner, "INC-1.1.1", time.Minute), s.Mark(ctx, key, owner, "", time.Minute),
			f.Close(), os.Remove(file), s.Release(ctx, key, owner))
		if err != nil {
			return err
		}
		held++
		fmt.Println("held")
	}
	return nil
}

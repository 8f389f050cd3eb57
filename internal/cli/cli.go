// Package cli is the command line: flags in, use cases of package app called,
// answers to stdout and chatter to stderr.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes. They are stable; `quell help exit-codes` lists them.
const (
	exitOK          = 0
	exitFailed      = 1   // the command could not do its work, or checks failed
	exitUsage       = 2   // wrong flags, a broken configuration or playbook
	exitFound       = 3   // diagnose: a cause was found
	exitCannotTell  = 4   // diagnose: something is wrong or unseen, and no cause is likely
	exitInterrupted = 130 // Ctrl-C
)

// Version is set by the build; "dev" where it is not.
var version = "dev"

// exit is an error that carries the exit code. An empty message prints nothing.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// atLeast refuses fewer than n arguments with a line that says what to write.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= n {
			return nil
		}
		return usage("%s: %s", cmd.Name(), what)
	}
}

// atMost refuses more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return usage("%s: %q is one word too many; `%s --help` shows what it takes", cmd.Name(), args[n], cmd.CommandPath())
	}
}

func usage(format string, args ...any) error {
	return &exit{exitUsage, fmt.Errorf(format, args...)}
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Process runs the command line of this process and returns its exit code. The
// first Ctrl-C ends the round and prints what is known; a second one ends the
// process, because the signals are then the system's again.
func Process() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { <-ctx.Done(); stop() }()
	return Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// output remembers the first error of writing, so that a full disk is no success.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	answer := &output{Writer: out}
	s := streams{in, answer, errOut}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(answer)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil && answer.err != nil {
		err = &exit{exitFailed, answer.err}
		if len(args) > 0 && args[0] == "logs" {
			err = &exit{exitUsage, answer.err} // 1 says there that nothing matched
		}
	}
	if err == nil {
		return exitOK
	}
	code := exitUsage
	var e *exit
	if errors.As(err, &e) {
		code = e.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(errOut, "quell: "+text)
	}
	return code
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "quell",
		Short: "The runbook that runs itself",
		Long: `Quell turns a team's Markdown playbooks into an incident engine: it asks every
system the playbooks' questions, at once and read-only, ranks the causes with
the evidence for and against, and shows the chain from root cause to what users
feel.`,
		Example: `  quell demo                          break a small shop and diagnose it
  quell init && quell doctor          write quell.yaml, see what can be reached
  quell diagnose                      what is wrong, on every service
  quell diagnose api --symptom "too many connections" --since 1h
  quell logs '{service="api"} | json | level="ERROR"' app.json --since 1h`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	root.SetFlagErrorFunc(flagFault)
	root.SetVersionTemplate("quell {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		diagnoseCommand(s), runCommand(s), initCommand(s), doctorCommand(s), demoCommand(s), shopCommand(),
		planCommand(s), approveCommand(s), applyCommand(s), undoCommand(s), reconcileCommand(s), verifyCommand(s), stopCommand(s), ladderCommand(s),
		incidentCommand(s), reportCommand(s), auditCommand(s),
		logsCommand(s), lintCommand(s), fmtCommand(s), testCommand(s), explainCommand(s),
		exitCodesTopic(), referenceCommand(s),
	)
	return root
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What each exit code means",
		Long: `  0    done; for diagnose: nothing is wrong in what could be seen
  1    the command could not do its work, or a check failed (lint, test, doctor);
       for logs: all was read, and nothing matched
  2    wrong flags, a broken configuration, playbook or query; for logs: no log could be read
  3    diagnose, run: a cause was found
  4    diagnose, run: something is wrong or could not be seen, and no cause is likely;
       logs spike: it cannot be told; apply, ladder: a person or an approval is needed
  130  interrupted`,
	}
}

// isTerminal reports whether w is a terminal, and how wide it is.
func isTerminal(w io.Writer) (yes bool, width int) {
	if o, wrapped := w.(*output); wrapped {
		w = o.Writer
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return true, 0
	}
	return true, width
}

// colored follows the NO_COLOR convention (no-color.org).
func colored(w io.Writer) bool {
	yes, _ := isTerminal(w)
	return yes && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

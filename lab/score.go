package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/trial"
)

// options of a score.
type options struct {
	faults, groups, kinds []string
	seeds                 []int
	stacks                int
	late                  time.Duration
	quell, out, keep      string
	why                   bool
}

func scored() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "score", Short: "Tries the diagnosis on faults and prints the table", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.flags(cmd)
	cmd.Flags().IntVar(&o.stacks, "stacks", 1, "how many stacks run at the same time; faults that take both processors run alone")
	cmd.Flags().DurationVar(&o.late, "late", 0, "how much later than usual the alert arrives")
	cmd.Flags().StringSliceVar(&o.kinds, "kind", nil, "kinds: fault, double, red herring, healthy, recovered; none: all")
	cmd.Flags().BoolVar(&o.why, "why", true, "explain each diagnosis that is not right")
	o.keeping(cmd)
	return cmd
}

// keeping is the flag of the commands that can keep their answers.
func (o *options) keeping(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.keep, "keep", "", "directory that all answers are kept below, for `lab again`")
}

// flags are those of every command that holds trials.
func (o *options) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.faults, "fault", nil, "names of faults; none: all")
	flags.StringSliceVar(&o.groups, "group", nil, "groups of faults; none: all")
	flags.IntSliceVar(&o.seeds, "seed", []int{1}, "seeds of the parameters, one trial each")
	flags.StringVar(&o.quell, "quell", "", "path of the binary; none: it is built")
	flags.StringVar(&o.out, "out", "", "file that each result is appended to, one JSON object a line")
}

// chosen are the faults that were asked for.
func (o options) chosen() ([]fault.Fault, error) {
	for _, name := range o.faults {
		if _, err := fault.Find(name); err != nil {
			return nil, err
		}
	}
	var chosen []fault.Fault
	for _, f := range fault.All() {
		fits := func(list []string, word string) bool {
			return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
		}
		if fits(o.faults, f.Name) && fits(o.groups, f.Group) && fits(o.kinds, string(f.Kind)) {
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no fault is of that kind and group: `go run ./lab list` names all")
	}
	return chosen, nil
}

// prepare chooses the trials, builds the binary unless one is named, and notes
// where it is; done removes what was built.
func (o *options) prepare(cmd *cobra.Command) (trials []trial.Trial, done func(), err error) {
	chosen, err := o.chosen()
	if err != nil {
		return nil, nil, err
	}
	if o.keep != "" {
		if o.keep, err = filepath.Abs(o.keep); err != nil {
			return nil, nil, err
		}
	}
	done = func() {}
	if o.quell != "" {
		if o.quell, err = filepath.Abs(o.quell); err != nil { // it runs in the directories of stacks
			return nil, nil, err
		}
	} else {
		dir, err := os.MkdirTemp("", "quell-binary-")
		if err != nil {
			return nil, nil, err
		}
		done = func() { os.RemoveAll(dir) }
		if o.quell, err = build(cmd.Context(), dir); err != nil {
			done()
			return nil, nil, err
		}
	}
	for _, f := range chosen {
		for _, seed := range o.seeds {
			trials = append(trials, trial.Trial{Fault: f, Seed: uint64(seed), Quell: o.quell, Late: o.late, Keep: o.keep})
		}
	}
	return trials, done, nil
}

func (o options) run(cmd *cobra.Command) error {
	trials, done, err := o.prepare(cmd)
	if err != nil {
		return err
	}
	defer done()
	fmt.Fprint(cmd.OutOrStdout(), trial.Head())
	var results []trial.Result
	var mu sync.Mutex
	o.each(cmd.Context(), trials, func(t trial.Trial, r trial.Result) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, r)
		o.show(cmd, t.Fault, r)
	})
	if err := cmd.Context().Err(); err != nil {
		return fmt.Errorf("interrupted after %d of %d trials: %w", len(results), len(trials), err)
	}
	fmt.Fprint(cmd.OutOrStdout(), trial.Summary(results))
	return nil
}

// show prints a result, and keeps it where that was asked for.
func (o options) show(cmd *cobra.Command, f fault.Fault, r trial.Result) {
	fmt.Fprint(cmd.OutOrStdout(), r.Line())
	if o.why && !r.Right() && r.Error == "" {
		fmt.Fprintln(cmd.ErrOrStderr(), indent(r.Why(f)))
	}
	if o.out != "" {
		if err := appendTo(o.out, r); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "lab:", err)
		}
	}
}

// each runs the trials: those that take both processors one by one, the others
// so many at a time. A trial that could not be held is a result with an error.
func (o options) each(ctx context.Context, trials []trial.Trial, done func(trial.Trial, trial.Result)) {
	one := func(t trial.Trial) {
		if ctx.Err() != nil {
			return
		}
		r, err := t.Run(ctx)
		if err != nil {
			r = trial.Failed(t, err)
		}
		done(t, r)
	}
	slots := make(chan struct{}, max(o.stacks, 1))
	var group sync.WaitGroup
	for _, t := range trials {
		if t.Fault.Alone {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			one(t)
		})
	}
	group.Wait()
	for _, t := range trials {
		if t.Fault.Alone {
			one(t)
		}
	}
}

// build builds the binary that is tried.
func build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "quell")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "github.com/quellhq/quell/cmd/quell")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build quell: %w: %s", err, out)
	}
	return path, nil
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

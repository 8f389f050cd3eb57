package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/trial"
)

// again tries the diagnosis on answers that were kept.
func again() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "again DIR", Short: "Tries the diagnosis on the answers that `score --keep DIR` kept; starts nothing", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kept, err := trial.KeptBelow(args[0])
			if err != nil {
				return err
			}
			chosen, done, err := o.prepare(cmd)
			if err != nil {
				return err
			}
			defer done()
			kept = among(kept, chosen, !cmd.Flags().Changed("seed"))
			if len(kept) == 0 {
				return fmt.Errorf("no trial that is kept below %s is of those faults and seeds", args[0])
			}
			return o.conclude(cmd, kept)
		},
	}
	o.flags(cmd)
	cmd.Flags().IntVar(&o.stacks, "at-once", 2, "how many are concluded at the same time")
	cmd.Flags().BoolVar(&o.why, "why", true, "explain each diagnosis that is not right")
	return cmd
}

// among are the kept trials of the chosen faults, and seeds unless any will do.
func among(kept []trial.Kept, chosen []trial.Trial, anySeed bool) []trial.Kept {
	return slices.DeleteFunc(kept, func(k trial.Kept) bool {
		return !slices.ContainsFunc(chosen, func(t trial.Trial) bool {
			return t.Fault.Name == k.Trial.Fault.Name && (anySeed || t.Seed == k.Trial.Seed)
		})
	})
}

// conclude concludes from each of them and prints the table.
func (o options) conclude(cmd *cobra.Command, kept []trial.Kept) error {
	fmt.Fprint(cmd.OutOrStdout(), trial.Head())
	var results []trial.Result
	var failed []error
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, max(o.stacks, 1))
	for _, k := range kept {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			r, err := k.Again(cmd.Context(), o.quell)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", k.Dir, err))
				return
			}
			results = append(results, r)
			o.show(cmd, k.Trial.Fault, r)
		})
	}
	group.Wait()
	fmt.Fprint(cmd.OutOrStdout(), trial.Summary(results))
	return errors.Join(failed...)
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/trial"
)

// blinded takes one source after another away and tries again.
func blinded() *cobra.Command {
	var o options
	var kept string
	cmd := &cobra.Command{
		Use: "blind", Short: "Takes each source away in turn, and prints how far the diagnosis falls", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, done, err := o.prepare(cmd)
			if err != nil {
				return err
			}
			defer done()
			var all []trial.Result
			show := func(results []trial.Result) error {
				for _, r := range results {
					fmt.Fprintf(cmd.OutOrStdout(), "%-18s %s", r.Without, r.Line())
					if o.out != "" {
						if err := appendTo(o.out, r); err != nil {
							return err
						}
					}
				}
				all = append(all, results...)
				return cmd.Context().Err()
			}
			if kept == "" {
				for _, t := range chosen {
					if err := show(t.Blind(cmd.Context())); err != nil {
						return err
					}
				}
			} else {
				trials, err := trial.KeptBelow(kept)
				if err != nil {
					return err
				}
				for _, k := range among(trials, chosen, !cmd.Flags().Changed("seed")) {
					if err := show(k.Blind(cmd.Context(), o.quell)); err != nil {
						return err
					}
				}
			}
			fmt.Fprint(cmd.OutOrStdout(), trial.BlindSummary(all))
			return nil
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&kept, "kept", "", "directory of answers that `score --keep` kept: nothing is started, their answers are left out")
	return cmd
}

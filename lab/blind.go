package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/trial"
)

// blinded takes one source after another away and tries again.
func blinded() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "blind", Short: "Takes each source away in turn, and prints how far the diagnosis falls", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, done, err := o.prepare(cmd)
			if err != nil {
				return err
			}
			defer done()
			results := map[string][]trial.Result{}
			for _, t := range chosen {
				for _, r := range t.Blind(cmd.Context()) {
					results[r.Without] = append(results[r.Without], r)
					fmt.Fprintf(cmd.OutOrStdout(), "%-18s %s", r.Without, r.Line())
				}
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
			}
			fmt.Fprint(cmd.OutOrStdout(), trial.BlindSummary(results))
			return nil
		},
	}
	o.flags(cmd)
	return cmd
}

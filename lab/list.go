package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/fault"
)

func list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Lists the faults", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, f := range fault.All() {
				fmt.Fprintf(cmd.OutOrStdout(), "%-34s %-12s %-16s %-26s %s\n", f.Name, f.Kind, f.Group, f.Cause, f.About)
			}
			return nil
		},
	}
}

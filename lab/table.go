package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/trial"
)

// table prints what results come to, or writes the page of them.
func table() *cobra.Command {
	var page string
	cmd := &cobra.Command{
		Use: "table FILE…", Short: "Prints what results come to, or writes them as a page", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			var all []trial.Result
			for _, name := range files {
				f, err := os.Open(name)
				if err != nil {
					return err
				}
				results, err := trial.Read(f)
				f.Close()
				if err != nil {
					return fmt.Errorf("read %s: %w", name, err)
				}
				all = append(all, results...)
			}
			if page != "" {
				return os.WriteFile(page, []byte(trial.Page(all)), 0o644)
			}
			fmt.Fprint(cmd.OutOrStdout(), trial.Summary(all))
			return nil
		},
	}
	cmd.Flags().StringVar(&page, "page", "", "write the page of the results to this file")
	return cmd
}

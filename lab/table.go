package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/trial"
)

// table prints what results come to.
func table() *cobra.Command {
	var page string
	var unseen, blind, closed []string
	cmd := &cobra.Command{
		Use: "table [FILE…]", Short: "Prints what results come to, or writes them as a page", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files)+len(closed) == 0 {
				return errors.New("name a file of results, as `lab score --out` writes it, or one of closed loops (--closed)")
			}
			var m trial.Measured
			for _, err := range []error{
				readAll(files, &m.Results), readAll(unseen, &m.Unseen), readAll(blind, &m.Blind), readAll(closed, &m.Closed),
			} {
				if err != nil {
					return err
				}
			}
			for _, c := range m.Closed { // a loop begins with a diagnosis, which counts where nothing else does
				if c.Diagnosed != nil && len(files) == 0 {
					m.Results = append(m.Results, *c.Diagnosed)
				}
			}
			if page != "" {
				return os.WriteFile(page, []byte(trial.Page(m)), 0o644)
			}
			fmt.Fprint(cmd.OutOrStdout(), trial.Summary(m.Results))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&page, "page", "", "write the page of the results to this file")
	flags.StringSliceVar(&unseen, "unseen", nil, "files of results as they came out before anybody had looked at their seed, for the page")
	flags.StringSliceVar(&blind, "blind", nil, "files that `lab blind --out` wrote, for the page")
	flags.StringSliceVar(&closed, "closed", nil, "files that `lab loop --out` wrote, for the page")
	return cmd
}

// readAll appends the results of all files.
func readAll[R trial.Line](files []string, into *[]R) error {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		results, err := trial.Read[R](f)
		f.Close()
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		*into = append(*into, results...)
	}
	return nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/trial"
)

// closed lets quell mend what it has found.
func closed() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "loop", Short: "Lets quell diagnose, plan, apply and verify, and asks the customers whether it helped", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.kinds = []string{string(fault.Single)}
			chosen, done, err := o.prepare(cmd)
			if err != nil {
				return err
			}
			defer done()
			out := cmd.OutOrStdout()
			fmt.Fprint(out, trial.LoopHead())
			var all []trial.Closed
			for _, t := range chosen {
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
				c, err := t.Close(cmd.Context())
				if err != nil {
					c.Fault, c.Group, c.Seed, c.Error = t.Fault.Name, t.Fault.Group, t.Seed, err.Error()
				}
				all = append(all, c)
				fmt.Fprint(out, c.Line())
				if c.Wrong() || !c.Well {
					fmt.Fprintln(os.Stderr, indent(c.Text))
				}
				if o.out != "" {
					if err := appendTo(o.out, c); err != nil {
						return err
					}
				}
			}
			fmt.Fprint(out, trial.LoopSummary(all))
			return nil
		},
	}
	o.flags(cmd)
	o.keeping(cmd)
	return cmd
}

// appendTo appends a value as a line of JSON.
func appendTo(path string, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	return err
}

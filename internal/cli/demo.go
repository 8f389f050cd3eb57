package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/diagnosis"
)

func demoCommand(s streams) *cobra.Command {
	var a asking
	var fault string
	var seed uint64
	var list bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Break a small shop inside this process, and diagnose it",
		Long: `Opens a small shop in this process (an HTTP API, an SQL database behind a bounded
pool, a cache, a job queue, JSON logs, /metrics, and visitors), lets a fault in,
and puts the ordinary questions to it. Nothing is scripted. Needs nothing.`,
		Example: "  quell demo\n  quell demo --fault lock-pileup\n  quell demo --fault all",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				for _, f := range app.DemoFaults() {
					fmt.Fprintf(s.out, "%-16s %s\n", f.Name, f.Title)
				}
				return nil
			}
			if fault == "all" {
				return demoTable(cmd.Context(), s, seed)
			}
			return demoOne(cmd.Context(), s, a, fault, seed)
		},
	}
	cmd.Flags().StringVar(&fault, "fault", "pool-leak", "which fault to let in; all for a table, none for a healthy shop")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "of the visitors' choices")
	cmd.Flags().BoolVar(&list, "list", false, "list the faults")
	cmd.Flags().BoolVar(&a.asJSON, "json", false, "print the diagnosis as JSON")
	cmd.Flags().BoolVar(&a.full, "full", false, "show every sign, cause and blind spot")
	return cmd
}

func demoOne(ctx context.Context, s streams, a asking, fault string, seed uint64) error {
	say := func(text string) { fmt.Fprintln(s.err, text) }
	d, err := app.RunDemo(ctx, fault, seed, say)
	if err != nil {
		return demoError(err)
	}
	fmt.Fprintln(s.err)
	if err := show(s, a, d.Outcome.Page); err != nil {
		return err
	}
	if d.Fault.Story != "" {
		fmt.Fprintf(s.err, "\nWhat had happened: %s\n", d.Fault.Story)
	}
	return nil
}

// demoTable runs every fault, and a healthy shop, and prints a line of each.
func demoTable(ctx context.Context, s streams, seed uint64) error {
	fmt.Fprintf(s.out, "%-16s %-5s %-8s %s\n", "fault", "rank", "seconds", "first cause")
	right, all := 0, 0
	err := app.RunDemos(ctx, seed, func(d *app.Demo) {
		page := d.Outcome.Page
		rank, first := "–", string(page.Diagnosis.Verdict)
		if d.Rank > 0 {
			rank = fmt.Sprint(d.Rank)
		}
		if len(page.Diagnosis.Roots) > 0 {
			var titles []string
			for _, r := range page.Diagnosis.Roots {
				titles = append(titles, r.Title)
			}
			first = strings.Join(titles, "; ")
		}
		all++
		if d.RootRank == 1 || d.Fault.Name == app.HealthyFault && page.Diagnosis.Verdict == diagnosis.Nothing {
			right++
		}
		fmt.Fprintf(s.out, "%-16s %-5s %-8.1f %s\n", d.Fault.Name, rank, page.Took.Seconds(), first)
	})
	if err != nil {
		return demoError(err)
	}
	fmt.Fprintf(s.out, "%d of %d right\n", right, all)
	return nil
}

func demoError(err error) error {
	if errors.Is(err, context.Canceled) {
		return &exit{code: exitInterrupted}
	}
	var unknown *app.UnknownFault
	if errors.As(err, &unknown) {
		return &exit{exitUsage, err}
	}
	return &exit{exitFailed, err}
}

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/recovery"
)

func undoCommand(s streams) *cobra.Command {
	var a seat
	var anyway bool
	cmd := &cobra.Command{
		Use:   "undo STEP [WHY…]",
		Short: "Take an applied step back",
		Long: `Takes back what a step changed, as its plan said, and looks whether the world
shows it. Where somebody has changed the same thing since, it is refused.`,
		Example: "  quell undo INC-7.1.2 \"the limit hits the batch job\"",
		Args:    atLeast(1, "name a step, like `quell undo INC-7.1.2`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := stepRef(args[0])
			if err != nil {
				return err
			}
			d, err := a.desk(cmd.Context(), s, newWatch(s).say)
			if err != nil {
				return err
			}
			defer d.Close()
			v, err := d.Undo(cmd.Context(), r, words(args[1:]), anyway)
			if err != nil {
				return failed(err)
			}
			if v.Standing != recovery.TakenOut {
				text := string(v.Standing)
				if v.Held != nil && v.Held.Undo {
					text = v.Held.Text
				} else if v.Undo != nil {
					text = v.Undo.Text
				}
				return &exit{exitFailed, fmt.Errorf("step %s was not taken back: %s", r, text)}
			}
			if a.asJSON {
				return writeJSON(s, v)
			}
			fmt.Fprintf(s.out, "step %s is taken back\n", r)
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&anyway, "anyway", false, "although somebody has changed it since")
	return cmd
}

func reconcileCommand(s streams) *cobra.Command {
	var a seat
	var happened string
	cmd := &cobra.Command{
		Use:   "reconcile [STEP]",
		Short: "Settle what a crash left open; take back what has had its time",
		Long: `Asks the world about every step that was begun and whose end is not known, writes
down what it shows, and takes back temporary measures whose time is over. It
begins no step. Where the world cannot tell, look yourself and say what you saw:
--happened yes or no, with the name of the step.`,
		Example: "  quell reconcile\n  quell reconcile INC-7.1.2 --happened no",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (happened != "") != (len(args) == 1) || happened != "" && happened != "yes" && happened != "no" {
				return usage("name a step and say what you saw: quell reconcile INC-7.1.2 --happened yes (or no); without both, the world is asked")
			}
			d, err := a.desk(cmd.Context(), s, newWatch(s).say)
			if err != nil {
				return err
			}
			defer d.Close()
			if happened != "" {
				r, err := stepRef(args[0])
				if err != nil {
					return err
				}
				return failed(d.Happened(cmd.Context(), r, happened == "yes", ""))
			}
			settled, err := d.Reconcile(cmd.Context())
			if err != nil {
				return failed(err)
			}
			if a.asJSON {
				return writeJSON(s, nonNil(settled))
			}
			open := 0
			for _, one := range settled {
				fmt.Fprintf(s.out, "%s  %s\n", one.Step, one.Text)
				if one.Open {
					open++
				}
			}
			if len(settled) == 0 {
				fmt.Fprintln(s.out, "nothing is open")
			}
			if open > 0 {
				return &exit{exitCannotTell, fmt.Errorf("%d still open", open)}
			}
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&happened, "happened", "", "what you saw of the step: yes or no")
	return cmd
}

func verifyCommand(s streams) *cobra.Command {
	var a seat
	var say string
	cmd := &cobra.Command{
		Use:     "verify STEP [WHY…]",
		Short:   "Say whether a step helped, where nobody could measure it",
		Example: "  quell verify INC-7.1.2 --say better \"checkout works again\"",
		Args:    atLeast(1, "name a step, like `quell verify INC-7.1.2 --say better`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := stepRef(args[0])
			if err != nil {
				return err
			}
			if say != "better" && say != "worse" {
				return usage("say what you saw: --say better, or --say worse; `quell apply` measures again by itself")
			}
			d, err := a.desk(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			return failed(d.Judge(cmd.Context(), r, say == "better", words(args[1:])))
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&say, "say", "", "what you saw: better or worse")
	return cmd
}

func stopCommand(s streams) *cobra.Command {
	var a seat
	var all, end bool
	cmd := &cobra.Command{
		Use:   "stop PLAN [WHY…] | stop --all WHY…",
		Short: "Stop a plan, or all changes: the kill switch",
		Long: `Stops a plan: what is under way comes to its end, nothing more is begun, and
` + "`quell apply`" + ` starts it again. With --all nothing is changed by anybody who uses
the same store, undo included, until --end.`,
		Example: "  quell stop INC-7.1 \"wrong service\"\n  quell stop --all \"database migration until 18:00\"\n  quell stop --end",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.desk(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			switch {
			case all && end:
				return usage("--all stops, --end lets go: one of them")
			case end:
				if err := d.StopAll(cmd.Context(), ""); err != nil {
					return failed(err)
				}
				fmt.Fprintln(s.out, "changes may be made again")
				return nil
			case all && len(args) == 0:
				return usage("say why: quell stop --all \"database migration until 18:00\"")
			case all:
				if err := d.StopAll(cmd.Context(), words(args)); err != nil {
					return failed(err)
				}
				fmt.Fprintln(s.out, "all changes are stopped: "+words(args))
				return nil
			case len(args) == 0:
				why, err := d.Stopped(cmd.Context())
				if err != nil {
					return failed(err)
				}
				if why == "" {
					why = "changes are not stopped; name a plan, like `quell stop INC-7.1`, or --all"
				} else {
					why = "all changes are stopped: " + why
				}
				fmt.Fprintln(s.out, why)
				return nil
			}
			r, err := planRef(args[0])
			if err != nil {
				return err
			}
			p, err := d.StopPlan(cmd.Context(), r, words(args[1:]))
			if err == nil {
				fmt.Fprintf(s.out, "plan %s is stopped; `quell apply %s` starts it again\n", p.ID, p.ID)
			}
			return failed(err)
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "stop all changes")
	cmd.Flags().BoolVar(&end, "end", false, "let changes go on")
	return cmd
}

func auditCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "The log of everything that was done", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var a seat
	var anchor string
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Prove that nothing in the record was altered, left out or put in",
		Long: `Walks the audit log and the record side by side, checks every hash, and names the
first entry that does not fit. An end that was cut off shows only against an
anchor: the line that this command printed before, kept somewhere else.`,
		Example: "  quell audit verify\n  quell audit verify --anchor 812:5f3c…",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var anchors []incident.Anchor
			if anchor != "" {
				kept, err := app.ParseAnchor(anchor)
				if err != nil {
					return &exit{exitUsage, err}
				}
				anchors = append(anchors, kept)
			}
			d, err := a.desk(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			proved, err := d.VerifyAudit(cmd.Context(), anchors...)
			if err != nil {
				return failed(err)
			}
			if a.asJSON {
				return writeJSON(s, proved)
			}
			fmt.Fprintf(s.out, "all %d entries and %d events fit\nanchor %d:%s\n", proved.Entries, proved.Events, proved.Last.N, proved.Last.Hash)
			return nil
		},
	}
	a.flags(verify)
	verify.Flags().StringVar(&anchor, "anchor", "", "an anchor that an earlier run printed")
	cmd.AddCommand(verify)
	return cmd
}

package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/report"
)

func planCommand(s streams) *cobra.Command {
	var a seat
	var o app.PlanOptions
	var full bool
	cmd := &cobra.Command{
		Use:   "plan INCIDENT",
		Short: "Say what would be done about an incident; touch nothing",
		Long: `Turns the diagnosis of an incident into steps: what would be done, in which
order, on what exactly, at which risk, how it is taken back, how one will know
that it helped, and what it would destroy. Asks each system what it would do,
and changes none. A diagnosis that is older than five minutes, or was made before
something was changed, is asked again. What was tried within half an hour and
did not help is left out, and named.

With the name of a plan (INC-7.1) it shows that plan and how far it has come.`,
		Example: "  quell plan INC-7\n  quell plan INC-7.1\n  quell plan INC-7 --json | jq .steps[0].preview",
		Args:    one("name an incident, like `quell plan INC-7`; `quell incident list` shows them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := ref(args[0])
			if err != nil {
				return err
			}
			d, err := a.desk(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			var p plan.Plan
			if r.Plan > 0 {
				p, _, err = d.Plan(cmd.Context(), r)
			} else {
				o.Progress = func(text string) { fmt.Fprintln(s.err, text) }
				p, err = d.MakePlan(cmd.Context(), r.String(), o)
			}
			if err != nil {
				return failed(err)
			}
			return showPlan(cmd, s, a, d, p, full)
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&o.Saved, "saved", false, "rest on the saved diagnosis, however old it is")
	cmd.Flags().BoolVar(&full, "full", false, "list everything that each step touches")
	return cmd
}

func showPlan(cmd *cobra.Command, s streams, a seat, d *app.Desk, p plan.Plan, full bool) error {
	if a.asJSON {
		return writeJSON(s, p)
	}
	states, err := d.States(cmd.Context(), p)
	if err != nil {
		return failed(err)
	}
	_, width := isTerminal(s.out)
	if err := report.WritePlan(s.out, p, states, report.Style{Color: colored(s.out), Width: width, Full: full}); err != nil {
		return &exit{exitFailed, err}
	}
	if hint := d.NextStep(cmd.Context(), p); hint != "" {
		fmt.Fprintln(s.err, hint)
	}
	return nil
}

func approveCommand(s streams) *cobra.Command {
	var a seat
	var numbers []int
	cmd := &cobra.Command{
		Use:   "approve PLAN",
		Short: "Sign a plan as it stands, or some of its steps",
		Long: `Signs the exact steps of a plan: action, arguments, target, what was found there
and the evidence. The signature holds for a while (policy: expires), for this
plan alone, and only as long as the world is as the plan found it. It changes
nothing; ` + "`quell apply`" + ` asks everything again before it acts.`,
		Example: "  quell approve INC-7.1\n  quell approve INC-7.1 --step 2\n  quell approve INC-7.1 --as bob",
		Args:    one("name a plan, like `quell approve INC-7.1`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := ref(args[0])
			if err != nil {
				return err
			}
			d, err := a.desk(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			given, err := d.Approve(cmd.Context(), r, numbers)
			if err != nil {
				return failed(err)
			}
			if a.asJSON {
				return writeJSON(s, given)
			}
			for _, g := range given {
				fmt.Fprintf(s.out, "%s  approved by %s until %s%s\n", g.Step, g.By, g.Until.Format("15:04:05"), g.Missing)
			}
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().IntSliceVar(&numbers, "step", nil, "only this step, by its number; may be given again")
	return cmd
}

func ladderCommand(s streams) *cobra.Command {
	var a seat
	var yes bool
	var service string
	cmd := &cobra.Command{
		Use:   "ladder PLAYBOOK",
		Short: "The last resort: a playbook's ladder, rung by rung, with the watch between",
		Long: `Makes a plan of the rungs of a playbook's ## Ladder, in its order. Each rung is
approved on its own, applied, and watched as long as the ladder says; the first
verified recovery ends it. A rung that did not help is taken back where it can
be. Run again, it goes on where it stopped.`,
		Example: "  quell ladder db/connections\n  quell ladder db/connections --service orders-api --yes",
		Args:    one("name a playbook, like `quell ladder db/connections`; `quell explain` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			watch := newWatch(s)
			d, err := a.desk(cmd.Context(), s, watch.say)
			if err != nil {
				return err
			}
			defer d.Close()
			p, err := d.MakeLadder(cmd.Context(), args[0], service)
			if err != nil {
				return failed(err)
			}
			if err := showPlan(cmd, s, a, d, p, false); err != nil {
				return err
			}
			return climb(cmd.Context(), s, d, p, yes)
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "approve every rung without being asked")
	cmd.Flags().StringVar(&service, "service", "", "the service that it is about, where there are several")
	return cmd
}

// planRef reads the name of a plan, or of an incident for its latest one.
func planRef(text string) (incident.Ref, error) {
	r, err := ref(text)
	if err == nil && r.Step > 0 {
		return r, &exit{exitUsage, errors.New("name the plan (" + r.InPlan().String() + ") and the step with --step " + fmt.Sprint(r.Step))}
	}
	return r, err
}

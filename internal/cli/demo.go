package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/report"
)

// demoFlags are what `quell demo` is told.
type demoFlags struct {
	asking
	fault, keep string
	seed        uint64
	list, yes   bool
}

func demoCommand(s streams) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Break a small shop, find out what is wrong, and mend it",
		Long: `Opens a small shop (an HTTP API, an SQL database behind a bounded pool, a cache, a
job queue, JSON logs, /metrics, and visitors), lets a fault in, puts the ordinary
questions to it, makes a plan, asks for your approval, applies it, and asks again
whether it helped. Nothing is scripted. Needs nothing, and leaves nothing behind.`,
		Example: "  quell demo\n  quell demo --fault lock-pileup --yes\n  quell demo --fault all\n  quell demo --keep try   # then: QUELL_STATE=try/state quell report INC-1",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.list:
				for _, fault := range app.DemoFaults() {
					fmt.Fprintf(s.out, "%-16s %s\n", fault.Name, fault.Title)
				}
				return nil
			case f.fault == "all" && (f.keep != "" || f.asJSON):
				return usage("--keep and --json are for one fault, not for all")
			case f.fault == "all":
				return demoError(cmd.Context(), demoTable(cmd.Context(), s, f))
			}
			return demoError(cmd.Context(), demoOne(cmd, s, f))
		},
	}
	cmd.Flags().StringVar(&f.fault, "fault", "pool-leak", "which fault to let in; all for a table, none for a healthy shop")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "of the visitors' choices")
	cmd.Flags().BoolVar(&f.list, "list", false, "list the faults")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "approve every step without being asked")
	cmd.Flags().StringVar(&f.keep, "keep", "", "keep the record, its report and the shop's quell.yaml in this directory, which must not exist")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the diagnosis as JSON, with --yes the plan and its end as well")
	cmd.Flags().BoolVar(&f.full, "full", false, "show every sign, cause and blind spot")
	return cmd
}

// shopCommand is the process of the demo's shop. Hidden: the demo starts it,
// and whoever restarts the shop.
func shopCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo-shop DIR", Short: "The shop of the demo", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return failed(app.ServeDemo(cmd.Context(), args[0])) },
	}
}

func (f demoFlags) options() (app.DemoOptions, error) {
	o := app.DemoOptions{Fault: f.fault, Seed: f.seed}
	// As it was called, since one program may have several names.
	program, err := exec.LookPath(os.Args[0])
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		program, err = os.Executable()
	}
	o.Command = []string{program, "demo-shop"}
	if err == nil && f.keep != "" {
		o.Keep, err = filepath.Abs(f.keep)
	}
	return o, err
}

func demoOne(cmd *cobra.Command, s streams, f demoFlags) (err error) {
	ctx := cmd.Context()
	o, err := f.options()
	if err != nil {
		return err
	}
	o.Say = func(text string) { fmt.Fprintln(s.err, text) }
	o.Watch = newWatch(s).say
	d, err := app.OpenDemo(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Break(ctx); err != nil {
		return err
	}
	if err := d.Examine(ctx); err != nil {
		return err
	}
	if f.asJSON {
		return demoJSON(ctx, s, f, d)
	}
	fmt.Fprintln(s.err)
	if err := show(s, f.asking, d.Outcome.Page); err != nil || d.Incident == "" {
		return err
	}
	fmt.Fprintln(s.err)
	ended := demoMend(ctx, s, f, d)
	var e *exit
	if ended != nil && !errors.As(ended, &e) {
		return ended
	}
	return errors.Join(ended, demoEnd(ctx, s, d))
}

// demoMend plans, and applies what is approved. Its exit code is that of apply;
// where nobody can approve it ends with the plan, and well.
func demoMend(ctx context.Context, s streams, f demoFlags, d *app.Demo) error {
	p, err := d.MakePlan(ctx, d.Incident, app.PlanOptions{})
	if err != nil {
		return err
	}
	_, width := isTerminal(s.out)
	if err := report.WritePlan(s.out, p, nil, report.Style{Color: colored(s.out), Width: width, Full: f.full}); err != nil {
		return err
	}
	if !f.yes && !askable(s) {
		fmt.Fprintln(s.err, "nothing of it is done: there is no terminal to ask on for your approval; --yes gives it")
		return nil
	}
	return climb(ctx, s, d.Desk, p, f.yes)
}

// demoEnd shows the record, and says what there is to be learnt: from those who
// felt it, and from who did it.
func demoEnd(ctx context.Context, s streams, d *app.Demo) error {
	fmt.Fprintln(s.err)
	if err := d.WriteIncident(ctx, s.out, d.Incident, style(s)); err != nil {
		return err
	}
	if trouble, err := d.Trouble(ctx); err == nil {
		if trouble == "" {
			trouble = "all is well again"
		}
		fmt.Fprintf(s.err, "\nThe visitors, who know nothing of Quell: %s\n", trouble)
	}
	fmt.Fprintf(s.err, "What had happened: %s\n", d.Fault.Story)
	paths, err := d.Kept(ctx)
	for _, path := range paths {
		fmt.Fprintln(s.out, path)
	}
	return err
}

// demoJSON prints the diagnosis, and with --yes how the rest ended.
func demoJSON(ctx context.Context, s streams, f demoFlags, d *app.Demo) error {
	if !f.yes || d.Incident == "" {
		return writeJSON(s, d.Outcome.Page)
	}
	p, err := d.MakePlan(ctx, d.Incident, app.PlanOptions{})
	if err != nil {
		return err
	}
	end, err := d.Climb(ctx, p, func(plan.Step) bool { return true })
	if err != nil {
		return err
	}
	trouble, err := d.Trouble(ctx)
	if err != nil {
		return err
	}
	if _, err := d.Kept(ctx); err != nil {
		return err
	}
	return errors.Join(writeJSON(s, struct {
		Diagnosis report.Page       `json:"diagnosis"`
		Plan      plan.Plan         `json:"plan"`
		End       incident.Finished `json:"end"`
		// Felt is what visitors and the shop still feel, empty where nothing.
		Felt string `json:"felt"`
	}{d.Outcome.Page, p, end, trouble}), endExit(end))
}

func demoError(ctx context.Context, err error) error {
	var e *exit
	var unknown *app.UnknownFault
	switch {
	case err == nil || errors.As(err, &e):
		return err
	case ctx.Err() != nil:
		return &exit{code: exitInterrupted}
	case errors.As(err, &unknown):
		return &exit{exitUsage, err}
	}
	return &exit{exitFailed, err}
}

// joinedTitles are the titles of a diagnosis' roots, or its verdict.
func joinedTitles(page report.Page) string {
	var titles []string
	for _, r := range page.Diagnosis.Roots {
		titles = append(titles, r.Title)
	}
	if len(titles) == 0 {
		return string(page.Diagnosis.Verdict)
	}
	return strings.Join(titles, "; ")
}

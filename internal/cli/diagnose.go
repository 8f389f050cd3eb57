package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/report"
)

// asking are the flags of every command that asks.
type asking struct {
	config, since, timeout, symptom, alert string
	asJSON, full                           bool
	save                                   bool
	from                                   string
	as                                     string
}

func (a *asking) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&a.config, "config", "c", "", "configuration file (default: quell.yaml here or above)")
	f.StringVar(&a.since, "since", "30m", "how far back to look")
	f.StringVar(&a.timeout, "timeout", "8s", "longest wait for one question")
	f.StringVar(&a.symptom, "symptom", "", "what you see, in your words")
	f.StringVar(&a.alert, "alert", "", "the name of the alert that fired")
	f.BoolVar(&a.asJSON, "json", false, "print the diagnosis as JSON (docs/reference/diagnosis.md)")
	f.BoolVar(&a.full, "full", false, "show every sign, cause and blind spot")
}

func (a *asking) request() (app.Request, error) {
	since, err := positive("--since", a.since)
	if err != nil {
		return app.Request{}, err
	}
	timeout, err := positive("--timeout", a.timeout)
	if err != nil {
		return app.Request{}, err
	}
	return app.Request{Since: since, Timeout: timeout, Symptom: a.symptom, Alert: a.alert}, nil
}

func positive(flag, text string) (time.Duration, error) {
	d, err := expr.ParseDuration(text)
	if err != nil {
		return 0, usage("%s: %w", flag, err)
	}
	if d <= 0 {
		return 0, usage("%s: %s is no length of time to wait or look back: write one above zero, like 30m", flag, text)
	}
	return d, nil
}

func diagnoseCommand(s streams) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:   "diagnose [SERVICE…]",
		Short: "Ask everything, and say what is wrong and why",
		Long: `Asks every playbook's questions of every system that quell.yaml names, at once
and read-only, and prints one page: the causes with the evidence for and against
them, the chain to what users feel, what to do, what was ruled out, and what
could not be seen. Changes nothing. Ctrl-C prints what is known so far.

With --from, the answers come from the record of an incident instead, and
nobody is asked: to see what an edited playbook would have said that night.`,
		Example: "  quell diagnose\n  quell diagnose orders-api --symptom \"too many connections\" --since 1h\n  quell diagnose --json | jq .diagnosis.summary",
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.from != "" {
				return concludeFrom(cmd, s, a, args)
			}
			req, err := a.request()
			if err != nil {
				return err
			}
			req.Services = args
			return ask(cmd.Context(), s, a, req)
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&a.save, "save", false, "open an incident with this diagnosis and its evidence, as quell plan needs it")
	cmd.Flags().StringVar(&a.from, "from", "", "ask nobody: conclude anew from the answers that this incident has on record")
	cmd.Flags().StringVar(&a.as, "as", "", "who opens the incident (default: the user that runs quell)")
	return cmd
}

func runCommand(s streams) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:     "run PLAYBOOK [SERVICE…]",
		Short:   "Ask one playbook's questions",
		Long:    "Like diagnose, with one playbook only. Proposed actions are shown, never executed.",
		Example: "  quell run db/locks\n  quell run db/connections orders-api --json",
		Args:    atLeast(1, "name a playbook, like `quell run db/locks`; `quell explain` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := a.request()
			if err != nil {
				return err
			}
			req.Playbook, req.Services = args[0], args[1:]
			return ask(cmd.Context(), s, a, req)
		},
	}
	a.flags(cmd)
	return cmd
}

func ask(ctx context.Context, s streams, a asking, req app.Request) error {
	takePrecedence()
	setup, err := app.LoadSetup(a.config)
	if err != nil {
		return &exit{exitUsage, err}
	}
	for _, n := range setup.Notes {
		fmt.Fprintln(s.err, n)
	}
	if a.save {
		return askAndSave(ctx, s, a, setup, req)
	}
	session, err := app.Open(setup)
	if err != nil {
		return &exit{exitUsage, err}
	}
	defer session.Close()
	_, err = diagnose(ctx, s, a, session, req)
	return err
}

// diagnose asks and shows; its error carries the verdict's exit code.
func diagnose(ctx context.Context, s streams, a asking, session *app.Session, req app.Request) (app.Outcome, error) {
	p := newProgress(s.err)
	req.Progress = p.Event
	out, err := session.Diagnose(ctx, req)
	p.Close()
	if err != nil {
		return out, &exit{exitUsage, err}
	}
	if err := show(s, a, out.Page); err != nil {
		return out, err
	}
	return out, verdictExit(out.Page)
}

// askAndSave also opens an incident, whatever the verdict.
func askAndSave(ctx context.Context, s streams, a asking, setup app.Setup, req app.Request) error {
	d, err := app.OpenDesk(ctx, setup, app.DeskOptions{Who: a.as})
	if err != nil {
		return &exit{exitUsage, err}
	}
	defer d.Close()
	out, verdict := diagnose(ctx, s, a, d.Session, req)
	if out.Page.Schema == "" {
		return verdict
	}
	id, err := d.Save(context.WithoutCancel(ctx), req, out)
	if err != nil {
		return failed(err)
	}
	fmt.Fprintf(s.err, "saved as %s; next: quell plan %s\n", id, id)
	return verdict
}

// concludeFrom asks nobody: the record has the answers, and says of whom and of
// when they are.
func concludeFrom(cmd *cobra.Command, s streams, a asking, services []string) error {
	for _, flag := range []string{"save", "as", "since", "timeout", "symptom", "alert"} {
		if cmd.Flags().Changed(flag) {
			return usage("diagnose: --from takes what was asked from the record: leave --%s out", flag)
		}
	}
	if len(services) > 0 {
		return usage("diagnose: --from is about the services of the incident: leave %s out", services[0])
	}
	return about(cmd, s, seat{config: a.config}, []string{a.from}, func(d *app.Desk, id string) error {
		req, err := d.From(cmd.Context(), id)
		if err != nil {
			return err
		}
		_, err = diagnose(cmd.Context(), s, a, d.Session, req)
		return err
	})
}

func show(s streams, a asking, page report.Page) error {
	if a.asJSON {
		return writeJSON(s, page)
	}
	_, width := isTerminal(s.out)
	if err := report.Write(s.out, page, report.Style{Color: colored(s.out), Width: width, Full: a.full}); err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

// verdictExit turns a verdict into an exit code without a message.
func verdictExit(page report.Page) error {
	switch {
	case page.Interrupted:
		return &exit{code: exitInterrupted}
	case page.Diagnosis.Verdict == diagnosis.Found:
		return &exit{code: exitFound}
	case page.Diagnosis.Verdict == diagnosis.CannotTell:
		return &exit{code: exitCannotTell}
	}
	return nil
}

func doctorCommand(s streams) *cobra.Command {
	var config string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Say what can be reached and read, and the exact grant that is missing",
		Example: "  quell doctor\n  quell doctor --json",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			setup, err := app.LoadSetup(config)
			if err != nil {
				return &exit{exitUsage, err}
			}
			for _, n := range setup.Notes {
				fmt.Fprintln(s.err, n)
			}
			session, err := app.Open(setup)
			if err != nil {
				return &exit{exitUsage, err}
			}
			defer session.Close()
			examined := session.Examine(cmd.Context())
			if asJSON {
				if err := writeJSON(s, nonNil(examined)); err != nil {
					return err
				}
			} else {
				writeDoctor(s, examined)
			}
			for _, e := range examined {
				if !e.Usable() {
					return &exit{code: exitFailed}
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "configuration file (default: quell.yaml here or above)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the checks as JSON")
	return cmd
}

func writeDoctor(s streams, examined []app.Examined) {
	paint := func(code, text string) string {
		if !colored(s.out) {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	for _, e := range examined {
		fmt.Fprintf(s.out, "%s (%s)\n", paint("1", e.Target), e.Kind)
		for _, c := range e.Checks {
			mark := paint("32", "✓")
			switch {
			case !c.OK && c.Needed:
				mark = paint("31;1", "✗")
			case !c.OK:
				mark = paint("33", "–")
			}
			fmt.Fprintf(s.out, "  %s %s: %s\n", mark, c.Name, c.Detail)
			if c.Fix != "" && !c.OK {
				for _, l := range strings.Split(c.Fix, "\n") {
					fmt.Fprintf(s.out, "      %s\n", paint("36", l))
				}
			}
		}
	}
}

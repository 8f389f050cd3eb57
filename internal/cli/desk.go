package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/report"
)

// seat is the flags of every command that works on incidents.
type seat struct {
	config, as string
	asJSON     bool
}

func (a *seat) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&a.config, "config", "c", "", "configuration file (default: quell.yaml here or above)")
	f.StringVar(&a.as, "as", "", "who you are (default: the user that runs quell)")
	f.BoolVar(&a.asJSON, "json", false, "print the result as JSON")
}

// desk opens everything that work on an incident needs. say may be nil.
func (a *seat) desk(ctx context.Context, s streams, say func(execution.Progress)) (*app.Desk, error) {
	setup, err := app.LoadSetup(a.config)
	if err != nil {
		return nil, &exit{exitUsage, err}
	}
	for _, n := range setup.Notes {
		fmt.Fprintln(s.err, n)
	}
	d, err := app.OpenDesk(ctx, setup, app.DeskOptions{Who: a.as, Say: say, Note: func(text string) { fmt.Fprintln(s.err, text) }})
	switch {
	case errors.Is(err, incident.ErrUnavailable):
		return nil, &exit{exitFailed, err}
	case err != nil:
		return nil, &exit{exitUsage, err}
	}
	if why, err := d.Stopped(ctx); err == nil && why != "" {
		fmt.Fprintln(s.err, "all changes are stopped: "+why+" (`quell stop --end` lets go)")
	}
	return d, nil
}

// ref reads the name of an incident, a plan or a step.
func ref(text string) (incident.Ref, error) {
	r, err := incident.ParseRef(text)
	if err != nil {
		return r, &exit{exitUsage, err}
	}
	return r, nil
}

// stepRef reads the name of a step.
func stepRef(text string) (incident.Ref, error) {
	r, err := ref(text)
	if err == nil && r.Step == 0 {
		return r, usage("%s is no step: name one, like %s.1.2", text, incident.Ref{Incident: r.Incident})
	}
	return r, err
}

// failed is an error of a use case with its exit code.
func failed(err error) error {
	var e *exit
	switch {
	case err == nil || errors.As(err, &e):
		return err
	case errors.Is(err, incident.ErrHeld): // also where it ended what was under way
		return &exit{exitFailed, err}
	case errors.Is(err, context.Canceled):
		return &exit{exitInterrupted, err}
	}
	return &exit{exitFailed, err}
}

// one refuses anything but one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("%s: %s", cmd.Name(), what)
		}
		return atMost(1)(cmd, args)
	}
}

// words joins what follows the first argument, as a sentence.
func words(args []string) string { return strings.Join(args, " ") }

// style is how pages are drawn on the answer.
func style(s streams) report.Style {
	_, width := isTerminal(s.out)
	return report.Style{Color: colored(s.out), Width: width}
}

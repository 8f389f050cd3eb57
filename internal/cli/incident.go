package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
)

func incidentCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "incident",
		Short:   "List, show and close incidents",
		Example: "  quell incident list\n  quell incident show INC-7\n  quell incident resolve INC-7 \"pool fixed in v1.4\"",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(incidentList(s), incidentShow(s), incidentNote(s), incidentCheck(s), incidentResolve(s), incidentReopen(s), incidentCase(s))
	return cmd
}

// about opens the desk for an incident that is named first.
func about(cmd *cobra.Command, s streams, a seat, args []string, do func(d *app.Desk, id string) error) error {
	r, err := ref(args[0])
	if err != nil {
		return err
	}
	d, err := a.desk(cmd.Context(), s, nil)
	if err != nil {
		return err
	}
	defer d.Close()
	return failed(do(d, r.InIncident().String()))
}

func incidentList(s streams) *cobra.Command {
	var a seat
	limit := 20
	cmd := &cobra.Command{
		Use: "list", Short: "The incidents, newest first", Args: atMost(0), Example: "  quell incident list\n  quell incident list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.desk(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			list, err := d.List(cmd.Context(), limit)
			if err != nil {
				return failed(err)
			}
			if a.asJSON {
				return writeJSON(s, nonNil(list))
			}
			return d.WriteList(s.out, list, style(s))
		},
	}
	a.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many")
	return cmd
}

func incidentShow(s streams) *cobra.Command {
	var a seat
	cmd := &cobra.Command{
		Use: "show INCIDENT", Short: "One incident: what happened, and what waits", Args: one("name an incident, like INC-7"),
		Example: "  quell incident show INC-7",
		RunE: func(cmd *cobra.Command, args []string) error {
			return about(cmd, s, a, args, func(d *app.Desk, id string) error {
				if a.asJSON {
					events, err := d.Incident(cmd.Context(), id)
					if err != nil {
						return err
					}
					return writeJSON(s, events)
				}
				return d.WriteIncident(cmd.Context(), s.out, id, style(s))
			})
		},
	}
	a.flags(cmd)
	return cmd
}

func incidentNote(s streams) *cobra.Command {
	var a seat
	cmd := &cobra.Command{
		Use: "note INCIDENT TEXT…", Short: "Add what you know to the record", Args: atLeast(2, "say what: quell incident note INC-7 \"deployed v1.4\""),
		Example: "  quell incident note INC-7 \"the provider confirms an outage\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return about(cmd, s, a, args, func(d *app.Desk, id string) error { return d.Note(cmd.Context(), id, words(args[1:])) })
		},
	}
	a.flags(cmd)
	return cmd
}

func incidentCheck(s streams) *cobra.Command {
	var a seat
	cmd := &cobra.Command{
		Use: "check INCIDENT", Short: "Ask the resolution checklist, item by item", Args: one("name an incident, like INC-7"),
		Example: "  quell incident check INC-7",
		RunE: func(cmd *cobra.Command, args []string) error {
			return about(cmd, s, a, args, func(d *app.Desk, id string) error {
				items, err := d.Checklist(cmd.Context(), id)
				if err != nil {
					return err
				}
				if a.asJSON {
					return writeJSON(s, nonNil(items))
				}
				showItems(s, items)
				return nil
			})
		},
	}
	a.flags(cmd)
	return cmd
}

func showItems(s streams, items []incident.Item) {
	marks := map[string]string{"yes": "✓", "no": "✗", "unknown": "?", "none": "☐"}
	for _, i := range items {
		fmt.Fprintf(s.out, "%s %s\n", marks[string(i.Truth)], i.Text)
		if i.Truth != "yes" {
			fmt.Fprintf(s.out, "    %s\n", i.Why)
		}
	}
	if len(items) == 0 {
		fmt.Fprintln(s.out, "the playbooks of this incident have no resolution checklist")
	}
}

func incidentResolve(s streams) *cobra.Command {
	var a seat
	var anyway bool
	cmd := &cobra.Command{
		Use: "resolve INCIDENT [TEXT…]", Short: "Close an incident whose checklist holds", Args: atLeast(1, "name an incident, like INC-7"),
		Long: `Asks the resolution checklist once more and closes the incident when every item
that a machine can tell holds. Items for people count as said by you. Items that
go on after closing (over 24h) are kept with their time: ` + "`quell incident check`" + `.`,
		Example: "  quell incident resolve INC-7 \"pool fixed in v1.4\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return about(cmd, s, a, args, func(d *app.Desk, id string) error {
				items, err := d.Resolve(cmd.Context(), id, words(args[1:]), anyway)
				var open *app.Unresolved
				if err == nil || errors.As(err, &open) {
					showItems(s, items)
				}
				if open != nil {
					return fmt.Errorf("%s stays open: the checklist does not hold (%d of %d; --anyway closes it all the same)", id, len(open.Items), len(items))
				}
				if err == nil {
					fmt.Fprintf(s.out, "%s is resolved\n", id)
				}
				return err
			})
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&anyway, "anyway", false, "close it although items do not hold; the record says so")
	return cmd
}

func incidentReopen(s streams) *cobra.Command {
	var a seat
	cmd := &cobra.Command{
		Use: "reopen INCIDENT WHY…", Short: "Say that it is not over", Args: atLeast(2, "say why: quell incident reopen INC-7 \"it is back\""),
		Example: "  quell incident reopen INC-7 \"it is back\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return about(cmd, s, a, args, func(d *app.Desk, id string) error { return d.Reopen(cmd.Context(), id, words(args[1:])) })
		},
	}
	a.flags(cmd)
	return cmd
}

func incidentCase(s streams) *cobra.Command {
	var a seat
	var file string
	cmd := &cobra.Command{
		Use: "case INCIDENT", Short: "Save the incident as a case of its playbook, for `quell test`", Args: one("name an incident, like INC-7"),
		Example: "  quell incident case INC-7 -o playbooks/db/connections.cases/leak-in-checkout.txtar",
		RunE: func(cmd *cobra.Command, args []string) error {
			return about(cmd, s, a, args, func(d *app.Desk, id string) error {
				text, notes, err := d.Case(cmd.Context(), id)
				if err != nil {
					return err
				}
				for _, n := range notes {
					fmt.Fprintln(s.err, n)
				}
				return put(s, file, text)
			})
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVarP(&file, "output", "o", "", "write it to this file, which must not exist")
	return cmd
}

func reportCommand(s streams) *cobra.Command {
	var a seat
	var html bool
	var file string
	cmd := &cobra.Command{
		Use:   "report INCIDENT",
		Short: "Write the report of an incident, from its record",
		Long: `Compiles the report from the record: summary, timeline, measured impact, root
cause with the chain of whys, what was done and whether it helped, what is left
to do. As Markdown, or as one HTML page with charts. The same record gives the
same report, byte for byte.`,
		Example: "  quell report INC-7\n  quell report INC-7 --html -o inc-7.html",
		Args:    one("name an incident, like `quell report INC-7`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.asJSON {
				return usage("a report is Markdown, or HTML with --html; `quell incident show %s --json` gives the record that it is made from", args[0])
			}
			return about(cmd, s, a, args, func(d *app.Desk, id string) error {
				text, err := d.Report(cmd.Context(), id, html)
				if err != nil {
					return err
				}
				return put(s, file, text)
			})
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&html, "html", false, "one HTML page with charts instead of Markdown")
	cmd.Flags().StringVarP(&file, "output", "o", "", "write it to this file, which must not exist")
	return cmd
}

// put writes to a new file, or to the answer.
func put(s streams, file string, text []byte) error {
	if file == "" {
		_, err := s.out.Write(text)
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

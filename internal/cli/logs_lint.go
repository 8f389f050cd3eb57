package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// logsLinting are the flags of `quell logs lint`.
type logsLinting struct {
	input  logsInput
	step   string
	asJSON bool
}

// linted is a query with what was found in it.
type linted struct {
	File     string          `json:"file,omitempty"`
	Line     int             `json:"line,omitempty"`
	Query    string          `json:"query"`
	Findings []logql.Finding `json:"findings"`
	Fixed    string          `json:"fixed,omitempty"`
	Strict   string          `json:"strict,omitempty"` // what is sent to a Loki for it
	Rewrote  []string        `json:"rewrote,omitempty"`
	Counts   *lintCounts     `json:"matched_lines,omitempty"`
}

// lintCounts are how many lines each reading matches. A reading that could not
// be asked says why.
type lintCounts struct {
	Of       int    `json:"of"`
	Playbook int    `json:"playbook"`
	Strict   int    `json:"strict"`
	Fixed    int    `json:"fixed"`
	Refused  string `json:"strict_refused,omitempty"`
	Broken   string `json:"fixed_refused,omitempty"`
}

func logsLintCommand(s streams) *cobra.Command {
	var l logsLinting
	cmd := &cobra.Command{
		Use:   "lint QUERY|RUNBOOK.md|DIR|- [FILE|GLOB]…",
		Short: "Say what a query really does, here and on a Loki, and how to fix it",
		Long: `Reads a query, or every LogQL query of a runbook in Markdown or of a folder of
them, and says where a Loki refuses it, fails on it or answers something else than
was meant, with the fixed query. With log files it counts the lines that the two readings match.

Exit code: 0 nothing is wrong (hints may stand there), 1 something is, 2 a flag
or file is wrong.`,
		Example: `  quell logs lint '{service="api"} | json | message =~ "timeout"'
  quell logs lint '{service="api"} | json | message =~ "timeout"' /var/log/app/*.json
  quell logs lint runbook.md --json`,
		Args: atLeast(1, "write a query, name a runbook, or - for a query on standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.run(cmd.Context(), s, args)
		},
	}
	l.input.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&l.step, "step", "", "distance between the points at which the query is asked, to find ranges that leave gaps")
	f.BoolVar(&l.asJSON, "json", false, "print the findings as JSON (docs/reference/logs.md)")
	return cmd
}

func (l *logsLinting) run(ctx context.Context, s streams, args []string) error {
	var options logql.LintOptions
	if l.step != "" {
		step, err := positive("--step", l.step)
		if err != nil {
			return err
		}
		options.Step = step
	}
	queries, files, err := l.queries(s, args)
	if err != nil {
		return err
	}
	var logs *app.Logs
	if len(files) > 0 {
		zone, err := l.input.location()
		if err != nil {
			return err
		}
		input, err := l.input.open(s, files, zone, time.Now())
		if err != nil {
			return err
		}
		if logs, err = app.OpenLogs(ctx, input); err != nil {
			return &exit{exitUsage, fmt.Errorf("logs lint: %w", err)}
		}
		defer logs.Close()
	}
	wrong := 0
	out := make([]linted, len(queries))
	for i, q := range queries {
		out[i] = lintOne(q, options)
		if logs != nil {
			if out[i].Counts, err = countBoth(ctx, logs, out[i]); err != nil {
				return (&logsAsking{}).failed(ctx, q.Text, err)
			}
			out[i].compareCounts()
		}
		for _, f := range out[i].Findings {
			if f.Severity == logql.Wrong {
				wrong++
			}
		}
	}
	if l.asJSON {
		if err := writeJSON(s, map[string]any{"schema": "quell.logs.lint/1", "queries": nonNil(out)}); err != nil {
			return err
		}
	} else {
		writeLinted(s, out)
	}
	if wrong > 0 {
		return &exit{code: exitFailed}
	}
	return nil
}

func lintOne(q app.FenceQuery, options logql.LintOptions) linted {
	out := linted{File: q.File, Line: q.Line, Query: q.Text, Findings: nonNil(logql.Lint(q.Text, options))}
	if fixed := logql.Repaired(q.Text, options); fixed != q.Text {
		out.Fixed = fixed
	}
	if parsed, err := logql.Parse(q.Text); err == nil {
		if r, err := logql.ToStrict(parsed); err == nil && r.Client == "" {
			out.Strict, out.Rewrote = r.Query.Text, r.Notes
		}
	}
	return out
}

// countBoth asks the lines in both readings.
func countBoth(ctx context.Context, logs *app.Logs, l linted) (*lintCounts, error) {
	var c lintCounts
	count := func(dialect logql.Dialect, text string, into *int) (refused string, err error) {
		q, err := logql.ParseIn(dialect, text)
		if err != nil {
			return err.Error(), nil
		}
		matched, of, err := logs.Promoted(q.SelectorLabels()).Count(ctx, q)
		var unreadable *logfile.Failed
		if ctx.Err() != nil || errors.As(err, &unreadable) {
			return "", err
		}
		if err != nil {
			return err.Error(), nil
		}
		*into, c.Of = matched, of
		return "", nil
	}
	refused, err := count(logql.Playbook, l.Query, &c.Playbook)
	if err != nil {
		return nil, err
	}
	if refused != "" {
		return nil, nil // the findings say why
	}
	if c.Refused, err = count(logql.Strict, l.Query, &c.Strict); err != nil {
		return nil, err
	}
	if l.Fixed != "" {
		if c.Broken, err = count(logql.Strict, l.Fixed, &c.Fixed); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// compareCounts adds what no rule found and the lines show: that the two
// readings take others of them.
func (l *linted) compareCounts() {
	c := l.Counts
	if c == nil || c.Refused == "" && c.Playbook == c.Strict {
		return
	}
	for _, f := range l.Findings {
		if f.Severity == logql.Wrong {
			return // it says why
		}
	}
	f := logql.Finding{Rule: "counts-differ", Severity: logql.Wrong, End: len(l.Query),
		Text:   fmt.Sprintf("the two readings differ on these lines: %s match here, %s on a Loki", thousands(c.Playbook), thousands(c.Strict)),
		Advice: strings.Join(l.Rewrote, "\n  ")}
	if c.Refused != "" {
		f.Text = "strict LogQL refuses this query: " + c.Refused
	}
	l.Findings = append(l.Findings, f)
}

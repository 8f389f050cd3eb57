package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// exitNothing is what grep says too: all was read, and nothing matched.
const exitNothing = exitFailed

// defaultLines is how many lines an answer shows where nobody says otherwise.
const defaultLines = 1000

// maxLogText bounds the memory for lines that are shown, in bytes.
const maxLogText = 32 << 20

// maxAllText is maxLogText where all lines were asked for.
const maxAllText = 1 << 30

// maxAllSeries is how many series are shown where all were asked for.
const maxAllSeries = 20_000

// maxLogLine bounds one line that is shown, in bytes.
const maxLogLine = 1 << 20

// logsAsking are the flags of every question to logs.
type logsAsking struct {
	input          logsInput
	when           logsWhen
	limit          int
	forward, raw   bool
	asJSON, strict bool
	quiet          bool
	loki           lokiFlags
}

// logsInput are the flags that say which lines are meant.
type logsInput struct {
	config, zone string
	labels       []string
}

func (i *logsInput) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&i.labels, "label", nil, "stream label of every line, NAME=VALUE, or NAME: taken from the line's own field; may be repeated")
	f.StringVar(&i.zone, "timezone", "", "zone of times that name none, in lines and flags: UTC or a name like Europe/Paris (default: this machine's)")
	f.StringVarP(&i.config, "config", "c", "", "without a FILE: ask the log targets of this configuration (default: quell.yaml here or above)")
}

func logsCommand(s streams) *cobra.Command {
	var a logsAsking
	cmd := &cobra.Command{
		Use:   "logs QUERY [FILE|GLOB|-]…",
		Short: "Ask log files, or whatever is piped in, in LogQL",
		Long: `Asks any log lines in LogQL, without a server: files (rotated and compressed ones
beside them come along), standard input, or the log targets of quell.yaml. JSON,
logfmt and plain text, as Docker, Kubernetes and journald frame them.

A log query prints lines, oldest first; a metric query prints a table, and with
--since or --step a series. Without any time flag the files are the world: a log
query reads all of them, a metric query ends at their newest line.

The query is read as authors of runbooks mean it (docs/logs.md): --strict reads it
as Loki documents it, ` + "`quell logs lint`" + ` says where the two differ.

Exit code: 0 something matched, 1 nothing did, 2 a query, flag or file is wrong.`,
		Example: `  quell logs '{service="api"} | json | level=~"ERROR|CRITICAL"' /var/log/app/*.json --since 1h
  docker logs api 2>&1 | quell logs '{} |= "timeout"' -
  quell logs 'topk(10, sum by (error_type) (count_over_time({} | json | level="ERROR" [1h])))' app.log
  quell logs 'sum(rate({} | json | status >= 500 [1m]))' app.log --since 1h --json
  quell logs '{service="api"} | json | level="ERROR"' --loki http://loki:3100 --since 1h`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("logs: write a query, like `quell logs '{} |= \"timeout\"' app.log`; '{}' alone takes every line")
			}
			query, files, err := queryFirst(args)
			if err != nil {
				return err
			}
			return a.run(cmd.Context(), s, query, files)
		},
		Args: cobra.ArbitraryArgs,
	}
	a.when.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&a.when.step, "step", "", "metric query: distance between two points, like 30s (default with --since: about a 120th of it)")
	f.IntVar(&a.limit, "limit", defaultLines, "show at most this many lines, the newest ones, or series; 0: all that fit into memory")
	f.BoolVar(&a.forward, "forward", false, "keep the oldest lines at the limit instead of the newest")
	f.BoolVar(&a.raw, "raw", false, "on a terminal too: the lines as they are, without layout and colour")
	f.BoolVar(&a.asJSON, "json", false, "print the answer as JSON (docs/reference/logs.md)")
	f.BoolVar(&a.strict, "strict", false, "read the query as Loki documents it, without the readings of playbooks")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing on standard error but errors")
	a.input.flags(cmd)
	a.loki.flags(cmd)
	cmd.AddCommand(logsPatternsCommand(s), logsSpikeCommand(s), logsLintCommand(s))
	return cmd
}

func (a *logsAsking) dialect() logql.Dialect {
	if a.strict {
		return logql.Strict
	}
	return logql.Playbook
}

func (a *logsAsking) run(ctx context.Context, s streams, text string, files []string) error {
	q, err := logql.ParseIn(a.dialect(), text)
	if err != nil {
		return badQuery("logs", text, err)
	}
	if a.limit < 0 {
		return usage("--limit: %d is no number of lines: write 0 for all", a.limit)
	}
	now := time.Now()
	zone, err := a.input.location()
	if err != nil {
		return err
	}
	w, err := a.when.window(now, zone, q.Metric())
	if err != nil {
		return err
	}
	show := logsShow{streams: s, zone: zone, asking: a, query: q, text: text}
	if a.loki.on() {
		return a.askLoki(ctx, show, files, w, now)
	}
	input, err := a.input.open(s, files, zone, now)
	if err != nil {
		return err
	}
	logs, err := app.OpenLogs(ctx, input)
	if err != nil {
		return a.failed(ctx, text, err)
	}
	defer logs.Close()
	if logs.Interrupted {
		ctx = context.WithoutCancel(ctx) // a second Ctrl-C ends the process
		show.note("interrupted: this is the answer to what had come until then")
	}
	answer, err := logs.Ask(ctx, q, w, a.limits(q, s.out))
	if err != nil {
		return a.failed(ctx, text, err)
	}
	answer.Notes = append(answer.Notes, gaps(text, answer.Step)...)
	var why []string
	if len(answer.Lines)+len(answer.Series) == 0 {
		why = append(logs.WhyNothing(ctx, q, answer), logql.Placeholders(text)...)
	}
	return show.answer(answer, why)
}

// gaps says where the points of a series leave lines out between them.
func gaps(text string, step time.Duration) []string {
	var notes []string
	for _, f := range logql.Lint(text, logql.LintOptions{Step: step}) {
		if f.Rule == "range-shorter-than-step" {
			notes = append(notes, f.Text+": "+f.Advice)
		}
	}
	return notes
}

func (a *logsAsking) limits(q logql.Query, out io.Writer) logql.Limits {
	terminal, _ := isTerminal(out)
	l := logql.Limits{Bytes: maxLogText, Line: maxLogLine, Oldest: a.forward, Bare: !a.asJSON && (a.raw || !terminal)}
	if q.Metric() {
		switch a.limit {
		case 0:
			l.Series = maxAllSeries
		case defaultLines: // nobody asked for a number of series: the engine's own bound
		default:
			l.Series = max(a.limit, defaultLines)
		}
	} else {
		if l.Lines = a.limit; a.limit == 0 {
			l.Lines, l.Bytes = maxAllText, maxAllText // a line has at least a byte
		}
	}
	return l
}

func (i *logsInput) location() (*time.Location, error) {
	if i.zone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(i.zone)
	if err != nil {
		return nil, usage("--timezone: there is no zone %q: write UTC, Local or a name like Europe/Paris", i.zone)
	}
	return zone, nil
}

func (i *logsInput) open(s streams, files []string, zone *time.Location, now time.Time) (app.LogInput, error) {
	in := app.LogInput{Paths: files, Stdin: s.in, Config: i.config, Now: now}
	if i.zone != "" || len(files) > 0 {
		in.Zone = zone
	}
	for _, l := range i.labels {
		name, value, ok := strings.Cut(l, "=")
		if !isLabelName(name) {
			return in, usage("--label: %q is no label: write NAME=VALUE, like service=api, or the NAME of a field", l)
		}
		if !ok {
			in.Fields = append(in.Fields, name)
			continue
		}
		if in.Labels == nil {
			in.Labels = map[string]string{}
		}
		in.Labels[name] = value
	}
	// What is piped in is meant, unless a file or a configuration is named.
	if len(files) == 0 && i.config == "" && piped(s.in) {
		in.Paths, in.Zone = []string{"-"}, zone
	}
	stdin := 0
	for _, f := range in.Paths {
		if f == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return in, usage("- stands twice: standard input can be read once")
	}
	return in, nil
}

func isLabelName(name string) bool {
	q, err := logql.Parse(`{` + name + `=""}`)
	return err == nil && !q.Metric() && !strings.ContainsAny(name, `."{,`)
}

// failed turns an error of reading or of the engine into what a person reads.
func (a *logsAsking) failed(ctx context.Context, text string, err error) error {
	var wrong *logql.Error
	var unreadable *logfile.Failed
	switch {
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted: nothing is shown, since the answer is not whole")}
	case errors.As(err, &wrong):
		return badQuery("logs", text, err)
	case errors.As(err, &unreadable):
		lines := make([]string, len(unreadable.Troubles))
		for i, t := range unreadable.Troubles {
			lines[i] = t.Path + ": " + t.Reason
		}
		return &exit{exitUsage, fmt.Errorf("logs: nothing could be read\n  %s", strings.Join(lines, "\n  "))}
	}
	return &exit{exitUsage, fmt.Errorf("logs: %w", err)}
}

package cli

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/logql/spike"
)

func logsSpikeCommand(s streams) *cobra.Command {
	var m mining
	var split string
	cmd := &cobra.Command{
		Use:   "spike [QUERY] [FILE|GLOB|-]…",
		Short: "Say when it started, what is new since, and which label values rose",
		Long: `Looks for the moment at which errors (or, where nothing failed, lines) began to
come more often, and compares what was written before with what was written
after: new templates, risen ones, vanished ones, and the values of labels that
take a larger share. Without a time flag it looks at all of the input.

Exit code: 0 something rose, 1 nothing did, 2 a query, flag or file is wrong,
4 it cannot be told.`,
		Example: "  quell logs spike /var/log/app/*.json --since 2h\n  quell logs spike '{service=\"api\"}' app.json --at 14:50",
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := m.open(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			defer q.logs.Close()
			var at time.Time
			if split != "" {
				if at, err = moment(split, time.Now(), q.show.zone); err != nil {
					return usage("--at: %w", err)
				}
			}
			found, err := q.logs.Spike(q.ctx, q.query, q.window, at)
			if err != nil {
				return m.asking.failed(cmd.Context(), q.show.text, err)
			}
			return m.showSpike(q, found)
		},
	}
	m.flags(cmd)
	cmd.Flags().StringVar(&split, "at", "", "compare before and after this time, instead of looking for the onset")
	return cmd
}

func (m *mining) showSpike(q mined, found app.Spike) error {
	r := found.Report
	if m.asking.asJSON {
		if err := writeJSON(q.show.streams, spikeJSON(found, m.limit)); err != nil {
			return err
		}
	} else {
		if found.Stats.Matched == 0 {
			return q.nothing(found.LogAnswer)
		}
		w := bufio.NewWriter(q.show.out)
		page := spikePage{w: w, show: q.show, paint: painter(colored(q.show.out)), limit: m.limit}
		page.write(r)
		if err := w.Flush(); err != nil {
			return &exit{exitFailed, err}
		}
	}
	q.chatter(found.LogAnswer, r.Notes...)
	switch r.Verdict {
	case spike.Nothing:
		return &exit{code: exitNothing}
	case spike.CannotTell:
		return &exit{code: exitCannotTell}
	}
	return nil
}

// spikePage prints a report for a person.
type spikePage struct {
	w     *bufio.Writer
	show  logsShow
	paint func(code, text string) string
	limit int
}

func (p spikePage) write(r spike.Report) {
	fmt.Fprintln(p.w, p.paint("1", p.headline(r)))
	if r.Reason != "" && r.Verdict != spike.Rose {
		fmt.Fprintln(p.w, "  "+r.Reason)
	}
	if r.Split != 0 {
		p.side("before", r.Before)
		p.side("after", r.After)
	}
	p.changes("new since", r.New, false)
	p.changes("risen", r.Risen, true)
	p.shifts(r)
	p.changes("vanished", r.Vanished, true)
	if len(r.Dropped) > 0 {
		fmt.Fprintln(p.w, p.paint("2", "labels with too many values to compare: "+strings.Join(r.Dropped, ", ")))
	}
	if r.Rule != nil && r.Rule.Known {
		word := "does not hold"
		if r.Rule.Fired {
			word = "holds"
		}
		fmt.Fprintln(p.w, p.paint("2", fmt.Sprintf("the usual rule, five minutes above three times the hour's mean, %s: %d against %s", word, r.Rule.Recent, figure(r.Rule.Mean))))
	}
}

func (p spikePage) headline(r spike.Report) string {
	switch {
	case r.Verdict != spike.Rose:
		return string(r.Verdict)
	case r.Onset == 0:
		return r.Subject + " rose"
	}
	text := fmt.Sprintf("%s rose at %s", r.Subject, p.at(r.Onset))
	if r.Ramp {
		text = fmt.Sprintf("%s grow slowly, from about %s on", r.Subject, p.at(r.Onset))
	}
	if r.Over != 0 {
		text += ", and were back at " + p.at(r.Over)
	}
	return text
}

func (p spikePage) at(nano int64) string {
	return time.Unix(0, nano).In(p.show.zone).Format("2006-01-02 15:04:05 MST")
}

func (p spikePage) side(name string, s spike.Span) {
	length := time.Duration(s.Seconds * float64(time.Second)).Round(time.Second)
	fmt.Fprintf(p.w, "  %-6s  %s, %s in %s\n", name, many(s.Lines, "line", "lines"), many(s.Errors, "error", "errors"), expr.FormatDuration(length))
}

func (p spikePage) changes(title string, list []spike.Change, rates bool) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(p.w, "\n"+p.paint("1", title))
	for _, c := range firstOf(list, p.limit) {
		t := c.Template
		count := thousands(c.After)
		if rates {
			count = thousands(c.Before) + " → " + count
		}
		text := holes(p.paint, printable(t.Text))
		if rates && c.Expected >= 0.05 {
			text += p.paint("2", fmt.Sprintf("  (%s expected)", figure(roundTo(c.Expected))))
		}
		if !rates && t.First != 0 {
			text += p.paint("2", "  first "+strings.TrimSpace(moment12(t.First, p.show.zone)))
		}
		fmt.Fprintf(p.w, "  %14s  %s %s\n", count, p.paint(levelColor(t.Level), fmt.Sprintf("%-5s", shortLevel(t.Level))), text)
	}
	p.more(len(list))
}

// roundTo keeps one decimal: an expectation is no measurement.
func roundTo(v float64) float64 { return float64(int(v*10+0.5)) / 10 }

func (p spikePage) more(n int) {
	if p.limit > 0 && n > p.limit {
		fmt.Fprintln(p.w, p.paint("2", fmt.Sprintf("  and %d more: --limit 0 shows all", n-p.limit)))
	}
}

func (p spikePage) shifts(r spike.Report) {
	if len(r.Labels) == 0 {
		return
	}
	fmt.Fprintln(p.w, "\n"+p.paint("1", "label values with a larger share of the "+r.Subject))
	for _, s := range firstOf(r.Labels, p.limit) {
		against := ""
		if s.Against != "" && s.Against != "before" {
			against = p.paint("2", "  against "+s.Against)
		}
		fmt.Fprintf(p.w, "  %14s  %s%s\n", fmt.Sprintf("%s → %s", percent(s.ShareBefore), percent(s.ShareAfter)), labelText(map[string]string{s.Name: s.Value}), against)
	}
	p.more(len(r.Labels))
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return fmt.Sprintf("%.1f %%", share*100)
	}
	return fmt.Sprintf("%.0f %%", share*100)
}

type jsonChange struct {
	jsonTemplate
	Before   int     `json:"before"`
	After    int     `json:"after"`
	Expected float64 `json:"expected"`
	Onset    string  `json:"onset,omitempty"`
	P        float64 `json:"p"`
}

type jsonSpan struct {
	Start   string  `json:"start,omitempty"`
	End     string  `json:"end,omitempty"`
	Seconds float64 `json:"seconds"`
	Lines   int     `json:"lines"`
	Errors  int     `json:"errors"`
}

type jsonShift struct {
	Name        string  `json:"name"`
	Value       string  `json:"value"`
	Before      int     `json:"before"`
	After       int     `json:"after"`
	ShareBefore float64 `json:"share_before"`
	ShareAfter  float64 `json:"share_after"`
	Against     string  `json:"against"`
	G           float64 `json:"g"`
	P           float64 `json:"p"`
}

func spikeJSON(found app.Spike, limit int) any {
	r := found.Report
	changes := func(list []spike.Change) []jsonChange {
		out := []jsonChange{}
		for _, c := range firstOf(list, limit) {
			out = append(out, jsonChange{templateJSON(c.Template, false), c.Before, c.After, c.Expected, nanoStamp(c.Onset), c.P})
		}
		return out
	}
	span := func(s spike.Span) jsonSpan {
		return jsonSpan{nanoStamp(s.Start), nanoStamp(s.End), s.Seconds, s.Lines, s.Errors}
	}
	shifts := []jsonShift{}
	for _, s := range firstOf(r.Labels, limit) {
		shifts = append(shifts, jsonShift(s))
	}
	out := map[string]any{"schema": "quell.logs.spike/1", "verdict": r.Verdict, "reason": r.Reason, "subject": r.Subject,
		"onset": nanoStamp(r.Onset), "over": nanoStamp(r.Over), "ramp": r.Ramp, "split": nanoStamp(r.Split),
		"before": span(r.Before), "after": span(r.After), "new": changes(r.New), "risen": changes(r.Risen), "vanished": changes(r.Vanished),
		"labels": shifts, "dropped_labels": nonNil(r.Dropped), "notes": nonNil(append(append([]string{}, found.Notes...), r.Notes...))}
	if r.Rule != nil {
		out["rule"] = map[string]any{"known": r.Rule.Known, "fired": r.Rule.Fired, "recent": r.Rule.Recent, "mean": r.Rule.Mean, "caveat": r.Rule.Caveat}
	}
	return out
}

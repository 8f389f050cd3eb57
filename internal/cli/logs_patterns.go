package cli

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/logql/pattern"
)

func logsPatternsCommand(s streams) *cobra.Command {
	var m mining
	var before string
	cmd := &cobra.Command{
		Use:   "patterns [QUERY] [FILE|GLOB|-]…",
		Short: "Fold lines into the templates that they were written from, new ones first",
		Long: `Folds lines that differ only in numbers, names and ids into templates, counts
them, and shows a sample of each. With --since or --from, what was not written
before is new and comes first.

Exit code: 0 there are lines, 1 there are none, 2 a query, flag or file is wrong.`,
		Example: "  quell logs patterns /var/log/app/*.json --since 1h\n  docker logs api 2>&1 | quell logs patterns '{} | json | level=\"ERROR\"' -",
		RunE: func(cmd *cobra.Command, args []string) error {
			var back time.Duration
			if before != "" {
				var err error
				if back, err = positive("--before", before); err != nil {
					return err
				}
			}
			q, err := m.open(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			defer q.logs.Close()
			found, err := q.logs.Patterns(q.ctx, q.query, q.window, back)
			if err != nil {
				return m.asking.failed(cmd.Context(), q.show.text, err)
			}
			return m.showPatterns(q, found)
		},
	}
	m.flags(cmd)
	cmd.Flags().StringVar(&before, "before", "", "with --since or --from: how far ahead of it to look for what is old (default: to the beginning)")
	return cmd
}

func (m *mining) showPatterns(q mined, found app.Patterns) error {
	if len(found.Templates) == 0 && !m.asking.asJSON {
		return q.nothing(found.LogAnswer)
	}
	shown := firstOf(found.Templates, m.limit)
	if m.asking.asJSON {
		if err := writeJSON(q.show.streams, patternsJSON(found, shown)); err != nil {
			return err
		}
	} else {
		w := bufio.NewWriter(q.show.out)
		for _, t := range shown {
			writeTemplate(w, q.show, t, found.Compared)
		}
		if err := w.Flush(); err != nil {
			return &exit{exitFailed, err}
		}
	}
	var notes []string
	if !q.window.From.IsZero() && !found.Compared {
		notes = append(notes, "nothing was written before that time, so nothing can be called new")
	}
	if n := len(found.Templates) - len(shown); n > 0 {
		notes = append(notes, fmt.Sprintf("%s more: --limit 0 shows all", many(n, "template", "templates")))
	}
	if n := found.Mined.Lost; n > 0 {
		notes = append(notes, fmt.Sprintf("%s of further kinds were not told apart", many(n, "line", "lines")))
	}
	q.chatter(found.LogAnswer, notes...)
	if len(found.Templates) == 0 {
		return &exit{code: exitNothing}
	}
	return nil
}

// writeTemplate prints a template and one line that was written from it.
func writeTemplate(w *bufio.Writer, v logsShow, t pattern.Template, compared bool) {
	paint := painter(colored(v.out))
	mark := "   "
	if compared && t.New() {
		mark = paint("1;35", "new")
	}
	fmt.Fprintf(w, "%s %9s  %s %s\n", mark, thousands(t.Count), paint(levelColor(t.Level), fmt.Sprintf("%-5s", shortLevel(t.Level))), holes(paint, shortened(printable(t.Text)))+paint("2", otherLevels(t)))
	if len(t.Samples) > 0 && strings.Contains(t.Text, "<*>") {
		sample := t.Samples[len(t.Samples)-1]
		text, _, more := strings.Cut(sample.Text, "\n")
		if more {
			text += " …"
		}
		fmt.Fprintf(w, "%21s%s\n", "", paint("2", moment12(sample.Time, v.zone)+shortened(printable(text))))
	}
}

// longestText is how much of a text stands in one row.
const longestText = 400

func shortened(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}

// otherLevels says how often a template was logged at each level, where it was
// at several.
func otherLevels(t pattern.Template) string {
	if len(t.Levels) < 2 {
		return ""
	}
	parts := make([]string, 0, len(t.Levels))
	for _, l := range t.Levels {
		name := l.Name
		if name == "" {
			name = "no level"
		}
		parts = append(parts, thousands(l.Count)+" "+name)
	}
	return "  (" + strings.Join(parts, ", ") + ")"
}

// moment12 is the time of a sample with a blank behind it; nothing without one.
func moment12(nano int64, zone *time.Location) string {
	if nano == 0 {
		return ""
	}
	return time.Unix(0, nano).In(zone).Format("15:04:05 ")
}

// holes makes what varies stand out.
func holes(paint func(code, text string) string, text string) string {
	return strings.ReplaceAll(text, "<*>", paint("36", "<*>"))
}

type jsonTemplate struct {
	Template string       `json:"template"`
	Count    int          `json:"count"`
	Before   int          `json:"before"`
	New      *bool        `json:"new,omitempty"` // not there where nothing was written before
	Level    string       `json:"level"`
	Errors   int          `json:"errors"`
	First    string       `json:"first,omitempty"`
	Last     string       `json:"last,omitempty"`
	Samples  []jsonSample `json:"samples"`
	Holes    []jsonHole   `json:"holes"`
}

type jsonSample struct {
	Time string `json:"time,omitempty"`
	Text string `json:"text"`
}

type jsonHole struct {
	Distinct int         `json:"distinct"`
	Exact    bool        `json:"exact"`
	Top      []jsonValue `json:"top"`
}

type jsonValue struct {
	Text   string `json:"text"`
	Count  int    `json:"count"`
	Before int    `json:"before"`
}

func templateJSON(t pattern.Template, compared bool) jsonTemplate {
	out := jsonTemplate{Template: t.Text, Count: t.Count, Before: t.Before, Level: t.Level, Errors: t.Errors,
		First: nanoStamp(t.First), Last: nanoStamp(t.Last), Samples: []jsonSample{}, Holes: []jsonHole{}}
	if compared {
		fresh := t.New()
		out.New = &fresh
	}
	for _, s := range t.Samples {
		out.Samples = append(out.Samples, jsonSample{nanoStamp(s.Time), s.Text})
	}
	for _, h := range t.Holes {
		hole := jsonHole{Distinct: h.Distinct, Exact: h.Exact, Top: []jsonValue{}}
		for _, v := range h.Top {
			hole.Top = append(hole.Top, jsonValue(v))
		}
		out.Holes = append(out.Holes, hole)
	}
	return out
}

func nanoStamp(nano int64) string {
	if nano == 0 {
		return ""
	}
	return stamp(time.Unix(0, nano))
}

func patternsJSON(p app.Patterns, shown []pattern.Template) any {
	templates := []jsonTemplate{}
	for _, t := range shown {
		templates = append(templates, templateJSON(t, p.Compared))
	}
	return map[string]any{"schema": "quell.logs.patterns/1", "from": stamp(p.From), "until": stamp(p.Until),
		"lines": p.Mined.Messages, "kinds": len(p.Templates), "lost": p.Mined.Lost, "templates": templates, "notes": nonNil(p.Notes)}
}

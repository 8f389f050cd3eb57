package cli

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/logql"
)

func writeLinted(s streams, list []linted) {
	paint := painter(colored(s.out))
	for i, l := range list {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		if l.File != "" {
			fmt.Fprintln(s.out, paint("1", fmt.Sprintf("%s:%d", l.File, l.Line)))
		}
		if len(l.Findings) == 0 {
			writeFine(s, paint, l)
		}
		for _, f := range l.Findings {
			mark := paint("31;1", "✗")
			if f.Severity == logql.Hint {
				mark = paint("33", "–")
			}
			fmt.Fprintf(s.out, "%s %s %s\n%s\n", mark, f.Text, paint("2", "["+f.Rule+"]"), paint("36", caret(l.Query, f.Offset, f.End)))
			if f.Advice != "" {
				fmt.Fprintf(s.out, "  %s\n", f.Advice)
			}
		}
		if l.Fixed != "" {
			fmt.Fprintf(s.out, "%s\n  %s\n", paint("1", "fixed"), strings.ReplaceAll(l.Fixed, "\n", "\n  "))
		}
		if l.Counts != nil {
			writeCounts(s, paint, *l.Counts, l.Fixed != "")
		}
	}
}

// writeFine says that no rule found anything, and never more than is known:
// with lines, that they were compared; without, what could differ on others.
func writeFine(s streams, paint func(code, text string) string, l linted) {
	switch {
	case l.Counts != nil:
		fmt.Fprintln(s.out, paint("32", "✓")+" both readings match the same number of these lines")
	case len(l.Rewrote) > 0:
		fmt.Fprintln(s.out, paint("32", "✓")+" nothing is wrong with it; lines may be such that a Loki answers otherwise")
	default:
		fmt.Fprintln(s.out, paint("32", "✓")+" it means the same here and on a Loki")
	}
	for _, note := range l.Rewrote {
		fmt.Fprintf(s.out, "  %s\n", note)
	}
}

func writeCounts(s streams, paint func(code, text string) string, c lintCounts, fixed bool) {
	fmt.Fprintf(s.out, "%s\n", paint("1", fmt.Sprintf("lines matched, of %s", thousands(c.Of))))
	row := func(n int, refused, what string) {
		if refused != "" {
			fmt.Fprintf(s.out, "  %9s  %s: %s\n", "none", what, refused)
			return
		}
		fmt.Fprintf(s.out, "  %9s  %s\n", thousands(n), what)
	}
	row(c.Playbook, "", "as quell reads it")
	row(c.Strict, c.Refused, "as Loki documents it")
	if fixed {
		row(c.Fixed, c.Broken, "fixed, as Loki documents it")
		if c.Broken == "" && c.Fixed != c.Playbook {
			fmt.Fprintf(s.out, "  the fix does not match what quell matches here: look at both before you take it\n")
		}
	}
}

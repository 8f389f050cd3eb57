package cli

import (
	"fmt"

	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/verification"
)

// watch tells a person what a run does, as it does it. In a pipe it tells the
// same, line by line.
type watch struct {
	s     streams
	color bool
	last  string // the latest sample, so that the same one is not told again
}

func newWatch(s streams) *watch { return &watch{s: s, color: colored(s.err)} }

func (w *watch) say(p execution.Progress) {
	name := p.Step.ID
	if p.Undo {
		name += " (undo)"
	}
	switch p.Point {
	case execution.Settling:
		w.line("33", name, "was begun and its end is not known: asking the world")
	case execution.Holding:
		w.line("33", name, "not begun: "+p.Text)
	case execution.Acting:
		text := p.Step.Title
		if p.Step.Preview.Summary != "" {
			text += ": " + p.Step.Preview.Summary
		}
		if p.Undo {
			text = "taking back: " + p.Step.Title
		}
		w.line("36", name, text)
	case execution.Acted:
		w.line("", name, p.Text)
	case execution.Sampled:
		w.sample(name, p)
	case execution.Judged:
		w.line("1", name, p.Text)
	case execution.Checking, execution.Ended:
	}
}

func (w *watch) sample(name string, p execution.Progress) {
	text := ""
	switch s := p.Sample; {
	case s.Check == verification.No:
		text = "not yet: " + s.CheckWhy
	case s.Check == verification.Unknown:
		text = "cannot see: " + s.CheckWhy
	case s.Felt == verification.No:
		text = "well; watching whether it stays so"
	default:
		text = "still felt: " + s.FeltWhy
		if s.Felt == verification.Unknown {
			text = "cannot see: " + s.FeltWhy
		}
	}
	if text != w.last {
		w.line("2", name, text)
	}
	w.last = text
}

func (w *watch) line(code, name, text string) {
	if w.color && code != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	fmt.Fprintf(w.s.err, "%s  %s\n", name, text)
}

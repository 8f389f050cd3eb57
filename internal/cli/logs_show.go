package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/logql"
)

// logsShow prints the answer to a question to logs.
type logsShow struct {
	streams
	zone   *time.Location
	asking *logsAsking
	query  logql.Query
	text   string
}

// answer prints what was found, or why is nothing; the chatter goes to stderr.
func (v logsShow) answer(a app.LogAnswer, why []string) error {
	cut := 0
	if n := v.asking.limit; v.query.Metric() && n > 0 && len(a.Series) > n {
		cut = len(a.Series)
		a.Series = ranked(v.query, a.Series)[:n]
	}
	if cut > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("cut at %d of %d series: --limit 0 shows all", v.asking.limit, cut))
	}
	if v.asking.asJSON {
		if err := writeJSON(v.streams, logsJSON(v, a, why)); err != nil {
			return err
		}
	} else if v.query.Metric() {
		v.series(a)
	} else {
		v.lines(a.Lines)
	}
	v.chatter(a, why)
	if n := a.Reading.Failed; n > 0 {
		return &exit{exitUsage, fmt.Errorf("logs: %s could not be read", many(n, "file that was named", "files that were named"))}
	}
	if len(a.Lines)+len(a.Series) == 0 {
		return &exit{code: exitNothing}
	}
	return nil
}

func (v logsShow) chatter(a app.LogAnswer, why []string) {
	if v.asking.quiet {
		return
	}
	say := v.say()
	if v.query.Metric() && !v.asking.when.given() && !a.Newest.IsZero() {
		say("", "the answer is that of the newest line, "+clock(a.Newest, v.zone)+": --until and --since look elsewhere")
	}
	for _, n := range a.Notes {
		if isCut(n) {
			n += ": --limit 0 shows all"
		}
		say("", n)
	}
	for i, w := range why {
		if i == 0 {
			say("1", w)
		} else {
			say("36", w)
		}
	}
	if len(why) == 0 {
		say("2", v.summary(a))
	}
}

// note says one thing on the way.
func (v logsShow) note(text string) {
	if !v.asking.quiet {
		v.say()("", text)
	}
}

// say prints a line of chatter, in colour where that can be seen.
func (v logsShow) say() func(code, text string) {
	color := colored(v.err)
	return func(code, text string) {
		text = printable(text)
		if color && code != "" {
			text = "\x1b[" + code + "m" + text + "\x1b[0m"
		}
		fmt.Fprintln(v.err, text)
	}
}

func (v logsShow) summary(a app.LogAnswer) string {
	if v.asking.loki.on() { // it does not say what it looked at
		if v.query.Metric() {
			return fmt.Sprintf("%s in %s", many(len(a.Series), "series", "series"), took(a.Took))
		}
		return fmt.Sprintf("%s in %s", many(len(a.Lines), "line", "lines"), took(a.Took))
	}
	text := fmt.Sprintf("%s, of %s looked at", many(a.Stats.Matched, "line matched", "lines matched"), thousands(int(a.Reading.Lines)))
	if shown := len(a.Lines); shown > 0 && cutShort(a) {
		text = fmt.Sprintf("%s shown, of %s looked at", many(shown, "line", "lines"), thousands(int(a.Reading.Lines)))
	}
	if a.Reading.Bytes > 0 {
		text += ", " + bytesText(a.Reading.Bytes) + " read"
	}
	return text + fmt.Sprintf(" in %s", took(a.Took))
}

// cutShort reports whether more lines matched than are shown.
func cutShort(a app.LogAnswer) bool {
	for _, n := range a.Notes {
		if isCut(n) {
			return true
		}
	}
	return false
}

// isCut knows the engine's note on an answer that is full.
func isCut(note string) bool {
	return strings.HasPrefix(note, "only the newest ") || strings.HasPrefix(note, "only the oldest ")
}

func took(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + more
}

// thousands writes 257,907.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

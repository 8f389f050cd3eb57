package report

import (
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// gutter is the column in which the body of each row starts.
const gutter = 12

// Write draws the page: the verdict first, then each root with its story, and
// below them what was ruled out, what could not be seen, and what it cost.
func Write(w io.Writer, p Page, s Style) error {
	b := &page{Style: s, at: p.Diagnosis.At}
	b.head(p)
	d := p.Diagnosis
	told := map[string]int{} // roots told in full, by cause
	for i, r := range d.Roots {
		first, again := told[r.ID]
		switch {
		case again && !b.Full:
			b.rootAgain(i, r, first, d.Roots[first])
		case len(told) < mostRoots || b.Full:
			told[r.ID] = i
			b.root(i, len(d.Roots), r)
		default:
			b.rootInShort(i, r)
		}
	}
	if len(d.Roots) > len(told) && !b.Full {
		b.line(b.paint(dim, fmt.Sprintf("  all of each of the %d: --full", len(d.Roots))))
		b.blank()
	}
	b.unexplained(d.Unexplained)
	b.changed(d)
	b.possible(d)
	if d.Verdict == diagnosis.CannotTell {
		// What would help on comes before what it is not.
		b.next(d)
		b.blind(p)
		b.ruledOut(d)
	} else {
		b.ruledOut(d)
		b.blind(p)
	}
	b.cost(p)
	_, err := io.WriteString(w, b.text.String())
	return err
}

type page struct {
	Style
	text strings.Builder
	at   time.Time
}

func (b *page) line(text string) { b.text.WriteString(strings.TrimRight(text, " ") + "\n") }
func (b *page) blank()           { b.text.WriteByte('\n') }

// row writes a label in the gutter and a text beside it, wrapped.
func (b *page) row(label, text string) { b.rowIn("", label, "", text) }

// rowIn also takes a colour for the text and a hanging mark ("+ ") before it.
func (b *page) rowIn(code, label, mark, text string) {
	indent := gutter + length(mark)
	for i, l := range wrap(text, b.width()-indent) {
		head := strings.Repeat(" ", gutter)
		if i == 0 {
			head = b.paint(dim, pad("  "+label, gutter))
		}
		lead := strings.Repeat(" ", length(mark))
		if i == 0 {
			lead = mark
		}
		b.line(head + lead + b.paint(code, l))
	}
}

func (b *page) head(p Page) {
	d := p.Diagnosis
	b.line(b.paint(dim, fmt.Sprintf("%s · %s · the last %s", strings.Join(p.Services, ", "), d.At.UTC().Format("2006-01-02 15:04:05 UTC"), p.Since)))
	b.blank()
	code, mark := green, "✓"
	switch d.Verdict {
	case diagnosis.Found:
		code, mark = red, "●"
	case diagnosis.CannotTell:
		code, mark = yellow, "?"
	}
	if p.Interrupted {
		b.line(b.paint(yellow, "interrupted: this is what was known so far"))
		b.blank()
	}
	if len(d.Roots) == 1 {
		return // its own heading is the verdict
	}
	for i, l := range wrap(upper(d.Summary), b.width()-2) {
		if i > 0 {
			mark = " "
		}
		b.line(b.paint(code, mark+" "+l))
	}
	b.blank()
}

// mostRoots is how many causes are told in full on the short page.
const mostRoots = 3

func (b *page) root(i, of int, r diagnosis.Root) {
	mark := "●"
	if of > 1 {
		mark = fmt.Sprintf("%d", i+1)
	}
	b.heading(mark, r)
	b.blank()
	b.chain(r)
	b.evidence(r.Finding)
	b.proposals(r.Finding)
}

// rootAgain tells of a cause that was found in another place as well what is not
// as it is there: its own signs, and whom its steps are about.
func (b *page) rootAgain(i int, r diagnosis.Root, n int, first diagnosis.Root) {
	b.heading(fmt.Sprintf("%d", i+1), r)
	known := map[string]bool{}
	for _, s := range first.Signs {
		known[s.Says()] = true
	}
	label := "For"
	for _, s := range r.Signs {
		if s.Truth == "true" && s.Pull > 0 && !known[s.Says()] {
			b.rowIn("", label, "+ ", fmt.Sprintf("%s — %s%s", s.Says(), strings.Join(s.Source, ", "), b.when(s.At)))
			label = ""
		}
	}
	for _, p := range first.Proposals {
		for _, a := range p.Actions {
			known[proposed(a)] = true
		}
	}
	label = "Do now"
	for _, p := range r.Proposals {
		for _, a := range p.Actions {
			if p.Kind != playbook.Fix && a.Missing == "" && !known[proposed(a)] {
				known[proposed(a)] = true
				b.rowIn(cyan, label, "", proposed(a))
				label = ""
			}
		}
	}
	b.row("", fmt.Sprintf("the rest as in %d", n+1))
	b.blank()
}

// rootInShort names a root that stands far down, with its best evidence.
func (b *page) rootInShort(i int, r diagnosis.Root) {
	b.heading(fmt.Sprintf("%d", i+1), r)
	if len(r.Chain) > 0 && r.Chain[0].Evidence != "" {
		b.row("", r.Chain[0].Evidence+b.when(r.Chain[0].At))
	}
	b.blank()
}

func (b *page) heading(mark string, r diagnosis.Root) {
	right := fmt.Sprintf("%s, %s", r.Word, expr.FormatValue(percent(r.Probability)))
	title := cut(r.Title, b.width()-length(mark)-length(right)-3)
	gap := strings.Repeat(" ", max(b.width()-length(mark)-1-length(title)-length(right), 2))
	b.line(b.paint(red, mark+" "+title) + gap + b.paint(bold, right))
	for _, l := range wrap(where(r.Finding)+" · "+r.ID, b.width()-2) {
		b.line("  " + b.paint(dim, cut(l, b.width()-2)))
	}
}

func (b *page) chain(r diagnosis.Root) {
	if len(r.Chain) < 2 && len(r.Also) == 0 {
		return
	}
	for n, step := range r.Chain {
		label, mark := "", "→ "
		if n == 0 {
			label, mark = "Why", "  "
		}
		text := step.Title
		if !step.Confirmed {
			text += " (not seen itself)"
		}
		indent := strings.Repeat("  ", max(n-1, 0))
		b.rowIn(bold, label, indent+mark, text)
		if n > 0 && step.Evidence != "" {
			b.rowIn(dim, "", indent+"  ", step.Evidence+b.when(step.At))
		}
	}
	for n, also := range r.Also {
		label := ""
		if n == 0 {
			label = "And also"
		}
		if n == 3 && !b.Full {
			b.row("", fmt.Sprintf("and %d more", len(r.Also)-n))
			break
		}
		b.row(label, also.Title)
	}
	b.blank()
}

// when says how old an answer is, where that is worth a word.
func (b *page) when(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " (" + at.UTC().Format("15:04:05") + ")"
}

// mostSigns is how many signs for and against are shown on the short page.
const mostSigns = 4

func (b *page) evidence(f *diagnosis.Finding) {
	var speaksFor, against []diagnosis.SignResult
	for _, s := range f.Signs {
		switch {
		case s.Truth == "true" && s.Pull > 0:
			speaksFor = append(speaksFor, s)
		case s.Pull < 0 && (s.Truth == "true" || s.Weight != playbook.Weak && s.Tells() || b.Full):
			against = append(against, s)
		}
	}
	byPull := func(list []diagnosis.SignResult) {
		sort.SliceStable(list, func(i, j int) bool { return abs(list[i].Pull) > abs(list[j].Pull) })
	}
	byPull(speaksFor)
	byPull(against)
	b.signs("For", "+ ", speaksFor)
	b.signs("Against", "− ", against)
	if len(speaksFor)+len(against) > 0 {
		b.blank()
	}
}

func (b *page) signs(label, mark string, list []diagnosis.SignResult) {
	for n, s := range list {
		if n == mostSigns && !b.Full {
			b.row("", fmt.Sprintf("and %d more (--full)", len(list)-n))
			return
		}
		b.rowIn("", label, mark, fmt.Sprintf("%s — %s%s", s.Says(), strings.Join(s.Source, ", "), b.when(s.At)))
		label = ""
	}
}

func (b *page) proposals(f *diagnosis.Finding) {
	for _, p := range f.Proposals {
		label, code := "Do now", cyan
		if p.Kind == playbook.Fix {
			label, code = "Then fix", ""
		}
		b.rowIn(bold, label, "", p.Title)
		if p.Text != "" {
			b.row("", markdownLink.ReplaceAllString(p.Text, "$1"))
		}
		for _, a := range p.Actions {
			b.rowIn(code, "", "", proposed(a))
			if a.Missing != "" {
				b.rowIn(yellow, "", "  ", "cannot be filled in yet: "+a.Missing)
			}
		}
		for _, item := range p.Checklist {
			b.rowIn("", "", "☐ ", item)
		}
		if p.Verify != "" {
			b.rowIn(dim, "", "", fmt.Sprintf("helped, if within %s: %s", p.Within, p.Verify))
		}
	}
	if len(f.Proposals) > 0 {
		b.blank()
	}
}

// markdownLink is a link as playbooks write it; a terminal shows its text.
var markdownLink = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)

func proposed(a diagnosis.ProposedAction) string {
	var args []string
	names := make([]string, 0, len(a.Args))
	for name := range a.Args {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		args = append(args, name+": "+cut(argument(a.Args[name]), 60))
	}
	text := a.Type
	if a.Target != "" {
		text += " @" + a.Target
	}
	if len(args) > 0 {
		text += "  " + strings.Join(args, ", ")
	}
	return text
}

// argument names a list of rows by what identifies them, as far as there is one.
func argument(v any) string {
	rows, ok := v.([]any)
	if !ok {
		return expr.FormatValue(v)
	}
	var ids []any
	for _, r := range rows {
		m, ok := r.(map[string]any)
		if !ok {
			return expr.FormatValue(v)
		}
		for _, key := range []string{"pid", "id", "name", "key"} {
			if id, ok := m[key]; ok {
				ids = append(ids, key+" "+expr.FormatValue(id))
				break
			}
		}
	}
	if len(ids) != len(rows) {
		return expr.FormatValue(v)
	}
	return expr.FormatValue(ids)
}

func (b *page) unexplained(list []diagnosis.Seen) {
	label := "Seen"
	told := map[string]bool{} // in several places with the same words
	for _, s := range list {
		if told[s.Title+s.Evidence] && !b.Full {
			continue
		}
		told[s.Title+s.Evidence] = true
		b.rowIn(bold, label, "", s.Title)
		label = ""
		if s.Evidence != "" {
			b.rowIn(dim, "", "", s.Evidence+b.when(s.At))
		}
	}
	if len(list) > 0 {
		b.blank()
	}
}

func where(f *diagnosis.Finding) string {
	text := strings.Join(f.Services, ", ")
	if len(f.Targets) > 0 {
		text += " on " + strings.Join(f.Targets, ", ")
	}
	return text
}

func percent(p float64) string { return fmt.Sprintf("%.0f %%", 100*min(max(p, 0.01), 0.99)) }

func abs(f float64) float64 {
	if f < 0 {
		return -f
	}
	return f
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

package report

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
)

// The short page shows so many of each; --full shows all.
const (
	mostPossible = 3
	mostRuledOut = 3
	mostBlind    = 4
	mostAbsent   = 2 // of those, what is not there or has nothing to tell
	mostNotes    = 2
)

// possible lists causes that are neither likely nor explained by a root.
func (b *page) possible(d diagnosis.Diagnosis) {
	shown := 0
	for _, f := range d.Causes {
		if f.Probability < diagnosis.Possible || f.Probability >= diagnosis.Likely {
			continue
		}
		label := ""
		if shown == 0 {
			label = "Possible"
		}
		if shown == mostPossible && !b.Full {
			b.row("", "and more (--full)")
			break
		}
		b.row(label, fmt.Sprintf("%s (%s, on %s)", f.Title, percent(f.Probability), strings.Join(f.Targets, ", ")))
		shown++
	}
	if shown > 0 {
		b.blank()
	}
}

// ruledOut lists the look-alikes that a sign excluded, those first that share a
// symptom with a root, and says by what.
func (b *page) ruledOut(d diagnosis.Diagnosis) {
	// Where nothing is wrong, that everything is ruled out is no news.
	if len(d.RuledOut) == 0 || d.Verdict == diagnosis.Nothing && !b.Full {
		return
	}
	list := append([]*diagnosis.Finding{}, d.RuledOut...)
	playbooks := map[string]bool{}
	for _, r := range d.Roots {
		playbooks[playbookOf(r.ID)] = true
	}
	sort.SliceStable(list, func(i, j int) bool {
		return playbooks[playbookOf(list[i].ID)] && !playbooks[playbookOf(list[j].ID)]
	})
	// The same cause on several targets for the same reason is one line.
	type line struct{ title, why string }
	targets := map[line][]string{}
	var lines []line
	for _, f := range list {
		l := line{f.Title, veto(f)}
		if targets[l] == nil {
			lines = append(lines, l)
			targets[l] = []string{}
		}
		targets[l] = append(targets[l], f.Targets...)
	}
	for n, l := range lines {
		label := ""
		if n == 0 {
			label = "Ruled out"
		}
		if n == mostRuledOut && !b.Full {
			b.row("", fmt.Sprintf("and %d more (--full)", len(lines)-n))
			break
		}
		text := l.title
		if on := unique(targets[l]); len(on) > 1 {
			text += " (on " + few(on) + ")"
		}
		b.row(label, text+": "+l.why)
	}
	b.blank()
}

// few joins names, the first three of a long list.
func few(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

func playbookOf(id string) string {
	book, _, _ := strings.Cut(id, "#")
	return book
}

func veto(f *diagnosis.Finding) string {
	for _, s := range f.Signs {
		if s.Weight == "rules out" && s.Truth == "true" {
			return s.Means
		}
	}
	return ""
}

// trouble orders blind spots: what is there and cannot be seen, then what is not
// there, and last what is there and has nothing to tell.
func trouble(s diagnosis.BlindSpot) int {
	switch {
	case s.Target == "":
		return 1
	case s.Status == evidence.NoData:
		return 2
	}
	return 0
}

func (b *page) blind(p Page) {
	label := "Not seen"
	shown, absent, hidden := 0, 0, 0
	spots := append([]diagnosis.BlindSpot{}, p.Diagnosis.BlindSpots...)
	sort.SliceStable(spots, func(i, j int) bool { return trouble(spots[i]) < trouble(spots[j]) })
	for _, s := range spots {
		if trouble(s) > 0 {
			absent++
		}
		if (shown == mostBlind || absent > mostAbsent) && !b.Full {
			hidden++
			continue
		}
		text := blindText(s)
		b.row(label, text)
		if s.Hint != "" {
			b.rowIn(cyan, "", "  ", s.Hint)
		}
		label = ""
		shown++
	}
	if hidden > 0 {
		b.row("", fmt.Sprintf("and %d more (--full)", hidden))
	}
	if len(p.Skipped) > 0 {
		var kinds []string
		for _, s := range p.Skipped {
			kinds = append(kinds, s.Kind)
		}
		b.row(label, fmt.Sprintf("%s not asked, for lack of a target of kind %s", count(len(p.Skipped), "playbook"), strings.Join(unique(kinds), ", ")))
		label = ""
	}
	if label == "" {
		b.blank()
	}
}

func blindText(s diagnosis.BlindSpot) string {
	probes := few(s.Probes)
	switch {
	case s.Target == "":
		return fmt.Sprintf("%s (%s)", s.Reason, probes)
	case s.Status == evidence.NotAsked:
		return fmt.Sprintf("%s: %s (%s)", s.Target, s.Reason, probes)
	}
	return fmt.Sprintf("%s: %s: %s (%s)", s.Target, s.Status, s.Reason, probes)
}

func (b *page) next(d diagnosis.Diagnosis) {
	if d.Next == nil {
		return
	}
	target := ""
	if d.Next.Target != "" {
		target = " of " + d.Next.Target
	}
	b.row("Ask next", fmt.Sprintf("%s%s: it would tell most, about %q", d.Next.Probe, target, d.Next.Title))
	if d.Next.Hint != "" {
		b.rowIn(cyan, "", "  ", d.Next.Hint)
	}
	b.blank()
}

func (b *page) cost(p Page) {
	c := p.Diagnosis.Coverage
	parts := []string{fmt.Sprintf("%s, %d answered, %s", count(c.Probes, "question"), c.Answered, p.Took.Round(10*time.Millisecond))}
	for _, t := range p.Costs {
		text := fmt.Sprintf("%s %s %s", t.Target, count(t.Requests, "request"), t.Busy.Round(time.Millisecond))
		if t.Backoffs > 0 {
			text += fmt.Sprintf(" (backed off %d times)", t.Backoffs)
		}
		parts = append(parts, text)
	}
	b.rowIn(dim, "Cost", "", strings.Join(parts, " · ")+" · nothing was changed")
	for n, note := range p.Notes {
		label := ""
		if n == 0 {
			label = "Notes"
		}
		if n == mostNotes && !b.Full {
			b.rowIn(dim, "", "", fmt.Sprintf("and %d more (--full)", len(p.Notes)-n))
			break
		}
		b.rowIn(dim, label, "", note)
	}
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func unique(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	sort.Strings(out)
	return out
}

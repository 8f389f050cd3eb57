package trial

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/lab/fault"
)

// Why is the ranking with its signs, for whoever wants to know how it came
// about: the first causes and the true ones.
func (r Result) Why(f fault.Fault) string {
	d := r.page.Diagnosis
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", d.Summary)
	true_ := slices.Concat(f.Truth...)
	shown := map[string]bool{}
	for i, c := range d.Causes {
		if len(shown) >= 6 && !slices.Contains(true_, c.ID) || shown[c.ID] {
			continue
		}
		shown[c.ID] = true
		fmt.Fprintf(&b, "%2d  %.3f  %s\n", i+1, c.Probability, c.ID)
		if len(shown) <= 3 || slices.Contains(true_, c.ID) {
			for _, s := range c.Signs {
				fmt.Fprintf(&b, "      %-8s %-9s %+.2f  %s %s\n", s.Truth, s.Weight, s.Pull, line(s.Means), line(s.Why))
			}
		}
	}
	for _, c := range d.RuledOut {
		if slices.Contains(true_, c.ID) {
			fmt.Fprintf(&b, "ruled out  %s\n", c.ID)
			for _, s := range c.Signs {
				fmt.Fprintf(&b, "      %-8s %-9s %s\n", s.Truth, s.Weight, line(s.Means))
			}
		}
	}
	for _, c := range d.Symptoms {
		if c.Probability >= 0.5 {
			fmt.Fprintf(&b, "symptom  %.3f  %s\n", c.Probability, c.ID)
		}
	}
	for _, c := range d.Unexplained {
		fmt.Fprintf(&b, "unexplained  %s\n", c.ID)
	}
	return b.String()
}

// line is the text in one line, cut.
func line(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 160 {
		text = string(runes[:159]) + "…"
	}
	return text
}

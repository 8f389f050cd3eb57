package main

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/secret/secrettest"
	"github.com/quellhq/quell/internal/secret/shape"
)

const generatedNote = "<!-- Written by `make generate`. Do not edit: change what it is made from. -->\n\n"

// reference is the page docs/reference/redaction.md.
func reference(scores []secrettest.Score) string {
	var b strings.Builder
	b.WriteString(generatedNote + "# What is masked\n\n[Redaction](../redaction.md) says how it works and how to add rules of your own.\n\n")
	b.WriteString("## Kinds\n\n| kind | what it is | marked | found | false |\n|---|---|---|---|---|\n")
	for _, k := range shape.Kinds() {
		t := scores[0].Kinds[k[0]]
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", k[0], k[1], t.Marked, t.Found, t.False)
	}
	b.WriteString("\nThe columns are of the corpus. *Found* is a secret of which every byte is masked, by whichever rule; *false* is a\nfinding by rules of this kind that touches no secret.\n")
	for i, s := range scores {
		fmt.Fprintf(&b, "\n## Figures: %s\n\n%s", sets[i].about, table(s))
	}
	b.WriteString("\nLines are in `internal/secret/testdata`. The figures say how well the rules do on these lines, which we chose;\n" +
		"what was held out was hard on purpose, and some of what it showed has been mended since. `make redaction` lists\nwhat is missed.\n")
	return b.String()
}

// table is how one set of lines fared.
func table(s secrettest.Score) string {
	sum := s.Total()
	var b strings.Builder
	b.WriteString("| figure | value |\n|---|---|\n")
	fmt.Fprintf(&b, "| lines, and those without any secret | %d, %d |\n", s.Lines, s.Harmless)
	fmt.Fprintf(&b, "| secrets marked, found whole | %d, %d |\n", sum.Marked, sum.Found)
	fmt.Fprintf(&b, "| recall | %.3f |\n", sum.Recall())
	fmt.Fprintf(&b, "| findings, false ones | %d, %d |\n", sum.Right+sum.False, sum.False)
	fmt.Fprintf(&b, "| precision | %.3f |\n", sum.Precision())
	fmt.Fprintf(&b, "| bytes outside of secrets that changed | %d of %d (%.3f %%) |\n", s.Damaged, s.Bytes, 100*s.Damage())
	fmt.Fprintf(&b, "| lines of JSON, those that no longer parse | %d, %d |\n", s.JSON, s.Broken)
	fmt.Fprintf(&b, "| lines that a second pass changes | %d |\n", s.Moved)
	return b.String()
}

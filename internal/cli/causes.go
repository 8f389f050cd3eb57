package cli

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/playbook"
)

// explainCauses prints the catalogue of root causes, whole or those that have
// a word in their id, group or title.
func explainCauses(s streams, book *playbook.Book, words []string, asJSON bool) error {
	coverage, err := app.Coverage()
	if err != nil {
		return &exit{exitFailed, err}
	}
	known := book.Catalogue(coverage)
	if len(words) > 0 {
		if known = withWord(known, words[0]); len(known) == 0 {
			return usage("explain: no cause has %q in its id, its group or its title", words[0])
		}
	}
	if asJSON {
		return writeJSON(s, nonNil(known))
	}
	group := ""
	for _, k := range known {
		if k.Group != group {
			group = k.Group
			fmt.Fprintf(s.out, "\n%s\n", strings.ToUpper(group))
		}
		printKnown(s, book, k)
	}
	fmt.Fprintf(s.err, "%s\n", countKnown(known))
	return nil
}

func withWord(known []playbook.Known, word string) []playbook.Known {
	var out []playbook.Known
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(word)) }
	for _, k := range known {
		found := has(k.ID) || has(k.Group) || has(k.About)
		for _, t := range k.Told {
			found = found || has(t.Condition) || has(t.Title)
		}
		if found {
			out = append(out, k)
		}
	}
	return out
}

func printKnown(s streams, book *playbook.Book, k playbook.Known) {
	fmt.Fprintf(s.out, "\n%s\n", strings.TrimSpace(k.ID+"  "+k.About))
	for _, r := range reasons(k) {
		fmt.Fprintf(s.out, "  %s\n", r)
	}
	for _, t := range k.Told {
		fmt.Fprintf(s.out, "  %s, %s\n", t.Condition, t.HowCommon)
		for _, sign := range t.Signs {
			fmt.Fprintf(s.out, "    %-10s %s\n", sign.Weight, sign.Means)
		}
		if len(t.Needs) > 0 {
			fmt.Fprintf(s.out, "    needs      %s\n", strings.Join(needs(t.Needs), ", "))
		}
		for i, id := range t.LookAlikes {
			label := ""
			if i == 0 {
				label = "looks like"
			}
			fmt.Fprintf(s.out, "    %-10s %s (%s)\n", label, book.Condition(id).Title, id)
		}
	}
	if len(k.Lines) > 0 {
		fmt.Fprintf(s.out, "  log lines: %s\n", strings.Join(k.Lines, ", "))
	}
}

// reasons says what a cause lacks.
func reasons(k playbook.Known) []string {
	var out []string
	for _, r := range [][2]string{{"needs a cloud", k.Cloud}, {"needs a cluster", k.Cluster}, {"later", k.Later}} {
		if r[1] != "" {
			out = append(out, r[0]+": "+r[1])
		}
	}
	return out
}

func needs(list []playbook.Needed) []string {
	var out []string
	for _, n := range list {
		text := "@" + n.Role + " " + n.Kind
		if n.Optional {
			text += "?"
		}
		out = append(out, text)
	}
	return out
}

func countKnown(known []playbook.Known) string {
	var covered, cloud, later, beyond int
	for _, k := range known {
		switch {
		case k.ID == "":
			beyond++
		case k.Covered:
			covered++
		case k.Cloud != "" || k.Cluster != "":
			cloud++
		default:
			later++
		}
	}
	return fmt.Sprintf("%d causes told, %d need a cloud or a cluster, %d come later; %d more that playbooks tell", covered, cloud, later, beyond)
}

// causesPage is the catalogue as a page.
func causesPage(book *playbook.Book, coverage playbook.Coverage) string {
	known := book.Catalogue(coverage)
	var b strings.Builder
	b.WriteString("# Causes\n\nThe root causes that are known, how each is told, from whose answers, and what it is easily taken for.\n" +
		"`quell explain --causes` prints the same, with your own playbooks. A `?` behind a role: better with it, works without.\n\n" + countKnown(known) + ".\n")
	group := ""
	for _, k := range known {
		if heading := groupHeading(k); heading != group {
			group = heading
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### %s\n", strings.TrimSpace(k.ID+" "+k.About))
		for _, r := range reasons(k) {
			fmt.Fprintf(&b, "\n%s.\n", strings.ToUpper(r[:1])+r[1:])
		}
		for _, t := range k.Told {
			fmt.Fprintf(&b, "\n%s, %s; %s.\n\n| weight | sign |\n|---|---|\n", conditionLink(book, t.Condition), t.HowCommon, strings.Join(needs(t.Needs), ", "))
			for _, sign := range t.Signs {
				fmt.Fprintf(&b, "| %s | %s |\n", sign.Weight, cell(sign.Means))
			}
			var alike []string
			for _, id := range t.LookAlikes {
				alike = append(alike, conditionLink(book, id))
			}
			if len(alike) > 0 {
				fmt.Fprintf(&b, "\nLooks like: %s.\n", strings.Join(alike, ", "))
			}
		}
		if len(k.Lines) > 0 {
			fmt.Fprintf(&b, "\nLog lines: `%s`.\n", strings.Join(k.Lines, "`, `"))
		}
	}
	return b.String()
}

// groupHeading is the heading that an entry of the page stands under.
func groupHeading(k playbook.Known) string {
	if k.ID == "" {
		return "Beyond these: " + k.Group
	}
	return strings.ToUpper(k.Group[:1]) + k.Group[1:]
}

func conditionLink(book *playbook.Book, id string) string {
	file, anchor, _ := strings.Cut(id, "#")
	return fmt.Sprintf("[%s](../../playbooks/%s.md#%s)", book.Condition(id).Title, file, anchor)
}

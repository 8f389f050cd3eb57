package cli

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
)

// actionsPage is the table of everything that Quell can change.
func actionsPage(kinds []connector.Kind) string {
	var b strings.Builder
	b.WriteString(`# Actions

Everything that Quell can change, and nothing else can it change. Each has a preview that touches nothing, is
applied at most once however often it is tried, shows in the world whether it was (that is how a crash is settled),
and is verified by the questions of the playbook that proposed it. A playbook or a preview can raise the risk and
never lower it.

| class | what it means |
|---|---|
| R1 | can be taken back, users notice nothing |
| R2 | a brief blip or a cost, can be taken back or mends itself |
| R3 | disruptive, or hard to take back |
| R4 | destroys something, or cannot be taken back |
`)
	total := 0
	for _, k := range kinds {
		if len(k.Actions) == 0 {
			continue
		}
		total += len(k.Actions)
		fmt.Fprintf(&b, "\n## %s\n\n", k.Name)
		if k.Tried != "" {
			fmt.Fprintf(&b, "Tested on: %s\n\n", k.Tried)
		}
		b.WriteString("| action | risk | does | taken back by | how the world shows it | destroys |\n|---|---|---|---|---|---|\n")
		for _, a := range k.Actions {
			undo := a.Undo
			if undo == "" {
				undo = "cannot be"
			}
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s | %s |\n", a.Name, anchor(a.Name), a.Risk, cell(a.Does), cell(undo), cell(a.Tells), cell(destroyed(a)))
		}
		for _, a := range k.Actions {
			actionSection(&b, a)
		}
	}
	fmt.Fprintf(&b, "\n%d actions in all.\n", total)
	return b.String()
}

func destroyed(a action.Spec) string {
	if a.Destroys == "" {
		return "nothing"
	}
	if len(a.Captures) > 0 {
		return a.Destroys + " (kept first: " + strings.Join(a.Captures, ", ") + ")"
	}
	return a.Destroys
}

func actionSection(b *strings.Builder, a action.Spec) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", a.Name, a.Does)
	if len(a.Params) == 0 {
		return
	}
	b.WriteString("\n| argument | type | default | about |\n|---|---|---|---|\n")
	for _, p := range a.Params {
		def := p.Default
		if def == "" {
			def = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, p.Type, cell(def), cell(p.About))
	}
}

// anchor is that of a heading, as Markdown viewers make it.
func anchor(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), ".", "") }

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// generatedNote stands at the top of every page that this command writes.
const generatedNote = "<!-- Written by `make generate`. Do not edit: change what it is made from. -->\n\n"

// referenceCommand writes the reference pages. Hidden: it is for this project.
func referenceCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:    "reference DIR",
		Short:  "Write the reference pages",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pages := map[string]string{
				"commands.md":      commandsPage(cmd.Root()),
				"actions.md":       actionsPage(app.Vocabulary().Kinds),
				"connectors.md":    connectorsPage(app.Vocabulary().Kinds),
				"configuration.md": configurationPage(),
				"functions.md":     functionsPage(),
				"playbooks.md":     "",
				"signatures.md":    "",
				"causes.md":        "",
			}
			library, err := app.LoadLibrary(nil)
			if err != nil {
				return &exit{exitFailed, err}
			}
			pages["playbooks.md"] = playbooksPage(library)
			pages["signatures.md"] = signaturesPage(library.Book.Vocabulary().Signatures)
			coverage, err := app.Coverage()
			if err != nil {
				return &exit{exitFailed, err}
			}
			pages["causes.md"] = causesPage(library.Book, coverage)
			for name, text := range pages {
				if err := os.WriteFile(filepath.Join(args[0], name), []byte(generatedNote+text), 0o644); err != nil {
					return &exit{exitFailed, err}
				}
			}
			return nil
		},
	}
}

func commandsPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n")
	for _, c := range root.Commands() {
		commandSection(&b, "##", "quell ", c)
	}
	return b.String()
}

// commandSection writes a command and those below it.
func commandSection(b *strings.Builder, heading, path string, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	fmt.Fprintf(b, "\n%s %s%s\n\n%s.\n", heading, path, c.Use, c.Short)
	if c.Long != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", c.Long)
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", dedent(c.Example))
	}
	if flags := c.NonInheritedFlags(); flags.HasFlags() {
		fmt.Fprintf(b, "\n```text\n%s```\n", flags.FlagUsages())
	}
	for _, sub := range c.Commands() {
		commandSection(b, heading+"#", path+c.Name()+" ", sub)
	}
}

func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

func connectorsPage(kinds []connector.Kind) string {
	var b strings.Builder
	b.WriteString("# Connectors\n\nWhat each kind of target takes, asks and can do.\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", k.Name, k.About)
		if len(k.Serves) > 0 {
			fmt.Fprintf(&b, "\nTakes the place of: %s.\n", strings.Join(k.Serves, ", "))
		}
		if len(k.Settings) > 0 {
			b.WriteString("\n| setting | type | default | about |\n|---|---|---|---|\n")
			for _, s := range k.Settings {
				def := s.Default
				if def == "" && !s.Optional {
					def = "required"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.Type, cell(def), cell(s.About))
			}
		}
		for _, l := range k.Languages {
			fmt.Fprintf(&b, "\nFences in `%s` answer with %s.\n", l.Name, l.Shape)
		}
		for _, p := range k.Probes {
			probeSection(&b, p)
		}
		if len(k.Actions) > 0 {
			b.WriteString("\n### Actions\n\n| action | does | risk | taken back by |\n|---|---|---|---|\n")
			for _, a := range k.Actions {
				undo := a.Undo
				if undo == "" {
					undo = "cannot be"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Name, cell(a.Does), a.Risk, cell(undo))
			}
		}
	}
	return b.String()
}

func probeSection(b *strings.Builder, p probe.Spec) {
	fmt.Fprintf(b, "\n### %s\n\n%s %s\n\nCost: %s. Answers with: %s.\n", p.Name, p.Question, p.Why, strings.TrimSuffix(p.Cost, "."), p.Shape)
	if len(p.Params) > 0 {
		b.WriteString("\n| argument | type | default | about |\n|---|---|---|---|\n")
		for _, a := range p.Params {
			def := a.Default
			if def == "" {
				def = "required"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.Name, a.Type, cell(def), cell(a.About))
		}
	}
	if len(p.Fields) > 0 {
		b.WriteString("\n| field | type | about |\n|---|---|---|\n")
		for _, f := range p.Fields {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, f.Type, cell(f.About))
		}
	}
	for _, o := range p.Outcomes {
		fmt.Fprintf(b, "\n- %s: %s", o.When, o.Means)
	}
	if len(p.Outcomes) > 0 {
		b.WriteString("\n")
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func configurationPage() string {
	return "# quell.yaml\n\n`quell init` writes a first one, `quell doctor` checks what it leads to. It is looked for in the current\n" +
		"directory and in those above, or named with `--config`. Unknown keys are refused with file, line and column.\n\n```yaml\n" +
		app.ConfigExample() + "```\n\nThe settings of each kind of target are in [connectors.md](connectors.md).\n\n" +
		"A service with a `url` is asked at that url, port, name and certificate without further targets. Prometheus, Loki,\n" +
		"log files, scraped metrics, traces, Docker engines and hosts that no service names are asked about every service that names none of their kind.\n"
}

func functionsPage() string {
	var b strings.Builder
	b.WriteString("# Functions of signs\n\nBesides CEL's own: `exists`, `all`, `filter`, `map`, `has`, `size`, `matches`, `contains`, `startsWith`, `endsWith`, `in`.\n\n| call | gives | example |\n|---|---|---|\n")
	for _, f := range expr.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", f.Call, cell(f.Gives), cell(f.Example))
	}
	return b.String()
}

func playbooksPage(l app.Library) string {
	var b strings.Builder
	b.WriteString("# Shipped playbooks\n")
	for _, p := range l.Book.Playbooks {
		fmt.Fprintf(&b, "\n## %s\n\n[%s](../../playbooks/%s.md)", p.ID, p.Title, p.ID)
		if len(p.Covers) > 0 {
			fmt.Fprintf(&b, ", covers %s", strings.Join(p.Covers, ", "))
		}
		b.WriteString("\n\n| condition | kind | signs |\n|---|---|---|\n")
		for _, c := range p.Conditions {
			fmt.Fprintf(&b, "| [%s](../../playbooks/%s.md#%s) | %s | %d |\n", cell(c.Title), p.ID, c.Anchor, c.Kind, len(c.Signs))
		}
	}
	return b.String()
}

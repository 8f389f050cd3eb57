package cli

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/playbook"
)

// shownSignature is a signature as --json prints it.
type shownSignature struct {
	Name    string   `json:"name"`
	Says    string   `json:"says"`
	Pattern string   `json:"pattern"`
	Yes     []string `json:"yes"`
	No      []string `json:"no"`
	Causes  []string `json:"causes"`
	UsedBy  []string `json:"used_by"` // questions of playbooks: db/locks:deadlock_lines
	From    string   `json:"from"`    // file and line
}

func explainSignatures(s streams, book *playbook.Book, words []string, asJSON bool) error {
	users := book.SignatureUsers()
	var list []shownSignature
	for _, sig := range book.Vocabulary().Signatures {
		if len(words) > 0 && !strings.Contains(sig.Name, strings.ToLower(words[0])) {
			continue
		}
		list = append(list, shownSignature{
			Name: sig.Name, Says: sig.Says, Pattern: sig.Pattern, Yes: nonNil(sig.Yes), No: nonNil(sig.No),
			Causes: nonNil(sig.Causes), UsedBy: nonNil(users[sig.Name]), From: sig.Pos.String(),
		})
	}
	if len(list) == 0 && len(words) > 0 {
		var names []string
		for _, sig := range book.Vocabulary().Signatures {
			names = append(names, sig.Name)
		}
		return usage("explain: no signature has %q in its name%s", words[0], playbook.Suggest(words[0], names))
	}
	if asJSON {
		return writeJSON(s, nonNil(list))
	}
	for _, sig := range list {
		fmt.Fprintf(s.out, "%s\n    %s\n    %s\n", sig.Name, sig.Says, sig.Pattern)
		for _, line := range sig.Yes {
			fmt.Fprintf(s.out, "    yes  %s\n", line)
		}
		for _, line := range sig.No {
			fmt.Fprintf(s.out, "    no   %s\n", line)
		}
		if len(sig.UsedBy) > 0 {
			fmt.Fprintf(s.out, "    used by %s\n", strings.Join(sig.UsedBy, ", "))
		}
	}
	return nil
}

func signaturesPage(signatures []playbook.Signature) string {
	var b strings.Builder
	b.WriteString("# Signatures\n\nLines of logs that have a name. A `logql` question refers to one as `${signature.NAME}`.\n")
	system := ""
	for _, s := range signatures {
		if s.System != system {
			system = s.System
			fmt.Fprintf(&b, "\n## %s\n\n| name | says | for example | causes |\n|---|---|---|---|\n", system)
		}
		example := ""
		if len(s.Yes) > 0 {
			example = codeSpan(s.Yes[0])
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, cell(s.Says), cell(example), strings.Join(s.Causes, ", "))
	}
	return b.String()
}

// codeSpan shows a text as code, also where it has backticks of its own.
func codeSpan(text string) string {
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + text + "`"
}

package playbook_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/playbook"
)

// meaning is what a playbook says, without the places where it says it.
func meaning(p *playbook.Playbook) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("%s|%s|%v|%s|%v", p.Title, p.Summary, p.Alerts, p.Severity, p.Covers)
	for _, n := range p.Needs {
		say("need %s %s %v", n.Role, n.Kind, n.Optional)
	}
	for _, v := range p.Params {
		say("param %s %s %v %s", v.Name, v.Type, v.Default, v.About)
	}
	for _, q := range p.Probes {
		say("probe %s %s %s @%s %v %q %s %s", q.Name, q.Lang, q.Builtin, q.Role, q.Options, q.Text.Source(), q.Why, q.Shape)
		for _, name := range []string{"min_wait", "table"} {
			say("  %q", q.Args[name].Source())
		}
	}
	for _, c := range p.Conditions {
		say("%s %s %q %q", c.Kind, c.ID, c.Prose, c.HowCommon)
		for _, l := range c.LeadsTo {
			say("  -> %s %q", l.Target, l.Text)
		}
		for _, s := range c.Signs {
			say("  %s %q %q %v", s.Weight, s.Program.Source(), s.Means.Source(), s.Reads)
		}
		for _, r := range c.Remedies {
			say("  %s %q %q", r.Kind, r.Title, r.Prose.Source())
			for _, task := range r.Checklist {
				say("    task %q", task.Source())
			}
			for _, a := range r.Actions {
				say("    %s @%s", a.Type, a.Role)
				for _, arg := range a.Args {
					say("      %s %q", arg.Name, arg.Value.Source())
				}
			}
			if r.Verify != nil {
				say("    %s %q", r.Verify.Within, r.Verify.Program.Source())
			}
		}
	}
	for _, r := range p.Ladder {
		say("rung %s %q %s", r.Target, r.Text, r.Watch)
	}
	for _, i := range p.Resolved {
		source := ""
		if i.Program != nil {
			source = i.Program.Source()
		}
		say("item %q %q %s %s", i.Text, source, i.For, i.Over)
	}
	return b.String()
}

// texts are the messages without their places.
func texts(findings []playbook.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, string(f.Severity)+f.Rule)
	}
	return out
}

// formatKeeps is the property: formatting changes neither what a file says nor
// what is wrong with it, and a second time changes nothing.
func formatKeeps(t require.TestingT, text []byte) []byte {
	formatted, err := playbook.Format(text)
	if err != nil {
		return text
	}
	again, err := playbook.Format(formatted)
	require.NoError(t, err)
	require.Equal(t, string(formatted), string(again), "formatting twice is formatting once")
	before, wrongBefore := playbook.ParseFile("db/x.md", text, vocabulary())
	after, wrongAfter := playbook.ParseFile("db/x.md", formatted, vocabulary())
	require.Empty(t, cmp.Diff(meaning(before), meaning(after)), string(formatted))
	require.ElementsMatch(t, texts(wrongBefore), texts(wrongAfter))
	return formatted
}

func TestFormatKeepsEveryFileWeHave(t *testing.T) {
	seen := 0
	for _, root := range []string{"testdata", "../../playbooks"} {
		err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".md") {
				return err
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			formatKeeps(t, text)
			seen++
			return nil
		})
		require.NoError(t, err)
	}
	require.Greater(t, seen, 80)
}

func TestFormatWritesTheMachinePartsAndLeavesProseAlone(t *testing.T) {
	text, err := os.ReadFile("testdata/format/untidy.md")
	require.NoError(t, err)
	golden(t, "testdata/format/untidy.golden", string(formatKeeps(t, text)))
}

func TestFormatRefusesWhatIsNoText(t *testing.T) {
	_, err := playbook.Format([]byte{0xff, 0x00})
	require.ErrorContains(t, err, "not a text file")
}

func TestFormatKeepsWhatPeopleWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { formatKeeps(t, []byte(draw(t))) })
}

// draw writes a playbook, mostly sound, in an untidy hand.
func draw(t *rapid.T) string {
	var b strings.Builder
	pick := func(choices ...string) string { return rapid.SampledFrom(choices).Draw(t, "pick") }
	gap := func() string { return pick("", "", " ", "  ", "\t") }
	prose := func() string {
		return pick("Plain prose.\n\n", "Two\nlines  \nwith *marks* and `code`.\n\n", "- a list\n- of [links](x)\n\n", "> a quote\n\n", "| a | b |\n|---|---|\n| 1 |  2|\n\n",
			"```sh\necho   ${X}\n```\n\n", "<b>html</b>\n\n", "***\n\n", "    indented   code\n\n", "Leads  to nothing\n\n", "How common: prose is\n\n", "")
	}
	expression := func() string {
		return pick("rows.size() > 1", "rows.exists(r, r.a == \"x\")", "rows.size() < 1 \\|\\| rows.size() > 3", "rows.size()  ==  2", "rows.exists(r, r.text.contains('\\|'))", "rows.size() >")
	}
	b.WriteString("---\nneeds: {db: postgres}\n---\n# " + pick("Title", "Title with `code`") + "\n\n" + prose() + "## Evidence\n\n" + prose())
	b.WriteString("```" + gap() + "sql " + gap() + "rows" + pick(" ", "   ") + "@db" + pick("", "  limit=5", " limit=\"7\"", " limit=") + gap() + "\nSELECT  1 -- `x` | y\n```\n\n")
	for _, section := range []string{"Symptoms", "Causes"} {
		b.WriteString("## " + section + "\n\n" + prose())
		for i := range rapid.IntRange(0, 3).Draw(t, "conditions") {
			fmt.Fprintf(&b, "### %s %d\n\n%s", section, i, prose())
			if section == "Causes" {
				b.WriteString(pick("", "Leads to:"+gap()+"[a](#symptoms-0)\n", "Leads to: [a](#symptoms-0),\n  [b](#symptoms-1)\n") + pick("", "How common:"+gap()+pick("Often", "rare", "sometimes  ", "nonsense")+"\n") + "\n")
			}
			b.WriteString(pick("| sign | weight | means |\n|---|---|---|\n", "|sign|weight|means|\n|:--|:-:|--:|\n", "| sign | weight | means\n| - | - | -\n", " | sign   |weight |  means|\n |---|---|---|\n", "sign | weight | means\n---|---|---\n"))
			for range rapid.IntRange(0, 3).Draw(t, "signs") {
				b.WriteString(pick("|", "| ", "|\t") + "`" + expression() + "`" + gap() + "|" + gap() + pick("strong", "Weak", "RULES OUT", "against ", "odd") + gap() + "|" + gap() +
					pick("it is so", "${rows.size()} rows", "with \\| bar", "*emphasis*", "") + gap() + pick("|", "", "|  ") + "\n")
			}
			b.WriteString("\n" + prose())
			if section == "Causes" && rapid.Bool().Draw(t, "remedy") {
				b.WriteString("#### Mitigate: do it\n\n" + prose() + "```action" + pick(" ", "  ") + "postgres.terminate  @db" + gap() + "\nsessions:  ${rows.filter(r, r.a > 1)}\n```\n\n")
				b.WriteString(pick("", "Verify  within "+gap()+"2m:"+gap()+"`rows.size() < 3`\n\n", "Verify within 2m: `rows.size()`\n\n") + prose())
			}
		}
	}
	b.WriteString("## Resolved when\n\n- [ ] all is well: `rows.size() == 0` for 5m\n* [x] ask\n\n" + prose())
	text := b.String()
	if rapid.IntRange(0, 9).Draw(t, "windows") == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

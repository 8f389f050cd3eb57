package playbook_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// sound is the playbook without a mistake, with one of its parts in other words.
func sound(t *testing.T, part, instead string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/mistakes/sound.md")
	require.NoError(t, err)
	require.Contains(t, string(text), part)
	return []byte(strings.Replace(string(text), part, instead, 1))
}

const (
	edgePart   = "Leads to: [requests wait](#requests-wait)\nHow common: often\n"
	verifyPart = "Verify within 2m: `sessions.size() < 3`"
	itemPart   = "- [ ] nobody waits: `last(waiting) == 0` for 5m"
	fencePart  = "```sql sessions @db limit=500"
	tablePart  = "| sign | weight | means |\n|---|---|---|\n| `sessions.size() > limit` | strong | there are ${sessions.size()} sessions |\n"
	needsPart  = "needs: {db: postgres, metrics: prometheus?}"
)

func TestOtherSpellingsMeanTheSame(t *testing.T) {
	for part, spellings := range map[string][]string{
		edgePart: {
			"**Leads to:** [requests wait](#requests-wait)\n**How common:** often\n",
			"**Leads to**: [requests wait](#requests-wait)  \n**How common**: *often*\n",
			"leads to: [requests wait](#requests-wait)\nHOW COMMON: Often.\n",
			"Leads to : [requests wait](#requests-wait)\nHow  common : `often`\n",
			"- Leads to: [requests wait](#requests-wait)\n- How common: often\n",
			"Leads to:\n[requests wait](#requests-wait)\nHow common:\noften\n",
			"Leads to:\n\n- [requests wait](#requests-wait)\n\nHow common: often\n",
			"- **Leads to:**\n  - [requests wait](#requests-wait)\n- **How common:** often\n",
		},
		tablePart: {
			"| Sign | **Weight** | means |\n|:--|:-:|--:|\n| `sessions.size() > limit` | **Strong** | there are ${sessions.size()} sessions |\n",
			"sign | weight | means\n--- | --- | ---\n`sessions.size() > limit` | `strong` | there are ${sessions.size()} sessions\n",
			"| sign | weight | means |\n|---|---|---|\n| **`sessions.size() > limit`** | _STRONG_ | there are ${sessions.size()} sessions |\n",
		},
		verifyPart: {
			"**Verify within 2m:** `sessions.size() < 3`", "verify within 2m: `sessions.size() < 3`.",
			"Verify within 2m:\n`sessions.size() < 3`", "- Verify within 2m: `sessions.size() < 3`", "- [ ] Verify within `2m`: `sessions.size() < 3`",
		},
		itemPart: {
			"- [x] nobody waits: `last(waiting) == 0`, for 5m", "* [ ] nobody waits: **`last(waiting) == 0`** (for 5m).",
			"- [ ] nobody waits `last(waiting) == 0` for **5m**", "1. [ ] nobody waits:\n   `last(waiting) == 0` for 5m",
		},
		fencePart: {
			"```sql sessions @db limit = 500", "``` SQL  @db sessions, limit='500'", "```sql limit=\"500\" sessions @db", "```sql sessions @db limit =500",
		},
		needsPart: {
			"needs:\n  - db: postgres\n  - metrics: prometheus?", "needs: [db: postgres, metrics: prometheus?]", "needs:\n  db: postgres\n  metrics: 'prometheus?'",
		},
		"---\nalerts":             {"\ufeff---\nalerts"},
		"#### Mitigate: end them": {"#### mitigate: end them", "#### **Mitigate:** end them", "#### MITIGATE : end them"},
	} {
		want, _ := playbook.ParseFile("p.md", sound(t, part, part), vocabulary())
		for _, spelling := range spellings {
			t.Run(spelling, func(t *testing.T) {
				text := sound(t, part, spelling)
				got, findings := playbook.ParseFile("p.md", text, vocabulary())
				require.Empty(t, findings)
				require.Equal(t, strings.ToLower(meaning(want)), strings.ToLower(meaning(got)))
				formatKeeps(t, text)
			})
		}
	}
}

func TestBuiltinQuestionsInEveryReading(t *testing.T) {
	for _, fence := range []string{
		"```probe roots @db postgres.lock_roots\nmin_wait: ${wait}\n```",
		"```probe postgres.lock_roots roots @db\nmin_wait: ${wait}\n```",
		"```probe roots @db\npostgres.lock_roots:\n  min_wait: ${wait}\n```",
		"```probe roots @db\n# who is it?\npostgres.lock_roots: {min_wait: \"${wait}\"}\n```",
		"```probe roots @db\nkind: postgres.lock_roots\nmin_wait: ${wait}\n```",
		"```probe roots @db\nprobe: 'postgres.lock_roots'\nargs:\n  min_wait: ${wait}\n```",
		"```probe roots @db\nquestion: postgres.lock_roots # comment\nwith: {min_wait: \"${wait}\"}\n```",
		"```probe roots @db postgres.lock_roots min_wait=${wait}\n```",
		"```probe roots kind=postgres.lock_roots @db min_wait=${wait}\n```",
		"```probe roots @db postgres.lock_roots\nargs:\n    min_wait: ${wait}\n```",
		"~~~ probe   roots postgres.lock_roots @db\nmin_wait: ${wait}\n~~~",
		"```probe postgres.lock_roots @db\nmin_wait: ${wait}\n```",
		"```probe lock_roots @db\nmin_wait: ${wait}\n```",
	} {
		t.Run(fence, func(t *testing.T) {
			name := "roots"
			if !strings.Contains(strings.NewReplacer("lock_roots", "").Replace(fence), name) {
				name = "lock_roots" // the question lends its name
			}
			text := sound(t, "## Symptoms", fence+"\n\n## Symptoms")
			text = []byte(strings.Replace(string(text), "`last(waiting) > 0`", "`last(waiting) > 0 && "+name+".waiting > 0`", 1))
			text = []byte(strings.Replace(string(text), "params:", "params:\n  wait: {type: duration, default: 5s}", 1))
			p, findings := playbook.ParseFile("p.md", text, vocabulary())
			require.Empty(t, findings)
			probe := p.Probes[2]
			require.Equal(t, name, probe.Name)
			require.Equal(t, "postgres.lock_roots", probe.Builtin)
			require.Equal(t, "${wait}", probe.Args["min_wait"].Source())
			formatKeeps(t, text)
		})
	}
}

func TestPlacesOfArgumentsSurviveTheirWrapping(t *testing.T) {
	text := sound(t, "## Symptoms", "```probe roots @db\npostgres.lock_roots:\n  min_wait: soon\n```\n\n## Symptoms")
	_, findings := playbook.ParseFile("p.md", text, vocabulary())
	line, col := placed(t, text, "soon", 1)
	require.NotEmpty(t, findings)
	require.Equal(t, playbook.Pos{Path: "p.md", Line: line, Col: col}, findings[0].Pos)
}

func TestARemedyMayBeForSomeSituationsOnly(t *testing.T) {
	for _, written := range []string{
		"Only where: `sessions.size() > 1`\n\n" + verifyPart, "Mind the backups.\n**Only where:** `sessions.size() > 1`.\n" + verifyPart,
	} {
		pb, findings := playbook.ParseFile("p.md", sound(t, verifyPart, written), vocabulary())
		require.Empty(t, findings, written)
		_, remedy := pb.Remedy("mitigate-end-them")
		require.Equal(t, "sessions.size() > 1", remedy.Only.Source())
		require.Equal(t, "sessions.size() < 3", remedy.Verify.Program.Source())
		require.NotContains(t, remedy.Prose.Source(), "Only")
		formatKeeps(t, sound(t, verifyPart, written))
	}
}

// One mistake gives one message, at its place, and nothing is dropped silently.
func TestNearMissesAreSeen(t *testing.T) {
	const signs = "| sign | weight | means |\n|---|---|---|\n| `sessions.size() > limit` | strong | many |\n"
	for _, c := range []struct{ part, instead, at, want string }{
		{tablePart, strings.Replace(signs, "|---|---|---|", "|---|---|", 1), "| sign | weight | means |\n|---|---|\n", "this is no table"},
		{tablePart, strings.Replace(signs, "|---|---|---|\n", "", 1), "| sign | weight | means |\n| `sess", "this is no table"},
		{tablePart, "> " + strings.ReplaceAll(signs, "\n", "\n> ") + "\n", "| sign | weight | means |\n> ", "inside of a list, a quote"},
		{tablePart, "<details>\n" + signs + "</details>\n", "| sign | weight | means |\n|---|---|---|\n| `sessions.size() > limit` | strong | many", "inside of a list, a quote"},
		{tablePart, "| weight | sign | means |\n|---|---|---|\n| strong | `sessions.size() > 3` | many |\n", "weight | sign", `called "sign", not "weight"`},
		{edgePart, "> Leads to: [requests wait](#requests-wait)\n", "Leads to:", "inside of a list, a quote"},
		{edgePart, "Leads to [requests wait](#requests-wait)\n", "Leads to [", `did you mean "Leads to:"`},
		{edgePart, "Likelihood: often\n", "Likelihood", `did you mean "How common:"`},
		{edgePart, "Results in: [requests wait](#requests-wait)\n", "Results in", "is prose here"},
		{edgePart, "| Leads to | How common |\n|---|---|\n| [x](#requests-wait) | often |\n", "Leads to", "not the column of a table"},
		{verifyPart, "> " + verifyPart, "Verify within", "inside of a list, a quote"},
		{verifyPart, "- Only where: `sessions.size() > 1`\n\n" + verifyPart, "Only where", "inside of a list, a quote"},
		{verifyPart, "Only where: there are many\n\n" + verifyPart, "there are many", "one expression between backticks"},
		{verifyPart, "Only where: `sessions.size() > 1`\n\nOnly where: `sessions.size() > 2`\n\n" + verifyPart, "Only where: `sessions.size() > 2`", "join the two with &&"},
		{verifyPart, "Only where: `sesions.size() > 1`\n\n" + verifyPart, "sesions", "sessions"},
		{"#### Mitigate: end them", "#### Mitigate – end them", "Mitigate – end", `did you mean "Mitigate: end them"`},
		{"#### Mitigate: end them", "##### Mitigate: end them", "Mitigate: end", "a heading with four #"},
		{itemPart, "[ ] nobody waits: `last(waiting) == 0`", "[ ] nobody", "write - before it"},
		{"## Resolved when", "## Done when", "[ ] nobody", "stands under ## Resolved when"},
		{"## Resolved when", "## Escalation\n\n1. [end](#mitigate-end-them), then watch 5m\n\n## Resolved when", "[end](#mitigate", "stands under ## Ladder"},
		{"## Causes", "##Causes", "##Causes", "a heading has a space behind its #"},
		{"## Causes", "# Causes", "Causes", "a heading with two #"},
		{"## Causes", "### Causes", "Causes", "a heading with two #"},
		{fencePart, "```sql @db limit=500", "```sql @db", "this probe has no name"},
		{fencePart, "```sql sess-ions @db limit=500", "sess-ions", "cannot be the name of a probe"},
		{fencePart, "```sql limit @db", "limit @db", `a second thing called "limit"`},
		{fencePart, "```sql sessions @db limit=many", "many\n", "is not a number"},
		{needsPart, "need: {db: postgres, metrics: prometheus?}", "need:", `did you mean "needs"`},
		{needsPart, "needs: {db: postgres, metrics?: prometheus}", "metrics?", "cannot be a role"},
		{"  limit: {", "  li-mit: {", "li-mit", "cannot be the name of a parameter"},
		{"covers: [C-connection-leak]\n---\n", "covers: [C-connection-leak]\n...\n", "---\nalerts", "never closed"},
		{"---\nalerts", "\n\n---\nalerts", "---\nalerts", "begins in the first line"},
		{"`last(waiting) > 0`", "`last(waiting) > 0 and true`", "and true", "write &&"},
		{"`last(waiting) > 0`", "`not known(waiting)`", "not known", "write !"},
		{"`last(waiting) > 0`", "`avg(waiting) > 0`", "avg(", "write mean(x)"},
		{"`last(waiting) > 0`", "`waiting.last > 0`", ".last >", "last(x), with brackets"},
	} {
		t.Run(c.instead, func(t *testing.T) {
			text := sound(t, c.part, c.instead)
			_, findings := playbook.ParseFile("p.md", text, vocabulary())
			require.Len(t, findings, 1, "%v", findings)
			require.Contains(t, findings[0].Text, c.want)
			line, col := placed(t, text, c.at, 1)
			require.Equal(t, playbook.Pos{Path: "p.md", Line: line, Col: col}, findings[0].Pos, findings[0].Text)
			formatKeeps(t, text)
		})
	}
}

func TestALinkToATitleMeansTheConditionOfThatName(t *testing.T) {
	text := sound(t, "# Connections run out", "# Requests wait")
	p, findings := playbook.ParseFile("p.md", text, vocabulary())
	require.Empty(t, findings)
	require.Equal(t, "p#requests-wait-1", p.Conditions[1].LeadsTo[0].Target)
}

func TestWhatIsCommentedOutIsNotMeant(t *testing.T) {
	text := sound(t, tablePart, tablePart+"\n<!--\n| sign | weight | means |\nLeads to: [x](#nope)\n-->\n")
	_, findings := playbook.ParseFile("p.md", text, vocabulary())
	require.Empty(t, findings)
}

func TestATaskSaysWhatWasSeen(t *testing.T) {
	text := sound(t, verifyPart, verifyPart+"\n\n- [ ] room for ${sessions.size()} sessions: see [the limits](b.md), or `echo ${HOME} ${sessions.size()}`\n")
	p, findings := playbook.ParseFile("p.md", text, vocabulary())
	require.Empty(t, findings)
	var tasks []expr.Template
	for _, c := range p.Conditions {
		for _, r := range c.Remedies {
			tasks = append(tasks, r.Checklist...)
		}
	}
	require.Equal(t, "room for 2 sessions: see the limits, or echo ${HOME} ${sessions.size()}",
		tasks[0].Sentence(expr.Vars{"sessions": []any{map[string]any{}, map[string]any{}}}))

	text = sound(t, verifyPart, verifyPart+"\n\n- [ ] room for ${nobody.size()} sessions\n")
	_, findings = playbook.ParseFile("p.md", text, vocabulary())
	require.Len(t, findings, 1)
	require.Contains(t, findings[0].Text, "nobody")
}

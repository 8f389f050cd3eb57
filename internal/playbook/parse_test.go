package playbook_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// placed finds the line and column of the n-th occurrence of a text.
func placed(t *testing.T, text []byte, what string, n int) (line, col int) {
	t.Helper()
	offset := -1
	for range n {
		next := strings.Index(string(text[offset+1:]), what)
		require.GreaterOrEqual(t, next, 0, "%q is not there %d times", what, n)
		offset += 1 + next
	}
	before := string(text[:offset])
	return strings.Count(before, "\n") + 1, offset - strings.LastIndex(before, "\n")
}

func TestEverythingKnowsWhereItStands(t *testing.T) {
	book := good(t)
	p := book.Playbook("db/connections")
	at := func(pos playbook.Pos, what string, n int) {
		t.Helper()
		line, col := placed(t, p.Source, what, n)
		require.Equal(t, playbook.Pos{Path: "testdata/good/db/connections.md", Line: line, Col: col}, pos, what)
	}
	at(p.Needs[1].Pos, "metrics:", 1)
	at(p.Params[0].Pos, "idle_after:", 1)
	at(p.Probes[0].Pos, "```sql", 1)
	at(p.Probes[0].Body, "SELECT pid", 1)
	at(p.Probes[1].Body, "min_wait", 1)
	at(p.Conditions[0].Pos, "Requests wait for a connection\n", 1)
	at(p.Conditions[0].Signs[1].Pos, "last(refusals)", 1)
	at(p.Conditions[1].LeadsTo[1].Pos, "[slow responses]", 1)
	at(p.Conditions[1].Signs[0].Pos, "sessions.exists(s, s.state", 1)
	at(p.Conditions[1].Signs[2].Pos, "sessions.size() < 5", 1)
	at(p.Conditions[1].Remedies[0].Pos, "Mitigate: end", 1)
	at(p.Conditions[1].Remedies[0].Actions[0].Pos, "```action", 1)
	at(p.Conditions[1].Remedies[0].Actions[0].Args[1].Pos, "reason: lost", 1)
	at(p.Conditions[1].Remedies[0].Verify.Pos, "sessions.filter", 2)
	at(p.Ladder[1].Pos, "[let more in]", 1)
	at(p.Resolved[0].Pos, "nobody waits", 1)
}

func TestParseReadsTheWholeOfAPlaybook(t *testing.T) {
	p := good(t).Playbook("db/connections")
	require.Equal(t, "Database connections run out", p.Title)
	require.Equal(t, "Requests wait for a connection, give up waiting, or are refused one by the server.", p.Summary)
	require.Equal(t, "high", p.Severity)
	require.Equal(t, []string{"DatabaseConnectionsHigh", "PostgresTooManyConnections"}, p.Alerts)
	require.Equal(t, []string{"C-connection-leak", "C-pool-too-small"}, p.Covers)
	require.Equal(t, "prometheus", p.Needs[1].Kind)
	require.True(t, p.Needs[1].Optional)
	require.False(t, p.Needs[0].Optional)
	require.Equal(t, 5*time.Minute, p.Params[0].Default)

	sessions, locks := p.Probes[0], p.Probes[1]
	require.Equal(t, map[string]string{"limit": "500"}, sessions.Options)
	require.Equal(t, "Who holds the connections, and what are they doing with them?", sessions.Why)
	require.Equal(t, probe.Rows, sessions.Shape)
	require.True(t, strings.HasPrefix(sessions.Text.Source(), "SELECT pid, usename"))
	require.Equal(t, "postgres.lock_roots", locks.Builtin)
	require.Equal(t, "${idle_after}", locks.Args["min_wait"].Source())
	require.Equal(t, []string{"service"}, p.Probes[2].Text.Holes())

	require.Len(t, p.Conditions, 3)
	leak := p.Conditions[1]
	require.Equal(t, playbook.Cause, leak.Kind)
	require.Equal(t, "db/connections#connections-are-taken-and-never-given-back", leak.ID)
	require.Equal(t, playbook.Often, leak.HowCommon)
	require.Equal(t, "The code opens a session and loses it, often on an error path.", leak.Prose)
	require.Equal(t, "db/connections#requests-wait-for-a-connection", leak.LeadsTo[0].Target)
	require.Equal(t, "app/slow#responses-are-slow", leak.LeadsTo[1].Target)
	require.Equal(t, "sessions.size() < 5 || locks.roots == 0", leak.Signs[2].Program.Source())
	require.Equal(t, []string{"locks", "sessions"}, leak.Signs[2].Reads)
	require.Equal(t, playbook.RulesOut, leak.Signs[2].Weight)

	end := leak.Remedies[0]
	require.Equal(t, playbook.Mitigate, end.Kind)
	require.Equal(t, "end the lost sessions", end.Title)
	require.Equal(t, 2*time.Minute, end.Verify.Within)
	require.Equal(t, "sessions", end.Actions[0].Args[0].Name)
	require.Equal(t, `${sessions.filter(s, s.state == "idle in transaction" ? true : false)}`, end.Actions[0].Args[0].Value.Source(),
		"an expression may hold what means something to YAML")
	require.Len(t, leak.Remedies[1].Checklist, 2)

	more := p.Conditions[2].Remedies[0]
	require.Contains(t, more.Prose.Text(nil), "kubectl set env deploy/api POOL_SIZE=${POOL_SIZE}", "a shell's variable is not ours")

	require.Equal(t, "db/connections#mitigate-end-the-lost-sessions", p.Ladder[0].Target)
	require.Equal(t, 5*time.Minute, p.Ladder[0].Watch)

	require.Len(t, p.Resolved, 4)
	require.Equal(t, "nobody waits for a connection", p.Resolved[0].Text)
	require.Equal(t, 5*time.Minute, p.Resolved[0].For)
	require.Zero(t, p.Resolved[1].For)
	require.Equal(t, 24*time.Hour, p.Resolved[2].Over)
	require.Nil(t, p.Resolved[3].Program)
}

func TestAnchorsAreThoseOfTheCodeHost(t *testing.T) {
	for heading, want := range map[string]string{
		"Requests wait for a connection": "requests-wait-for-a-connection",
		"Mitigate: end the lost ones":    "mitigate-end-the-lost-ones",
		"What's wrong? (5xx, C++)":       "whats-wrong-5xx-c",
		"a  b - c_d":                     "a--b---c_d",
		"Überlast: größer":               "überlast-größer",
	} {
		require.Equal(t, want, playbook.Anchor(heading))
	}
	text := "---\nneeds: {}\n---\n# Same\n\n## Symptoms\n\n### Same\n\n### `Same` *x*\n\n### Same x\n\n### Same 1\n"
	p, _ := playbook.ParseFile("same.md", []byte(text), vocabulary())
	var got []string
	for _, c := range p.Conditions {
		got = append(got, c.Anchor)
	}
	require.Equal(t, []string{"same-1", "same-x", "same-x-1", "same-1-1"}, got)
}

func TestWindowsLineEndsChangeNothing(t *testing.T) {
	text, err := os.ReadFile("testdata/good/db/connections.md")
	require.NoError(t, err)
	plain, findings := playbook.ParseFile("db/c.md", text, vocabulary())
	require.Empty(t, findings)
	crlf, findings := playbook.ParseFile("db/c.md", []byte(strings.ReplaceAll(string(text), "\n", "\r\n")), vocabulary())
	require.Empty(t, findings)
	require.Len(t, crlf.Conditions, len(plain.Conditions))
	for i, c := range plain.Conditions {
		require.Equal(t, c.Pos, crlf.Conditions[i].Pos)
		require.Len(t, crlf.Conditions[i].Signs, len(c.Signs))
		for j, s := range c.Signs {
			require.Equal(t, s.Pos, crlf.Conditions[i].Signs[j].Pos)
			require.Equal(t, s.Program.Source(), crlf.Conditions[i].Signs[j].Program.Source())
		}
	}
	require.Equal(t, plain.Resolved[0].For, crlf.Resolved[0].For)
}

func TestTooLargeFilesAreRefused(t *testing.T) {
	_, findings := playbook.ParseFile("big.md", make([]byte, 1<<20+1), vocabulary())
	require.Len(t, findings, 1)
	require.Equal(t, "big.md:1:1: the file has 1048577 bytes; the limit is 1048576", findings[0].String())
}

func TestFindingsAreBounded(t *testing.T) {
	text := "---\nneeds: {db: postgres}\n---\n# X\n\n## Symptoms\n\n### A\n\n"
	for range 150 {
		text += "Leads to: nothing\n\n"
	}
	_, findings := playbook.ParseFile("many.md", []byte(text), vocabulary())
	require.Len(t, findings, 101)
	require.Contains(t, findings[100].Text, "the rest is not shown")
}

// A machine can write what takes a careless parser minutes.
func TestHostileFilesAreReadInTime(t *testing.T) {
	const front = "---\nneeds: {db: postgres}\n---\n# X\n\n## Symptoms\n\n### A\n\n"
	for name, unit := range map[string]string{
		"brackets": "[", "ticks": "`a``", "stars": "*a**", "bars": "|a", "links": "[a](", "holes": "${", "lists": "- a\n", "entities": "&#", "underscores": "_a __",
		"headings": "### A\n", "tables": "| sign | weight | means |\n|---|---|---|\n| `a` | strong | ${b} |\n\n", "fences": "```sql a @db\n```\n", "html": "<a ", "quotes": "> a\n",
		"leads": "Leads to: [a](#a)\n", "backslashes": "\\|",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			text := []byte(front + strings.Repeat(unit, (256<<10)/len(unit)))
			playbook.ParseFile("x.md", text, vocabulary())
			if formatted, err := playbook.Format(text); err == nil {
				again, err := playbook.Format(formatted)
				require.NoError(t, err)
				require.Equal(t, string(formatted), string(again))
			}
			require.Less(t, time.Since(start), 20*time.Second)
		})
	}
}

func TestATeamMaySayHowLongAChangeMayTakeToHelp(t *testing.T) {
	text, err := os.ReadFile("testdata/mistakes/duration-param.md")
	require.NoError(t, err)
	text = bytes.Replace(text, []byte("type: number, default: 5"), []byte("type: duration, default: 5m"), 1)
	text = bytes.Replace(text, []byte("sessions.size() > limit"), []byte("sessions.size() > seconds(limit)"), 1)
	p, findings := playbook.ParseFile("a.md", text, vocabulary())
	require.Empty(t, findings)
	v := p.Conditions[1].Remedies[0].Verify
	require.Equal(t, 5*time.Minute, v.For(nil))
	values, err := p.Values(map[string]any{"limit": "20s"})
	require.NoError(t, err)
	require.Equal(t, 20*time.Second, v.For(values))
	tidy, err := playbook.Format(text)
	require.NoError(t, err)
	require.Equal(t, string(text), string(tidy))
}

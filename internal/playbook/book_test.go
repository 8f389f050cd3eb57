package playbook_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

func dir(path string) playbook.Root { return playbook.Root{FS: os.DirFS(path), Prefix: path} }

func good(t *testing.T) *playbook.Book {
	t.Helper()
	book, findings := playbook.Load(vocabulary(), dir("testdata/good"))
	require.Empty(t, findings)
	require.NotNil(t, book)
	return book
}

// page is a small playbook with one symptom and one cause.
func page(symptom, cause, leadsTo string) string {
	return "---\nneeds: {db: postgres}\n---\n# About " + cause + "\n\n## Evidence\n\n```sql rows @db\nSELECT 1\n```\n\n## Symptoms\n\n### " + symptom +
		"\n\n| sign | weight | means |\n|---|---|---|\n| `rows.size() > 1` | strong | much |\n\n## Causes\n\n### " + cause +
		"\n\nLeads to: " + leadsTo + "\n\n| sign | weight | means |\n|---|---|---|\n| `rows.size() > 2` | strong | more |\n"
}

func files(pairs ...string) playbook.Root {
	out := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return playbook.Root{FS: out, Prefix: "books"}
}

func lines(findings []playbook.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return out
}

func TestLoadReadsAWholeDirectory(t *testing.T) {
	book := good(t)
	require.Len(t, book.Playbooks, 2)
	require.Equal(t, "app/slow", book.Playbooks[0].ID)
	require.Equal(t, "Responses are slow", book.Condition("app/slow#responses-are-slow").Title)
	require.Nil(t, book.Condition("app/slow#nothing"))
	require.Equal(t, map[string][]string{
		"db/connections#connections-are-taken-and-never-given-back": {"db/connections#requests-wait-for-a-connection", "app/slow#responses-are-slow"},
		"db/connections#the-pool-is-smaller-than-the-work":          {"db/connections#requests-wait-for-a-connection"},
	}, book.Edges())
	require.Equal(t, "end the lost sessions", book.Remedy("db/connections#mitigate-end-the-lost-sessions").Title)
	require.Nil(t, book.Remedy("db/connections#nothing"))
	require.Len(t, book.ForAlert("postgrestoomanyconnections"), 1)
	require.Empty(t, book.ForAlert("Postgres"))
}

func TestOneBrokenFileStopsTheLoadAndTheOthersLoadWithoutIt(t *testing.T) {
	shipped := files("a.md", page("slow", "locks", "[slow](#slow)"))
	team := files("b.md", strings.Replace(page("slow", "locks", "[slow](#slow)"), "strong", "strnog", 1))
	book, findings := playbook.Load(vocabulary(), shipped, team)
	require.Nil(t, book)
	require.True(t, playbook.HasErrors(findings))
	require.Equal(t, []string{`books/b.md:18:23: no weight is called "strnog"; did you mean "strong"?`}, lines(findings))
	book, findings = playbook.Load(vocabulary(), shipped)
	require.Empty(t, findings)
	require.Len(t, book.Playbooks, 1)
}

func TestATeamsFileReplacesTheShippedOneOfTheSamePath(t *testing.T) {
	shipped := files("db/a.md", page("slow", "locks", "[slow](#slow)"), "db/b.md", page("late", "load", "[slow](a.md#slow)"))
	team := files("db/a.md", page("sluggish", "own cause", "[sluggish](#sluggish)"))
	book, findings := playbook.Load(vocabulary(), shipped, team)
	require.Equal(t, []string{`books/db/b.md:24:11: warning: the file that replaces db/a.md has no condition #slow: the link is left out`}, lines(findings))
	require.NotNil(t, book.Condition("db/a#own-cause"))
	require.Nil(t, book.Condition("db/a#locks"))
	require.Empty(t, book.Condition("db/b#load").LeadsTo)
}

func TestLinksAreCheckedAcrossFiles(t *testing.T) {
	for name, c := range map[string]struct{ href, want string }{
		"missing file":    {"../app/slw.md#slow", `there is no playbook app/slw.md; did you mean "app/slow"?`},
		"missing heading": {"../app/slow.md#slo", `there is no heading #slo in app/slow.md; did you mean "slow"?`},
		"no heading":      {"../app/slow.md", `the link ../app/slow.md names no heading: add #the-heading`},
		"other heading":   {"../app/slow.md#evidence", `#evidence is the heading "Evidence" in app/slow.md, which is no condition`},
		"too far":         {"../../slow.md#slow", `the link ../../slow.md#slow leads out of the directory of playbooks`},
		"absolute":        {"/app/slow.md#slow", `the link /app/slow.md#slow is absolute: write it relative to this file`},
	} {
		t.Run(name, func(t *testing.T) {
			_, findings := playbook.Load(vocabulary(), files("db/a.md", page("waits", "locks", "[x]("+c.href+")"), "app/slow.md", page("slow", "load", "[slow](#slow)")))
			require.Equal(t, []string{"books/db/a.md:24:11: " + c.want}, lines(findings))
		})
	}
}

func TestACausalCircleAcrossFilesIsNamed(t *testing.T) {
	_, findings := playbook.Load(vocabulary(), files(
		"a.md", page("slow a", "cause a", "[b](b.md#cause-b)"), "b.md", page("slow b", "cause b", "[c](c.md#cause-c)"), "c.md", page("slow c", "cause c", "[a](a.md#cause-a)")))
	require.Equal(t, []string{`books/a.md:24:11: a causal circle: "cause a" → "cause b" → "cause c" → "cause a"; one of them cannot be the cause of the other`}, lines(findings))
}

func TestWhatIsNoPlaybookIsNotRead(t *testing.T) {
	book, findings := playbook.Load(vocabulary(), files(
		"a.md", page("slow", "locks", "[slow](#slow)"), "README.md", "# Not one", "a.cases/notes.md", "---\nbroken", ".hidden/x.md", "---\nbroken", "_draft.md", "---\nbroken", "notes.md", "# Notes\n"))
	require.Equal(t, []string{"books/notes.md:1:1: warning: this file has no front matter and no section of a playbook: it is not read"}, lines(findings))
	require.Len(t, book.Playbooks, 1)
}

func TestAMissingDirectoryIsAnError(t *testing.T) {
	book, findings := playbook.Load(vocabulary(), dir("testdata/nowhere"))
	require.Nil(t, book)
	require.Equal(t, []string{"testdata/nowhere:1:1: stat: no such file or directory"}, lines(findings))
}

func TestFreeTextFindsTheConditionsItResembles(t *testing.T) {
	book := good(t)
	for text, want := range map[string]string{
		"too many connections, requests are waiting": "db/connections#requests-wait-for-a-connection",
		"the api is SLOW":                   "app/slow#responses-are-slow",
		"connection leak: never given back": "db/connections#connections-are-taken-and-never-given-back",
	} {
		matches := book.MatchSymptom(text)
		require.NotEmpty(t, matches, text)
		require.Equal(t, want, matches[0].Condition.ID, text)
		for _, m := range matches {
			require.Greater(t, m.Score, 0.0)
			require.LessOrEqual(t, m.Score, 1.0)
		}
		require.Equal(t, matches, book.MatchSymptom(text))
	}
	require.Empty(t, book.MatchSymptom("the printer is on fire"))
	require.Empty(t, book.MatchSymptom(""))
	require.Empty(t, book.MatchSymptom("it is the and"))
}

func TestParametersTakeOverridesOfTheirType(t *testing.T) {
	p := good(t).Playbook("db/connections")
	values, err := p.Values(nil)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"idle_after": 5 * time.Minute}, values)
	values, err = p.Values(map[string]any{"idle_after": "30s"})
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, values["idle_after"])
	_, err = p.Values(map[string]any{"idle_after": "soon"})
	require.ErrorContains(t, err, "parameter idle_after of playbook db/connections")
	_, err = p.Values(map[string]any{"idle_afer": "30s"})
	require.ErrorContains(t, err, `did you mean "idle_after"?`)
}

func TestValuesAreReadByType(t *testing.T) {
	for text, c := range map[string]struct {
		kind probe.ParamType
		want any
	}{
		"1h30m": {probe.Duration, 90 * time.Minute}, "2.5": {probe.Number, 2.5}, " as is ": {probe.Text, " as is "},
		"true": {probe.Bool, true}, "a, b": {probe.List, []any{"a", "b"}}, "[a, 'b, c']": {probe.List, []any{"a", "b, c"}}, "[]": {probe.List, []any{}},
	} {
		got, err := playbook.ParseParam(c.kind, text)
		require.NoError(t, err, text)
		require.Equal(t, c.want, got, text)
	}
	for text, kind := range map[string]probe.ParamType{"five": probe.Number, "NaN": probe.Number, "5": probe.Duration, "yes": probe.Bool, "[a": probe.List, "x": "colour"} {
		_, err := playbook.ParseParam(kind, text)
		require.Error(t, err, text)
	}
}

func TestArgumentsOfABuiltinQuestionAreTypedAndComplete(t *testing.T) {
	p := good(t).Playbook("db/connections")
	spec, ok := vocabulary().Builtin("postgres.lock_roots")
	require.True(t, ok)
	values, err := p.Values(nil)
	require.NoError(t, err)
	got, err := p.Probes[1].Arguments(spec, values)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"min_wait": 5 * time.Minute}, got)
	got, err = (&playbook.Probe{Name: "locks"}).Arguments(spec, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"min_wait": 5 * time.Second}, got, "the default stands in")
	table, _ := vocabulary().Builtin("postgres.table_health")
	_, err = (&playbook.Probe{Name: "t"}).Arguments(table, nil)
	require.ErrorContains(t, err, `wants an argument "table"`)
}

package logql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

// named is a text whose holes named s are a pattern.
func named(t *testing.T, text string, pattern probe.Pattern) probe.Template {
	t.Helper()
	return template(t, text).WithPatterns(func(hole string) (probe.Pattern, bool) { return pattern, hole == "s" })
}

func TestAPatternIsPutInAsItIs(t *testing.T) {
	t.Parallel()
	const pattern = probe.Pattern(`(?i)Can't open "[^"]+"|\bEN(OSPC|FILE)\b`)
	for text, want := range map[string]string{
		`{a="b"} |~ "${s}"`:          `{a="b"} |~ "(?:(?i)Can't open \"[^\"]+\"|\\bEN(OSPC|FILE)\\b)"`,
		`{a="b"} |~ "x|${s}" != "y"`: `{a="b"} |~ "x|(?:(?i)Can't open \"[^\"]+\"|\\bEN(OSPC|FILE)\\b)" != "y"`,
		"{a=\"b\"} !~ `${s}`":        "{a=\"b\"} !~ `(?:(?i)Can't open \"[^\"]+\"|\\bEN(OSPC|FILE)\\b)`",
	} {
		filled, err := logql.Fill(named(t, text, pattern))
		require.NoError(t, err)
		require.Equal(t, want, filled)
		query, err := logql.Parse(filled)
		require.NoError(t, err)
		require.NotNil(t, query)
		require.Empty(t, logql.Check(named(t, text, pattern), nil))
	}
}

// Where a text would be read letter by letter, a pattern finds nothing, which
// looks like health.
func TestAPatternStandsOnlyWherePatternsDo(t *testing.T) {
	t.Parallel()
	for text, offset := range map[string]int{
		`{a="b"} |= "${s}"`:                   12,
		`{a="${s}"}`:                          4,
		`{a="b"} |~ "x" | line_format "${s}"`: 30,
	} {
		problems := logql.Check(named(t, text, "x|y"), nil)
		require.Len(t, problems, 1, text)
		require.Equal(t, offset, problems[0].Offset, text)
		_, err := logql.Fill(named(t, text, "x|y"))
		require.ErrorContains(t, err, "a pattern may stand only in a regular expression")
	}
	_, err := logql.Fill(named(t, "{a=\"b\"} |~ `${s}`", "a`b"))
	require.ErrorContains(t, err, "backtick")
}

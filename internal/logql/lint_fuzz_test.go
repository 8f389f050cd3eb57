package logql_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

// seeds are the queries of runbooks, and those of the lint's own files.
func seeds(f *testing.F) {
	f.Helper()
	names := []string{"testdata/queries.txt"}
	entries, err := os.ReadDir("testdata/lint")
	require.NoError(f, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".txt") {
			names = append(names, "testdata/lint/"+e.Name())
		}
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		for _, q := range strings.Split(string(text), "\n\n") {
			f.Add(q)
		}
	}
}

// No text makes the linter panic or point outside of it, and mending a query
// never makes one that reads into one that does not.
func FuzzLint(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, finding := range logql.Lint(text, logql.LintOptions{}) {
			if finding.Offset < 0 || finding.Offset > finding.End || finding.End > len(text) {
				t.Fatalf("%q: %+v", text, finding)
			}
		}
		repaired := logql.Repaired(text, logql.LintOptions{})
		if _, err := logql.Parse(text); err != nil {
			return
		}
		if _, err := logql.Parse(repaired); err != nil {
			t.Fatalf("%q\nwas repaired to\n%q\n%v", text, repaired, err)
		}
	})
}

// Every query that reads can be rewritten, done here, or refused with its place;
// and rewriting what was rewritten changes nothing but the reading.
func FuzzToStrict(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := logql.Parse(text)
		if err != nil {
			return
		}
		r, err := logql.ToStrict(q)
		var at *logql.Error
		switch {
		case err != nil:
			if !errors.As(err, &at) {
				t.Fatalf("%q: %v", text, err)
			}
		case r.Client == "":
			if _, err := logql.ParseIn(logql.Strict, r.Query.Text); err != nil {
				t.Fatalf("%q: %v", r.Query.Text, err)
			}
		default:
			if strings.Contains(r.Client, "strict LogQL cannot say it") {
				t.Fatalf("%q: %s", text, r.Client)
			}
			if len(r.Fetch) == 0 {
				t.Fatalf("%q: nothing to fetch", text)
			}
		}
	})
}

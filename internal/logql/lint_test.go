package logql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
)

// lintLines are lines on which a query and its fix must agree: loggers that
// disagree on letters, numbers, nested fields, a line that is broken.
func lintLines() records {
	streams := []*logql.Stream{
		{Format: logql.JSON, Labels: map[string]string{"service": "api", "env": "prod"}},
		{Format: logql.JSON, Labels: map[string]string{"service": "shop", "env": "prod"}},
		{Format: logql.JSON, Labels: map[string]string{"service": "shop-cart", "env": "prod"}},
		{Format: logql.JSON, Labels: map[string]string{"service": "login", "env": "prod"}},
	}
	lines := []string{
		`{"level":"ERROR","message":"authentication failed for ada","status":500,"status_code":500,"duration_ms":1200,"took":"1.5s","endpoint":"/a","method":"PUT","details":{"reason":"expired","pool":7,"active":7,"pool_size":20,"active_connections":20},"active":7,"pool":7,"error_type":"PoolTimeout","source_ip":"10.0.0.1","user_id":"u1"}`,
		`{"level":"error","message":"Pool is in use","status":503,"status_code":503,"duration_ms":20,"took":"20ms","endpoint":"/b","details":{"reason":"late","pool":5,"active":3},"active":9,"pool":5,"error_type":"DatabaseConnectionError"}`,
		`{"level":"info","message":"request timed out, pool of 3; query started","status":200,"duration_ms":600,"endpoint":"/a","active":1,"pool":5,"error_type":"Timeout"}`,
		`{"level":"CRITICAL","message":"pool","status":500,"endpoint":"/b","details":{"job_name":"report"},"error_type":"UndefinedColumn"}`,
		`{"message":"no level and no status, task failed"}`,
		`{"level":"error","message":"half a pool`,
	}
	var out records
	for i, line := range lines {
		for j, s := range streams {
			out = append(out, logql.Record{Time: noon.UnixNano() - int64(i*40+j)*int64(time.Second), Line: []byte(line), Stream: s})
		}
	}
	return out
}

func TestLintRules(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/*.txt")
	require.NoError(t, err)
	require.Greater(t, len(files), 15)
	for _, file := range files {
		rule := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(rule, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			options := logql.LintOptions{}
			if rule == "range-shorter-than-step" {
				options.Step = 5 * time.Minute
			}
			found := lintAll(t, string(text), options, strings.TrimSuffix(file, ".txt")+".golden")
			require.Containsf(t, found, rule, "no query of the file shows the rule")
		})
	}
}

// Every query of the runbooks that this language was made for reads, means what
// its author meant, and is told what a Loki would make of it.
func TestLintOfTheRunbooks(t *testing.T) {
	text, err := os.ReadFile("testdata/queries.txt")
	require.NoError(t, err)
	found := lintAll(t, string(text), logql.LintOptions{}, "testdata/lint_queries.golden")
	for _, rule := range []string{"anchored-regexp", "dotted-name", "dotted-template", "label-pair", "average-of-averages", "unhandled-errors"} {
		require.Contains(t, found, rule)
	}
}

// lintAll checks the findings of queries against a golden file, and each fix
// against the engine. It returns the rules that were met.
func lintAll(t *testing.T, text string, options logql.LintOptions, golden string) map[string]int {
	t.Helper()
	rules := map[string]int{}
	var out strings.Builder
	for _, query := range strings.Split(strings.TrimSpace(text), "\n\n") {
		out.WriteString(query + "\n")
		findings := logql.Lint(query, options)
		for _, f := range findings {
			rules[f.Rule]++
			require.LessOrEqual(t, f.Offset, f.End)
			require.LessOrEqual(t, f.End, len(query))
			fmt.Fprintf(&out, "  %s %s at %q: %s\n", f.Severity, f.Rule, query[f.Offset:f.End], f.Text)
			if f.Advice != "" {
				fmt.Fprintf(&out, "      %s\n", f.Advice)
			}
		}
		require.Equal(t, query, logql.Fixed(query, nil))
		if fixed := logql.Repaired(query, options); fixed != query {
			fmt.Fprintf(&out, "  fixed: %s\n", fixed)
			require.Equal(t, fixed, logql.Repaired(fixed, options), "a repaired query needs no repair")
			checkFix(t, query, fixed)
		}
		out.WriteString("\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
	return rules
}

// checkFix asks both: what the query means here, and its fix as a Loki reads it.
func checkFix(t *testing.T, query, fixed string) {
	t.Helper()
	strict, err := logql.ParseIn(logql.Strict, fixed)
	if err != nil {
		// Something is left that no edit can say; then a finding without one stands there.
		left := logql.Lint(fixed, logql.LintOptions{})
		require.NotEmptyf(t, left, "%s: %v", fixed, err)
		return
	}
	q, err := logql.Parse(query)
	if err != nil {
		return // the fix is that it can be read at all
	}
	asked := logql.Asked{End: noon, Since: time.Hour}
	want, err := logql.Run(context.Background(), q, lintLines(), asked, logql.Limits{})
	require.NoError(t, err, query)
	got, err := logql.Run(context.Background(), strict, lintLines(), asked, logql.Limits{})
	require.NoError(t, err, fixed)
	// A log query shows unreadable lines in Loki, marked; nobody is misled by them.
	var readable []evidence.Line
	for _, l := range got.Lines {
		if l.Labels["__error__"] == "" {
			readable = append(readable, l)
		}
	}
	got.Lines = readable
	require.Equalf(t, said(want), said(got), "%s\n%s", query, fixed)
}

// A field that a parser takes out under a name of its own has no other.
func TestLintKnowsExtractedNames(t *testing.T) {
	query := `{service="api"} | json d="details.reason" | line_format "{{.details.reason}} {{.details.pool}}"`
	require.Equal(t, `{service="api"} | json d="details.reason" | line_format "{{.d}} {{.details_pool}}"`, logql.Repaired(query, logql.LintOptions{}))
}

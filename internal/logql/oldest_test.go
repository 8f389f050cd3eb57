package logql_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

// The limit keeps one end of time, whatever the order in which lines come; the
// answer is oldest first either way.
func TestTheLimitKeepsTheEndThatWasAskedFor(t *testing.T) {
	var lines []string
	for i := range 20 {
		ago := (i*7)%20 + 1 // not in order
		lines = append(lines, fmt.Sprintf("%d line %d", ago, ago))
	}
	src := &memory{lines: strings.Join(lines, "\n")}
	q, err := logql.Parse(`{}`)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		oldest bool
		want   []string
		note   string
	}{
		"the newest": {false, []string{"line 3", "line 2", "line 1"}, "only the newest 3 matching lines were kept"},
		"the oldest": {true, []string{"line 20", "line 19", "line 18"}, "only the oldest 3 matching lines were kept"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := logql.Run(context.Background(), q, src, logql.Asked{End: noon, Since: time.Hour}, logql.Limits{Lines: 3, Oldest: c.oldest})
			require.NoError(t, err)
			var got []string
			for _, l := range r.Lines {
				got = append(got, l.Text)
			}
			require.Equal(t, c.want, got)
			require.Contains(t, r.Notes, c.note)
		})
	}
}

func TestALineIsCutWhereItWasAskedFor(t *testing.T) {
	src := &memory{lines: "1 " + strings.Repeat("x", 100)}
	q, err := logql.Parse(`{}`)
	require.NoError(t, err)
	r, err := logql.Run(context.Background(), q, src, logql.Asked{End: noon, Since: time.Hour}, logql.Limits{Line: 10})
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("x", 10)+"…", r.Lines[0].Text)
}

package logql_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

func TestPromotedFieldsAreStreamLabels(t *testing.T) {
	src := logql.Promoted(jsonLines(`1 {"service":"api","message":"a"}
2 {"service":"web","message":"b"}
3 {"message":"c","filename":"mine"}
4 {"service":"api","message":"half`), "service", "filename")
	q, err := logql.ParseIn(logql.Strict, `{service="api"}`)
	require.NoError(t, err)
	r, err := logql.Run(context.Background(), q, src, logql.Asked{End: noon, Since: time.Hour}, logql.Limits{})
	require.NoError(t, err)
	require.Len(t, r.Lines, 2, "what stood before the fault counts")
	require.Equal(t, "app.log", r.Lines[0].Labels["filename"], "a label of the stream stays")
	require.Equal(t, []string{"a", "b"}, mustParse(t, `sum(rate({a="x"}[1m])) / sum(rate({b=~"y", a="x"}[1m]))`).SelectorLabels())
}

func mustParse(t *testing.T, text string) logql.Query {
	t.Helper()
	q, err := logql.Parse(text)
	require.NoError(t, err)
	return q
}

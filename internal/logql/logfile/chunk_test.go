package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/logql"
)

// lineKinds are lines as logs have them and as they should not be. %d is a
// second, so that times grow.
var lineKinds = []string{
	`{"ts":"2026-03-01T11:%02d:%02dZ","level":"INFO","service":"shop","message":"ok","duration_ms":12.5,"endpoint":"/a"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","level":"ERROR","service":"shop","message":"it failed","duration_ms":2500,"endpoint":"/animals/{id}"}`,
	`{"ts": "2026-03-01T11:%02d:%02dZ", "level": "error", "service": "billing", "msg": "refused", "duration_ms": 1e4, "endpoint": "/b"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","service":"shop","details":{"level":"ERROR","duration":{"ms":7}},"level":"INFO","endpoint":"/a"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","l\u0065vel":"ERROR","service":"shop","duration_ms":"7","endpoint":"/a"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","level":"ERR\u004fR","service":"shop","message":"say \"ERROR\" failed","duration_ms":-0.5,"endpoint":"\/c"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","severity":"err","service":"shop","message":null,"duration-ms":9,"duration_ms":8,"endpoint":["/x"]}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","level":50,"service":"shop","message":"level: {\"level\":\"INFO\"}","duration_ms":3,"endpoint":"/a"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ"," level":"ERROR","service":"shop","message":"trace\nERROR: failed\n  at x","duration_ms":4,"endpoint":"/a"}`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","level":"ERROR","service":"shop","mess`,
	`{"ts":"2026-03-01T11:%02d:%02dZ","level":"ERROR","service":"shop","duration_ms":tru,"endpoint":"/a"}`,
	`{"level":"ERROR","service":"shop","message":"no time %d %d","duration_ms":5,"endpoint":"/a"}`,
	`{"level":"INFO","service":"shop","message":"no time %d %d","duration_ms":6,"endpoint":"/a"}`,
	"2026-03-01 11:%02d:%02d,123 ERROR shop it failed",
	"2026-03-01 11:%02d:%02d,123 INFO shop ok",
	"2026-03-01 11:%02d:%02d,123 INFO shop ok\r",
	"Traceback (most recent call last):",
	`  File "/app/x.py", line 3, in failed`,
	"ValueError: it failed",
	"INFO:     10.0.0.1:%d - \"GET /a HTTP/1.1\" %d",
	"plain words that failed %d %d",
	"", "   ", "}", "{", `  "level": "ERROR",`,
	"2026-03-01 11:%02d:%02d.000 UTC [7] ERROR:  it failed",
	"2026-03-01 11:%02d:%02d.000 UTC [7] DETAIL:  because",
	"\xff\xfe bad bytes failed", "2026-03-01 11:%02d:%02d ERROR " + longLine,
}

var longLine = strings.Repeat("x", 1500) + " failed"

// unseen is a line with a fault in a field that a metric query does not need:
// there it counts, as in Loki.
const unseen = `"duration_ms":tru`

func drawFile(t *rapid.T) string {
	var b strings.Builder
	n := rapid.IntRange(1, 40).Draw(t, "lines")
	// Most lines of most logs are of no interest: only there is it worth while to
	// seek from key to key, and only files that are long enough are sought through.
	between := 0
	if rapid.Bool().Draw(t, "a long log") {
		between = rapid.IntRange(2, 8).Draw(t, "lines between")
	}
	for i := range n {
		for range between {
			fmt.Fprintf(&b, lineKinds[0]+"\n", i/60, i%60)
		}
		kind := rapid.SampledFrom(lineKinds).Draw(t, "kind")
		if strings.Count(kind, "%") == 2 {
			kind = fmt.Sprintf(kind, i/60, i%60)
		}
		b.WriteString(kind)
		if i < n-1 || rapid.Bool().Draw(t, "last break") {
			b.WriteByte('\n')
		}
	}
	if rapid.Bool().Draw(t, "a crash") {
		b.WriteString(strings.Repeat("\x00", 32))
	}
	return b.String()
}

var comparedQueries = []string{
	`{} |= "failed"`, `{} |= "failed" |= "ERROR"`, `{} |~ "refused|it failed"`, `{} |~ "(?i)FAILED"`, `{} != "ok"`,
	`{service="shop"} | json | level="ERROR"`, `{service=~"shop|billing"} | json | level=~"(?i)err" | line_format "{{.message}}"`,
	`{} | json | level!="INFO"`, `{} | json | message=~"failed|refused"`, `{} | json | duration_ms > 6`, `{} | json | duration_ms != 8`,
	`{} | json | level="ERROR" or duration_ms < 5`, `{} | json | details_level="ERROR"`, `{} | json | details_duration_ms = 7`, `{} | json | endpoint=""`,
	`{} | json | __error__="" | level="ERROR"`, `{} |= "ERROR" | json | service="shop"`, `{} | logfmt | level="ERROR"`, `{} | json | duration_ms > endpoint`,
	`{}`,
}

var comparedMetrics = []string{
	`sum by (level) (count_over_time({} | json [10m]))`, `sum by (endpoint) (count_over_time({service="shop"} | json | level="ERROR" [10m]))`,
	`avg by (endpoint) (avg_over_time({} | json | unwrap duration_ms [10m]))`, `max by (service) (max_over_time({} | json | level=~"err" | unwrap duration_ms [5m]))`,
	`sum(rate({} |= "failed" [2m]))`, `sum by (msg) (count_over_time({} | json | duration_ms > 6 [10m]))`,
	`quantile_over_time(0.9, {} | json | unwrap duration_ms [10m]) by (service)`, `last_over_time({} | json | unwrap duration_ms [10m]) by (level)`,
}

// asPlain hides that the files are a Scanner. With blank it puts a blank before
// each line, so that no metric query takes the short cut of quick.go.
type asPlain struct {
	files *Files
	blank bool
}

func (p asPlain) Read(ctx context.Context, w logql.Window, emit func([]logql.Record) error) ([]string, error) {
	return p.files.Read(ctx, w, func(batch []logql.Record) error {
		for i := range batch {
			if p.blank && bytes.HasPrefix(batch[i].Line, []byte("{")) {
				batch[i].Line = append([]byte(" "), batch[i].Line...)
			}
		}
		return emit(batch)
	})
}

func filesOf(t require.TestingT, path string, chunk int64) *Files {
	f, err := New(Config{Paths: []string{path}, Location: time.UTC, Now: comparedAt, Line: 1 << 10})
	require.NoError(t, err)
	f.chunk, f.serial = chunk, chunk == 0
	return f
}

var comparedAt = time.Date(2026, 3, 1, 11, 5, 0, 0, time.UTC)

func answer(t require.TestingT, text string, src logql.Source, limits logql.Limits) logql.Result {
	q, err := logql.Parse(text)
	require.NoError(t, err, text)
	r, err := logql.Run(context.Background(), q, src, logql.Asked{End: comparedAt, Since: 10 * time.Minute, Step: time.Minute}, limits)
	var failed *Failed
	if !errors.As(err, &failed) { // hardly any text and many NUL bytes: both ways call it binary
		require.NoError(t, err, text)
	}
	return r
}

// However a file is cut, and whatever is left unread, the answers are those of
// reading it from one end to the other.
func TestAnswersDoNotDependOnHowAFileIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	rapid.Check(t, func(t *rapid.T) {
		text := drawFile(t)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		query := rapid.SampledFrom(comparedQueries).Draw(t, "query")
		limits := logql.Limits{Lines: rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "limit"), Oldest: rapid.Bool().Draw(t, "oldest")}
		plain := answer(t, query, asPlain{files: filesOf(t, path, 0)}, limits)
		chunk := rapid.SampledFrom([]int64{16, 64, 300, 1000, 1 << 20}).Draw(t, "chunk")
		quick := answer(t, query, filesOf(t, path, chunk), limits)
		require.Equal(t, plain.Lines, quick.Lines, "%s in chunks of %d bytes of:\n%s", query, chunk, text)
	})
}

func TestCountsDoNotDependOnHowAFileIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(drawFile(t), unseen, `"duration_ms":true`)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		query := rapid.SampledFrom(comparedMetrics).Draw(t, "query")
		plain := answer(t, query, asPlain{filesOf(t, path, 0), true}, logql.Limits{})
		chunk := rapid.SampledFrom([]int64{16, 64, 300, 1000, 1 << 20}).Draw(t, "chunk")
		quick := answer(t, query, filesOf(t, path, chunk), logql.Limits{})
		require.Equal(t, plain.Series, quick.Series, "%s in chunks of %d bytes of:\n%s", query, chunk, text)
	})
}

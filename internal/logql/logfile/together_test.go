package logfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// Asked together or one by one, queries get the same lines.
func TestTogetherIsAsOneByOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	words := []string{"Connection refused", "timeout", "Traceback (most recent call last):", "KILLED", "pool", "ſervice", "disk full", "épuisé", "x", "111", "no such", "error"}
	rapid.Check(t, func(t *rapid.T) {
		word := func() string {
			w := rapid.SampledFrom(words).Draw(t, "word")
			if rapid.Bool().Draw(t, "upper") {
				w = strings.ToUpper(w)
			}
			return w
		}
		var file strings.Builder
		for i := range rapid.IntRange(1, 40).Draw(t, "lines") {
			at := noon.Add(-time.Duration(i) * 7 * time.Second).Format(time.RFC3339)
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				fmt.Fprintf(&file, "{\"time\":%q,\"service\":%q,\"level\":%q,\"message\":%q}\n", at, rapid.SampledFrom([]string{"shop", "bank"}).Draw(t, "service"),
					rapid.SampledFrom([]string{"ERROR", "info"}).Draw(t, "level"), word()+" "+word())
			case 1:
				fmt.Fprintf(&file, "%s %s %s\n", at, word(), word())
			case 2:
				fmt.Fprintf(&file, "%s ERROR %s\n  File \"a.py\", line 3\n%s\n", at, word(), word())
			}
		}
		path := filepath.Join(dir, "app.log")
		require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
		src, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon, Otherwise: map[string]string{"service": "shop"}})
		require.NoError(t, err)

		filter := func() string {
			op := rapid.SampledFrom([]string{"|~", "|=", "!~", "!=", "|~"}).Draw(t, "op")
			text := strings.NewReplacer("(", "[(]", ")", "[)]").Replace(word())
			if strings.HasSuffix(op, "~") {
				text = rapid.SampledFrom([]string{"", "(?i)"}).Draw(t, "case") + text + rapid.SampledFrom([]string{"", ".{0,9}" + word()[:1], "|" + word()[:1], "s?"}).Draw(t, "more")
			} else {
				text = word()
			}
			return fmt.Sprintf(" %s `%s`", op, text)
		}
		var questions []logql.Question
		for range rapid.IntRange(1, 6).Draw(t, "queries") {
			text := rapid.SampledFrom([]string{`{service="shop"}`, `{service=~"shop|bank"}`, `{service="none"}`, `{level="error"}`}).Draw(t, "selector")
			for range rapid.IntRange(0, 2).Draw(t, "filters") {
				text += filter()
			}
			text += rapid.SampledFrom([]string{"", ` | json | level="ERROR"`, ` | line_format "{{.message}}" |~ "o"`}).Draw(t, "stage")
			asked := logql.Asked{End: noon, Since: time.Duration(rapid.IntRange(1, 300).Draw(t, "since")) * time.Second}
			if how := rapid.SampledFrom([]string{"", "", "sum(count_over_time(%s [30s]))", "sum by (level) (rate(%s [1m]))", "sum(count_over_time(%[1]s [40s])) / sum(count_over_time(%[1]s | level=\"error\" [20s] offset 1m))"}).Draw(t, "counted"); how != "" {
				text = fmt.Sprintf(how, text)
				asked.Step = rapid.SampledFrom([]time.Duration{0, 7 * time.Second, time.Minute}).Draw(t, "step")
			}
			query, err := logql.Parse(text)
			if err != nil {
				continue // a word cut in the middle of a letter
			}
			limits := logql.Limits{Lines: rapid.IntRange(1, 50).Draw(t, "limit"), Series: rapid.IntRange(1, 3).Draw(t, "series")}
			questions = append(questions, logql.Question{Query: query, Asked: asked, Limits: limits})
		}
		together, err := logql.RunTogether(t.Context(), questions, src)
		require.NoError(t, err)
		for i, q := range questions {
			alone, err := logql.Run(t.Context(), q.Query, src, q.Asked, q.Limits)
			got := together[i]
			require.Equal(t, err, got.Err, q.Query.String())
			if err != nil {
				continue
			}
			assert.Equal(t, alone.Lines, got.Result.Lines, q.Query.String())
			assert.Equal(t, alone.Series, got.Result.Series, q.Query.String())
			assert.Equal(t, alone.Stats.Matched > 0, got.Result.Stats.Matched > 0, q.Query.String())
			assert.Equal(t, alone.Stats.Selected > 0, got.Result.Stats.Selected > 0, q.Query.String())
			if alone.Stats.Selected == 0 {
				assert.Equal(t, alone.Stats.Window > 0, got.Result.Stats.Window > 0, q.Query.String())
				assert.Equal(t, alone.Hint, got.Result.Hint, q.Query.String())
			}
		}
	})
}

// Two letters outside of ASCII are s and k without case: such lines are shown to
// every query, whatever words it demands.
func TestTogetherKnowsLettersThatFold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	require.NoError(t, os.WriteFile(path, []byte(noon.Add(-time.Second).Format(time.RFC3339)+" the \u017fervice ended\n"), 0o600))
	src, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon, Otherwise: map[string]string{"service": "shop"}})
	require.NoError(t, err)
	query, err := logql.Parse(`{service="shop"} |~ "(?i)service"`)
	require.NoError(t, err)
	got, err := logql.RunTogether(t.Context(), []logql.Question{{Query: query, Asked: logql.Asked{End: noon, Since: time.Minute}}}, src)
	require.NoError(t, err)
	require.Len(t, got[0].Result.Lines, 1)
}

// BenchmarkTogether asks forty queries of a storm of errors (20 MB of traces), one
// by one and together: MB/s of the file, whatever the number of queries.
func BenchmarkTogether(b *testing.B) {
	var file strings.Builder
	for i := 0; file.Len() < 20<<20; i++ {
		fmt.Fprintf(&file, "%s [ERROR] socket.accept() out of system resource\nTraceback (most recent call last):\n  File \"/usr/lib/python3/asyncio/selector_events.py\", line %d, in _accept_connection\n    conn, addr = sock.accept()\nOSError: [Errno 24] Too many open files\n",
			noon.Add(-time.Duration(i)*time.Millisecond).Format("2006-01-02T15:04:05.000Z"), i)
	}
	path := filepath.Join(b.TempDir(), "app.log")
	require.NoError(b, os.WriteFile(path, []byte(file.String()), 0o600))
	src, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon, Otherwise: map[string]string{"service": "shop"}, Natures: logfile.NewNatures()})
	require.NoError(b, err)
	asked := logql.Asked{End: noon, Since: time.Hour}
	var questions []logql.Question
	for i := range 40 {
		query, err := logql.Parse("{service=\"shop\"} |~ `(?i)" + []string{
			`connection (refused|reset)|ECONN(REFUSED|RESET)`, `query (was|is) cancell?ed`, `too many clients|remaining connection slots`, `worker timeout|was sent SIG(KILL|TERM)`,
			`no space left on device`, `name or service not known`, `deadlock detected`, `session.{0,20}not found`,
		}[i%8] + "`")
		require.NoError(b, err)
		questions = append(questions, logql.Question{Query: query, Asked: asked, Limits: logql.Limits{Lines: 50}})
	}
	b.Run("one-by-one", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			for _, q := range questions {
				_, err := logql.Run(b.Context(), q.Query, src, asked, q.Limits)
				require.NoError(b, err)
			}
		}
	})
	b.Run("together", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			_, err := logql.RunTogether(b.Context(), questions, src)
			require.NoError(b, err)
		}
	})
}

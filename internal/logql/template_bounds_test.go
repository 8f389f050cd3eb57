package logql_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

// No template may take the memory or the time of the machine for one line. Not
// parallel: it measures what the process allocates.
func TestTemplatesAreBounded(t *testing.T) {
	long := strings.Repeat(`\`, 1000)
	for _, template := range []string{
		`{{range 1000000000}}{{end}}`,
		`{{range 1000000000}}{{else}}x{{end}}`,
		`{{range 5000}}{{range 5000}}{{end}}{{end}}`,
		`{{range 9000}}{{repeat 90000 "x"}}{{end}}`,
		`{{range 9000}}{{len (repeat 90000 "x")}}{{end}}`,
		`{{repeat 1000000000 "x"}}`, `{{repeat 9000000000000000000 "xxxxxxxxxxxxxxxx"}}`, `{{repeat -1 "x"}}`,
		`{{repeat 300000 "x"}}`,
		`{{printf "%1000000000d" 5}}`, `{{printf "%99999999999999999999d" 5}}`, `{{printf "%*d" 1000000 5}}`, `{{printf "%.999999999f" 1.0}}`,
		`{{printf "` + strings.Repeat("%200000d", 100) + `"}}`,
		`{{.long` + strings.Repeat(" | js", 40) + `}}`, `{{.long` + strings.Repeat(" | html | urlquery", 40) + `}}`, `{{.long` + strings.Repeat(" | b64enc", 60) + `}}`,
		`{{$x := "ab"}}{{range 64}}{{$x = print $x $x}}{{end}}`, `{{$x := "ab"}}{{range 64}}{{$x = printf "%s%s" $x $x}}{{end}}`,
		`{{$x := "a"}}{{range 64}}{{$x = replace "a" "aa" $x}}{{end}}`, `{{$x := "a"}}{{range 64}}{{$x = Replace $x "a" "aa" -1}}{{end}}`,
		`{{$x := "a"}}{{range 64}}{{$x = regexReplaceAll "(.*)" $x "$1$1$1"}}{{end}}`,
		`{{$x := repeat 200000 "x"}}{{regexReplaceAll "" $x $x}}`, `{{$x := repeat 200000 "x"}}{{regexReplaceAllLiteral "x" $x $x}}`,
		`{{$x := repeat 200000 "é"}}{{Trim $x $x}}`,
		`{{indent 1000000000 "x"}}`, `{{nindent 100000 (repeat 1000 "\n")}}`, `{{alignLeft 1000000000 "x"}}`, `{{alignRight 1000000000 "x"}}`,
		`{{$x := repeat 100000 "[1,"}}{{range 100}}{{fromJson $x}}{{end}}`,
		`{{range 9000}}{{count "(a*)*b" (repeat 5000 "a")}}{{end}}`,
		`{{range 9000}}{{count (printf "%d" __timestamp__.Nanosecond) .long}}{{end}}`,
	} {
		src := jsonLines(`5 {"long":"` + strings.ReplaceAll(long, `\`, `\\`) + `"}`)
		began := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := askStrict(`{filename="app.log"} | json | line_format `+"`"+template+"`", src, logql.Asked{End: noon, Since: time.Hour})
		runtime.ReadMemStats(&after)
		require.NoError(t, err, template)
		require.Len(t, r.Lines, 1, template)
		require.Equal(t, "TemplateFormatErr", r.Lines[0].Labels["__error__"], "%.80s", template)
		require.Less(t, time.Since(began), 30*time.Second, "%.80s", template)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(600<<20), "%.80s", template)
	}
	_, err := logql.Parse(`{a="b"} | line_format "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}"`)
	require.ErrorContains(t, err, "named templates are not supported")
}

// Whatever a template is, filling it ends, and the same template is the same.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"{{.a}}", "{{range 10}}{{.a | upper}}{{end}}", `{{printf "%5s" .a}}`, `{{with fromJson .a}}{{.}}{{end}}`, "{{$x := .a}}{{$x}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		if strings.Contains(template, "`") {
			return
		}
		for _, dialect := range []logql.Dialect{logql.Playbook, logql.Strict} {
			q, err := logql.ParseIn(dialect, `{filename="app.log"} | json | line_format `+"`"+template+"`")
			if err != nil {
				continue
			}
			began := time.Now()
			if _, err := logql.Run(t.Context(), q, jsonLines(`5 {"a":"b"}`), logql.Asked{End: noon, Since: time.Hour}, logql.Limits{}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Fatalf("%q takes %s", template, took)
			}
		}
	})
}

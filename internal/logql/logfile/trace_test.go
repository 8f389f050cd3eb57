package logfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// traces are as programs of many languages write them; "» " marks where a
// record is to begin, "› " where one begins only if each line bears a time.
var traces = map[string]string{
	"Python, with a cause": `» 2026-03-01 11:30:00,000 ERROR app: it broke
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
    ^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2
ValueError: no
» 2026-03-01 11:30:01,000 INFO on
`,
	"Python's groups": `» 2026-03-01 11:30:00,000 ERROR app: it broke
  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in f
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: no
    +------------------------------------
» 2026-03-01 11:30:01,000 INFO on
`,
	"Java": `» 2026-03-01 11:30:00.000 ERROR [main] c.e.App - failed
java.lang.IllegalStateException: x
	at c.e.App.run(App.java:10)
	Suppressed: java.lang.Exception: y
		at c.e.App.close(App.java:11)
Caused by: java.io.IOException: z
	at c.e.Io.read(Io.java:3)
	... 12 more
» 2026-03-01 11:30:01.000 INFO [main] c.e.App - on
`,
	"Go": `» 2026/03/01 11:30:00 serving
» panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 7 [running]:
main.(*Server).handle(0xc0001, {0x1, 0x2})
	/src/main.go:5 +0x1d
created by main.main in goroutine 1
	/src/main.go:9 +0x2e

goroutine 1 [IO wait]:
internal/poll.runtime_pollWait(0x7f, 0x72)
	/usr/lib/go/src/runtime/netpoll.go:351 +0x85
exit status 2
» 2026/03/01 11:30:01 starting
`,
	"Node": `» 2026-03-01T11:30:00Z info: a
› /app/index.js:3
    throw new Error('x')
    ^

Error: x
    at Object.<anonymous> (/app/index.js:3:9)
    at Module._compile (node:internal/modules/cjs/loader:1105:14) {
  code: 'E1'
}

Node.js v18.0.0
» 2026-03-01T11:30:01Z info: b
`,
	"Ruby": `» E, [2026-03-01T11:30:00.000100 #7] ERROR -- : boom (RuntimeError)
› app.rb:1:in 'foo'
	from app.rb:3:in '<main>'
» I, [2026-03-01T11:30:01.000100 #7]  INFO -- : on
`,
	"PHP": `» [01-Mar-2026 11:30:00 UTC] PHP Fatal error:  Uncaught Exception: x in /a.php:3
Stack trace:
#0 /a.php(5): f()
#1 {main}
  thrown in /a.php on line 3
» [01-Mar-2026 11:30:01 UTC] PHP Warning:  y in /a.php on line 4
[01-Mar-2026 11:30:01 UTC] PHP Stack trace:
[01-Mar-2026 11:30:01 UTC] PHP   1. {main}() /a.php:0
» [01-Mar-2026 11:30:02 UTC] PHP Notice:  z
`,
	".NET": `» 2026-03-01 11:30:00.000 +00:00 [ERR] failed
System.InvalidOperationException: x
 ---> System.IO.IOException: y
   at A.B.C() in /src/B.cs:line 3
   --- End of inner exception stack trace ---
--- End of stack trace from previous location ---
   at A.B.D()
» 2026-03-01 11:30:01.000 +00:00 [INF] on
`,
	"Postgres": `» 2026-03-01 11:30:00.123 UTC [12] ERROR:  duplicate key value
2026-03-01 11:30:00.123 UTC [12] DETAIL:  Key (id)=(1) already exists.
2026-03-01 11:30:00.124 UTC [12] STATEMENT:  INSERT INTO t
	VALUES (1)
» 2026-03-01 11:30:00.130 UTC [13] ERROR:  other
» 2026-03-01 11:30:00.131 UTC [12] HINT:  of another process
» 2026-03-01 11:30:01.000 UTC [12] LOG:  on
`,
	"a JSON object over several lines": `» 2026-03-01 11:30:00 INFO plain
» {
  "time": "2026-03-01T11:30:00Z",
  "list": [
    1
  ],
  "nested": {
    "a": "}"
  }
}
» {
  "time": "2026-03-01T11:30:01Z"
}
» {"time":"2026-03-01T11:30:02Z"}
» 2026-03-01 11:30:03 INFO plain
`,
	"a JSON object that is never closed": `» 2026-03-01 11:30:00 INFO plain
» {
  "time": "2026-03-01T11:30:00Z",
» 2026-03-01 11:30:03 INFO plain
`,
	"something printed after a message": `» 2026-03-01 11:30:00 INFO request {
  a: 1
}
» 2026-03-01 11:30:01 INFO on
`,
	"lines of JSON with a trace between them": `» {"time":"2026-03-01T11:30:00Z","msg":"a"}
» Traceback (most recent call last):
  File "a.py", line 1
KeyError: 'x'
» {"time":"2026-03-01T11:30:01Z","msg":"b"}
`,
}

func records(trace string, stamped bool) (text string, want []string) {
	other := ""
	if stamped {
		other = "» "
	}
	for _, record := range strings.Split(strings.ReplaceAll(trace, "› ", other), "» ")[1:] {
		text += record
		want = append(want, strings.TrimRight(record, "\n"))
	}
	return text, want
}

func lines(list []got) []string {
	out := make([]string, len(list))
	for i, g := range list {
		out[i] = g.line
	}
	return out
}

func TestTracesOfManyLanguages(t *testing.T) {
	t.Parallel()
	for name, trace := range traces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, want := records(trace, false)
			path := write(t, t.TempDir(), "app.log", text)
			list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
			require.Equal(t, want, lines(list))
		})
	}
}

// A container runtime stamps each line; then only how a line looks can tell
// that it goes on. Every second line is of another stream.
func TestTracesInFrames(t *testing.T) {
	t.Parallel()
	for name, trace := range traces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, want := records(trace, true)
			var framed strings.Builder
			rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			for i, row := range rows {
				fmt.Fprintf(&framed, "2026-03-01T11:31:%02d.100000000Z stderr F %s\n", i, row)
				fmt.Fprintf(&framed, "2026-03-01T11:31:%02d.200000000Z stdout F other %d\n", i, i)
			}
			path := write(t, t.TempDir(), "app.log", framed.String())
			list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
			var errors, others []string
			for _, g := range list {
				if g.from.Labels["stream"] == "stderr" {
					errors = append(errors, g.line)
				} else {
					others = append(others, g.line)
				}
			}
			require.Len(t, others, len(rows), "no line of the other stream is swallowed")
			require.Equal(t, want, errors)
		})
	}
}

func TestTracesAreBounded(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", "2026-03-01 11:30:00 ERROR x\n"+strings.Repeat("    at f (a.js:1)\n", 5000)+"2026-03-01 11:30:01 INFO on\n")
	list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 2, "a long trace is cut, not cut up")
	require.Equal(t, 500, strings.Count(list[0].line, "\n")+1)
	require.Contains(t, strings.Join(notes, "\n"), "1 traces longer than")
}

// However many write at once, each one's trace stays whole; what is open is
// bounded.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, row := range []string{"Traceback (most recent call last):", "  File \"a.py\", line 1", "KeyError: 'x'", "done"} {
		for pod := range 60 {
			fmt.Fprintf(&text, "[pod/p-%d/app] 2026-03-01T11:30:00.1Z %s\n", pod, row)
		}
	}
	for pod := range 500 { // far more than are kept open
		fmt.Fprintf(&text, "[pod/q-%d/app] 2026-03-01T11:30:00.1Z Traceback (most recent call last):\n", pod)
	}
	path := write(t, t.TempDir(), "app.log", text.String())
	list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 60*2+500)
	require.Equal(t, "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'", list[0].line)
}

func TestTraceOfAnEarlierWindow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	require.NoError(t, os.WriteFile(path, []byte("2026-03-01T09:00:00Z ERROR old\n    at f\n2026-03-01T11:30:00Z INFO new\n"), 0o644))
	list, _ := read(t, logfile.Config{Paths: []string{path}}, logql.Window{Start: lastHour.Start, End: lastHour.End})
	require.Equal(t, []string{"2026-03-01T11:30:00Z INFO new"}, lines(list))
}

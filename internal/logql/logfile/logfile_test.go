package logfile_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var lastHour = logql.Window{Start: noon.Add(-time.Hour), End: noon}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	require.NoError(t, os.Chtimes(path, noon, noon))
	return path
}

type got struct {
	at   string
	line string
	from *logql.Stream
}

// reporter is a test, or a trial of rapid.
type reporter interface {
	Helper()
	require.TestingT
}

func read(t reporter, config logfile.Config, w logql.Window) ([]got, []string) {
	t.Helper()
	if config.Location == nil {
		config.Location = time.UTC
	}
	config.Now = noon
	files, err := logfile.New(config)
	require.NoError(t, err)
	var out []got
	notes, err := files.Read(context.Background(), w, func(batch []logql.Record) error {
		for _, r := range batch {
			at := ""
			if r.Time != 0 {
				at = time.Unix(0, r.Time).UTC().Format("15:04:05.999999999")
			}
			out = append(out, got{at, string(r.Line), r.Stream})
		}
		return nil
	})
	require.NoError(t, err)
	return out, notes
}

func show(list []got) string {
	var b strings.Builder
	for _, g := range list {
		b.WriteString(g.at + " " + g.line + "\n")
	}
	return b.String()
}

func TestTimes(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		line string
		zone *time.Location
		want string // 11:30:00 UTC unless said
	}{
		"RFC 3339":                     {line: `2026-03-01T11:30:00Z msg`},
		"RFC 3339 with a zone":         {line: `2026-03-01T12:30:00.5+01:00 msg`, want: "11:30:00.5"},
		"a zone without a colon":       {line: `2026-03-01T06:30:00-0500 msg`},
		"Python logging":               {line: `2026-03-01 11:30:00,123 ERROR app: msg`, want: "11:30:00.123"},
		"Python logging in local time": {line: `2026-03-01 12:30:00,123 ERROR app: msg`, zone: paris, want: "11:30:00.123"},
		"Postgres":                     {line: `2026-03-01 11:30:00.123 UTC [42] ERROR:  msg`, want: "11:30:00.123"},
		"Go's log":                     {line: `2026/03/01 11:30:00 msg`},
		"nginx error log":              {line: `2026/03/01 11:30:00 [error] 1#1: *1 connect() failed`},
		"nginx access log":             {line: `10.0.0.1 - alice [01/Mar/2026:12:30:00 +0100] "GET / HTTP/1.1" 200 1`},
		"Apache error log":             {line: `[Sun Mar 01 11:30:00.123456 2026] [core:error] msg`, want: "11:30:00.123456"},
		"gunicorn":                     {line: `[2026-03-01 11:30:00 +0000] [12] [INFO] Booting`},
		"syslog":                       {line: `Mar  1 11:30:00 host app[1]: msg`},
		"syslog with a priority":       {line: `<34>Mar  1 11:30:00 host app[1]: msg`},
		"RFC 5424":                     {line: `<34>1 2026-03-01T11:30:00.003Z host app - ID47 - msg`, want: "11:30:00.003"},
		"Redis":                        {line: `123:M 01 Mar 2026 11:30:00.456 * Ready`, want: "11:30:00.456"},
		"klog":                         {line: `E0301 11:30:00.000001       1 main.go:1] msg`, want: "11:30:00.000001"},
		"Rails":                        {line: `E, [2026-03-01T11:30:00.000100 #7] ERROR -- : msg`, want: "11:30:00.0001"},
		"Python's basicConfig":         {line: `ERROR 2026-03-01 11:30:00,000 msg`},
		"seconds since 1970":           {line: `1772364600.250 msg`, want: "11:30:00.25"},
		"milliseconds since 1970":      {line: `1772364600250 msg`, want: "11:30:00.25"},
		"logfmt":                       {line: `level=info ts=2026-03-01T11:30:00Z msg=x`},
		"logfmt with seconds":          {line: `ts=1772364600.25 level=info msg=x`, want: "11:30:00.25"},
		"JSON":                         {line: `{"level":"info","nested":{"time":"x"},"timestamp":"2026-03-01T11:30:00.1Z"}`, want: "11:30:00.1"},
		"JSON with seconds":            {line: `{"msg":"\"time\":","ts":1772364600.25}`, want: "11:30:00.25"},
		"JSON with milliseconds":       {line: `{"time":1772364600250,"level":30}`, want: "11:30:00.25"},
		"JSON in local time":           {line: `{"timestamp": "2026-03-01 12:30:00"}`, zone: paris},
		"Docker's json-file":           {line: `{"log":"hello \"you\"\n","stream":"stderr","time":"2026-03-01T11:30:00.5Z"}`, want: "11:30:00.5"},
		"containerd":                   {line: `2026-03-01T11:30:00.5Z stderr F hello`, want: "11:30:00.5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, t.TempDir(), "app.log", c.line+"\n")
			list, _ := read(t, logfile.Config{Paths: []string{path}, Location: c.zone}, lastHour)
			require.Len(t, list, 1)
			want := c.want
			if want == "" {
				want = "11:30:00"
			}
			require.Equal(t, want, list[0].at)
		})
	}
}

func TestYearIsGuessedFromNow(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "syslog", "Dec 31 23:59:59 host app: last year\nMar  1 11:00:01 host app: now\n")
	list, _ := read(t, logfile.Config{Paths: []string{path}}, logql.Window{Start: noon.AddDate(-1, 0, 0), End: noon})
	require.Len(t, list, 2)
	require.Equal(t, "23:59:59", list[0].at)
}

func TestTracesJoinTheirHead(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", `2026-03-01 11:30:00,000 ERROR app: it broke
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()

ValueError: no
2026-03-01 11:30:01,000 INFO app: on we go
INFO:     127.0.0.1:5 - "GET / HTTP/1.1" 200 OK
2026-03-01 11:30:02,000 ERROR java.lang.IllegalStateException: x
	at a.b.C(D.java:1)
Caused by: java.io.IOException: y
	... 3 more
`)
	list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 4)
	require.Contains(t, list[0].line, "ValueError: no")
	require.Equal(t, "11:30:01", list[2].at, "a line without a time takes that of the line before")
	require.Contains(t, list[3].line, "... 3 more")
}

func TestTraceInAJSONFileIsOneRecordOfItsOwn(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", `{"time":"2026-03-01T11:30:00Z","msg":"a"}
Traceback (most recent call last):
  File "a.py", line 1
KeyError: 'x'
{"time":"2026-03-01T11:31:00Z","msg":"b"}
`)
	list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 3)
	require.Equal(t, "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'", list[1].line)
	require.Equal(t, logql.JSON, list[1].from.Format)
}

func TestContainerFrames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cri := write(t, dir, "cri.log", `2026-03-01T11:30:00.1Z stdout F boot ok
2026-03-01T11:30:00.2Z stdout P {"msg":"a long
2026-03-01T11:30:00.3Z stdout F  line"}
2026-03-01T11:30:00.4Z stderr F panic: x
`)
	list, _ := read(t, logfile.Config{Paths: []string{cri}}, lastHour)
	require.Equal(t, "11:30:00.1 boot ok\n11:30:00.2 {\"msg\":\"a long line\"}\n11:30:00.4 panic: x\n", show(list))
	docker := write(t, dir, "docker.log", `{"log":"{\"level\":\"error\",\"msg\":\"caf\u0026\"}\n","stream":"stdout","time":"2026-03-01T11:30:00.5Z"}`+"\n")
	list, _ = read(t, logfile.Config{Paths: []string{docker}}, lastHour)
	require.Equal(t, "11:30:00.5 {\"level\":\"error\",\"msg\":\"caf&\"}\n", show(list))
}

func TestWindow(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", "2026-03-01T10:59:59Z a\n2026-03-01T11:00:00Z b\n2026-03-01T11:00:00.001Z c\n2026-03-01T12:00:00Z d\n2026-03-01T12:00:01Z e\n")
	list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 2)
	require.Equal(t, "11:00:00.001", list[0].at)
	require.Equal(t, "12:00:00", list[1].at)
}

// day writes one line a second for a day that ends at noon.
func day(t testing.TB, path string) int64 {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	start := noon.Add(-24 * time.Hour)
	for i := range 86400 {
		_, err := fmt.Fprintf(f, "{\"timestamp\":%q,\"level\":\"INFO\",\"n\":%d,\"pad\":%q}\n", start.Add(time.Duration(i+1)*time.Second).Format(time.RFC3339), i, strings.Repeat("x", 60))
		require.NoError(t, err)
	}
	info, err := f.Stat()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Chtimes(path, noon, noon))
	return info.Size()
}

func TestWindowOfABigFileIsFoundBySearch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "big.log")
	day(t, path)
	// The budget is far below the file's size, and the window is complete.
	config := logfile.Config{Paths: []string{path}, Budget: 2 << 20}
	list, notes := read(t, config, lastHour)
	require.Len(t, list, 3600)
	require.Empty(t, notes)
	list, _ = read(t, config, logql.Window{Start: noon.Add(-13 * time.Hour), End: noon.Add(-12 * time.Hour)})
	require.Len(t, list, 3600)
	require.Equal(t, "00:00:00", list[3599].at)
	// Too small a budget keeps the newest part, and says so.
	config.Budget = 500 << 10
	list, notes = read(t, config, lastHour)
	require.Less(t, len(list), 3600)
	require.Equal(t, "12:00:00", list[len(list)-1].at)
	require.Contains(t, strings.Join(notes, "\n"), "older lines are missing")
}

func TestDisorderIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "big.log")
	day(t, path)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	half := len(data) / 2
	path = write(t, dir, "mixed.log", string(data[half:])+string(data[:half]))
	list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.InDelta(t, 3600, len(list), 1, "one line was cut in two")
	require.Contains(t, strings.Join(notes, "\n"), "not in order of time")
}

func TestRotatedFilesComeAlong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "app.log", "2026-03-01T11:59:00Z new\n")
	write(t, dir, "app.log.1", "2026-03-01T11:40:00Z older\n")
	write(t, dir, "app-20260301.log", "2026-03-01T11:30:00Z dated\n")
	write(t, dir, "app.log.bak", "2026-03-01T11:20:00Z not a rotation\n")
	write(t, dir, "application.log", "2026-03-01T11:20:00Z another\n")
	var zipped strings.Builder
	w := gzip.NewWriter(&zipped)
	_, err := w.Write([]byte("2026-03-01T11:20:00Z oldest\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	write(t, dir, "app.log.2.gz", zipped.String())
	write(t, dir, "app.log.3.xz", "\xfd7zXZ\x00\x00\x04")
	list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	text := show(list)
	for _, want := range []string{"new", "older", "dated", "oldest"} {
		require.Contains(t, text, want)
	}
	require.Len(t, list, 4)
	require.Contains(t, strings.Join(notes, "\n"), "is xz, which is not read: decompress it")
}

func TestHugeLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "app.log", "2026-03-01T11:30:00Z a"+strings.Repeat("a", 3<<20)+"\n2026-03-01T11:31:00Z b\r\n")
	list, notes := read(t, logfile.Config{Paths: []string{path}, Line: 1000}, lastHour)
	require.Len(t, list, 2)
	require.Len(t, list[0].line, 1000)
	require.Equal(t, "2026-03-01T11:31:00Z b", list[1].line)
	require.Contains(t, strings.Join(notes, "\n"), "the rest of each was skipped")
}

func TestTroubles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := write(t, dir, "good.log", "2026-03-01T11:30:00Z a\n")
	binary := write(t, dir, "binary.log", "a\x00b\n")
	ask := func(paths ...string) ([]string, error) {
		files, err := logfile.New(logfile.Config{Paths: paths, Now: noon})
		require.NoError(t, err)
		return files.Read(context.Background(), lastHour, func([]logql.Record) error { return nil })
	}
	kind := func(err error) logfile.TroubleKind {
		var failed *logfile.Failed
		require.ErrorAs(t, err, &failed)
		return failed.Kind()
	}
	_, err := ask(filepath.Join(dir, "none.log"))
	require.Equal(t, logfile.Missing, kind(err))
	_, err = ask(filepath.Join(dir, "x*.log"))
	require.Equal(t, logfile.NoMatch, kind(err))
	_, err = ask(filepath.Join(dir, "none", "*.log"))
	require.Equal(t, logfile.Missing, kind(err))
	_, err = ask(dir)
	require.ErrorContains(t, err, "is a directory")
	_, err = ask(binary)
	require.ErrorContains(t, err, "binary")
	notes, err := ask(good, filepath.Join(dir, "none.log"), binary)
	require.NoError(t, err, "one file that can be read is enough")
	require.Len(t, notes, 2)
}

func TestTheEmittersErrorStopsTheReading(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", "2026-03-01T11:30:00Z a\n")
	files, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon})
	require.NoError(t, err)
	stop := errors.New("enough")
	_, err = files.Read(context.Background(), lastHour, func([]logql.Record) error { return stop })
	require.ErrorIs(t, err, stop)
}

func TestServiceOfFilesWithoutTheField(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := write(t, dir, "plain.log", "2026-03-01T11:30:00Z a\n")
	json := write(t, dir, "json.log", `{"time":"2026-03-01T11:30:00Z","service":"other"}`+"\n")
	list, _ := read(t, logfile.Config{Paths: []string{plain, json}, Otherwise: map[string]string{"service": "shop"}}, lastHour)
	for _, g := range list {
		require.Equal(t, map[string]string{plain: "shop", json: "other"}[g.from.Name], g.from.Labels["service"])
	}

	list, _ = read(t, logfile.Config{Paths: []string{plain, json}, Otherwise: map[string]string{"service": "shop"}, Strangers: true}, lastHour)
	require.Len(t, list, 2)
	for _, g := range list {
		require.Equal(t, "shop", g.from.Labels["service"])
	}

	mixed := write(t, dir, "mixed.log", "[2026-03-01 11:29:00 +0000] [7] [ERROR] Connection in use\n"+`{"time":"2026-03-01T11:30:00Z","service":"other"}`+"\n")
	two := write(t, dir, "two.log", `{"time":"2026-03-01T11:30:00Z","service":"one"}`+"\n"+`{"time":"2026-03-01T11:30:00Z","service":"two"}`+"\n")
	list, _ = read(t, logfile.Config{Paths: []string{mixed, two}, Otherwise: map[string]string{"service": "shop"}}, lastHour)
	require.Len(t, list, 4)
	for _, g := range list {
		require.Equal(t, map[string]string{mixed: "other"}[g.from.Name], g.from.Labels["service"], "what its server says is of the service that the application names")
	}
}

func TestTruncationWhileReadingIsSaid(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"truncated", "removed", "rotated"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for i := range 40000 {
				fmt.Fprintf(&b, "%s line %d\n", noon.Add(-time.Minute).Format(time.RFC3339), i)
			}
			path := write(t, t.TempDir(), "app.log", b.String())
			files, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon})
			require.NoError(t, err)
			total, done := 0, false
			notes, err := files.Read(context.Background(), lastHour, func(batch []logql.Record) error {
				total += len(batch)
				if done {
					return nil
				}
				done = true
				switch what {
				case "truncated":
					return os.Truncate(path, 0)
				case "removed":
					return os.Remove(path)
				}
				return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte("new\n"), 0o600))
			})
			require.NoError(t, err)
			if what == "truncated" {
				require.Less(t, total, 40000)
				require.Contains(t, strings.Join(notes, "\n"), "was truncated while it was read")
				return
			}
			require.Equal(t, 40000, total, "an open file stays readable")
			require.Empty(t, notes)
		})
	}
}

// Whatever is in a file, reading ends, keeps its bounds, and drops nothing
// without a word.
func FuzzRead(f *testing.F) {
	f.Add([]byte("2026-03-01T11:30:00Z a\n  b\n{\"time\":1772364600}\r\nTraceback (most recent call last):\n x\nE: y\n"))
	f.Add([]byte("{\"log\":\"x\\u0026\\n\",\"time\":\"2026-03-01T11:30:00Z\"}\n2026-03-01T11:30:00.5Z stdout P a\n"))
	f.Add([]byte("Mar  1 11:30:00 h a\n<3>Jan 32 99:99:99\nE0301 11:30:00.1 x\n1772364600.5 x\nts=1 level=x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "app.log")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		files, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon, Location: time.UTC, Line: 100})
		require.NoError(t, err)
		_, err = files.Read(context.Background(), logql.Window{Start: time.Unix(0, 0), End: noon.AddDate(200, 0, 0)}, func(batch []logql.Record) error {
			for _, r := range batch {
				if len(r.Line) > 256<<10 {
					t.Fatal("a record is too long")
				}
			}
			return nil
		})
		var failed *logfile.Failed
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if _, err := files.Inspect(context.Background(), 5); err != nil {
			t.Fatal(err)
		}
	})
}

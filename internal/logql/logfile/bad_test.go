package logfile_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

const twoLines = "2026-03-01T11:30:00Z a\n2026-03-01T11:31:00Z b\n"

func gzipped(t testing.TB, texts ...string) string {
	t.Helper()
	var out strings.Builder
	for _, text := range texts { // each a member of its own
		w := gzip.NewWriter(&out)
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return out.String()
}

func zstded(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return string(w.EncodeAll([]byte(text), nil))
}

// bzip2ed compresses with the tool, since the standard library only reads.
func bzip2ed(t testing.TB, text string) string {
	t.Helper()
	c := exec.Command("bzip2", "-1c")
	c.Stdin = strings.NewReader(text)
	out, err := c.Output()
	require.NoError(t, err, "bzip2 of Debian is needed")
	return string(out)
}

func utf16ed(text string, big, mark bool) string {
	var out bytes.Buffer
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		if big {
			out.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			out.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return out.String()
}

func TestCodingIsToldByTheFirstBytes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("2026-03-01T11:30:00Z é😀 a line of its own\n", 50)
	for name, c := range map[string]struct{ text, want string }{
		"gzip.log":            {gzipped(t, twoLines), twoLines},
		"gzip, two members":   {gzipped(t, twoLines[:30], twoLines[30:]), twoLines},
		"text.gz":             {twoLines, twoLines},
		"zstd":                {zstded(t, twoLines), twoLines},
		"zstd, two frames":    {zstded(t, twoLines[:30]) + zstded(t, twoLines[30:]), twoLines},
		"bzip2":               {bzip2ed(t, twoLines), twoLines},
		"bzip2, two streams":  {bzip2ed(t, twoLines[:30]) + bzip2ed(t, twoLines[30:]), twoLines},
		"UTF-16":              {utf16ed(twoLines, false, true), twoLines},
		"UTF-16, big end":     {utf16ed(twoLines, true, true), twoLines},
		"UTF-16, no mark":     {utf16ed(long, false, false), long},
		"UTF-16 in gzip":      {gzipped(t, utf16ed(twoLines, false, true)), twoLines},
		"a document in gzip":  {gzipped(t, "[\n{\"time\":\"2026-03-01T11:30:00Z\"}]"), `{"time":"2026-03-01T11:30:00Z"}`},
		"a byte order mark":   {"\xef\xbb\xbf" + twoLines, twoLines},
		"CRLF":                {strings.ReplaceAll(twoLines, "\n", "\r\n"), twoLines},
		"no last line break":  {strings.TrimSuffix(twoLines, "\n"), twoLines},
		"invalid UTF-8":       {"2026-03-01T11:30:00Z \xff\xfe\xc3(\n", "2026-03-01T11:30:00Z \xff\xfe\xc3(\n"},
		"NULs after a crash":  {twoLines + strings.Repeat("\x00", 5000), twoLines},
		"NULs in the middle":  {twoLines[:23] + strings.Repeat("\x00", 5000) + twoLines[23:], twoLines},
		"an escape of colour": {"\x1b[32m2026-03-01T11:30:00Z\x1b[0m a\n" + twoLines, "\x1b[32m2026-03-01T11:30:00Z\x1b[0m a\n" + twoLines},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.Split(strings.TrimSuffix(c.want, "\n"), "\n")
			path := write(t, t.TempDir(), name, c.text)
			list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
			require.Equal(t, want, lines(list), "%v", notes)
			s := spool(t, strings.NewReader(c.text), 0)
			list, notes = read(t, logfile.Config{Paths: []string{"-"}, Stdin: s}, lastHour)
			require.Equal(t, want, lines(list), "%v", notes)
			if strings.HasPrefix(name, "NULs") {
				require.Contains(t, strings.Join(notes, "\n"), "NUL bytes")
			}
			files, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon, Location: time.UTC})
			require.NoError(t, err)
			reports, err := files.Inspect(context.Background(), 1)
			require.NoError(t, err)
			require.Zero(t, reports[0].Trouble.Kind, reports[0].Trouble.Reason)
		})
	}
}

func TestWhatBreaksOffIsReadAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&text, "2026-03-01T11:30:00Z line %d %x\n", i, i*7919)
	}
	for name, whole := range map[string]string{
		"gzip":          gzipped(t, text.String()),
		"zstd":          zstded(t, text.String()),
		"bzip2":         bzip2ed(t, text.String()),
		"JSON document": "[" + strings.Repeat(`{"time":"2026-03-01T11:30:00Z"},`+"\n", 20000) + `{}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			half := whole[:len(whole)*9/10]
			path := write(t, t.TempDir(), "app.log", half)
			list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
			require.Greater(t, len(list), 100)
			require.Contains(t, strings.Join(notes, "\n"), "what came before was read, the rest is missing")
			require.Contains(t, strings.Join(notes, "\n"), name+" ")
			s := spool(t, strings.NewReader(half), 0)
			list, notes = read(t, logfile.Config{Paths: []string{"-"}, Stdin: s}, lastHour)
			require.Greater(t, len(list), 100)
			require.Contains(t, strings.Join(notes, "\n"), "the rest is missing")
		})
	}
}

func TestWhatIsRefusedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	require.NoError(t, os.Symlink("b", filepath.Join(dir, "a")))
	require.NoError(t, os.Symlink("a", filepath.Join(dir, "b")))
	write(t, dir, "xz", "\xfd7zXZ\x00\x00\x04")
	write(t, dir, "lz4", "\x04\x22\x4d\x18aaaa")
	write(t, dir, "zip", "PK\x03\x04aaaa")
	write(t, dir, "journal", "LPKSHHRH\x00\x00")
	write(t, dir, "pretty", "{\n\t\"__CURSOR\" : \"s\",\n\t\"__REALTIME_TIMESTAMP\" : \"1772364600000000\",\n\t\"MESSAGE\" : \"x\"\n}\n")
	write(t, dir, "export", "__CURSOR=s\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n\n")
	write(t, dir, "binary", strings.Repeat("\x00\x01\x02\x03ab", 100))
	write(t, dir, "xz in gzip", gzipped(t, "\xfd7zXZ\x00\x00\x04"))
	for path, want := range map[string]string{
		filepath.Join(dir, "fifo"):       "is a named pipe, not a regular file",
		"/dev/null":                      "is a device, not a regular file",
		dir:                              "is a directory: write ",
		filepath.Join(dir, "a"):          "too many levels of symbolic links",
		filepath.Join(dir, "xz"):         "xz -dc FILE | quell logs",
		filepath.Join(dir, "lz4"):        "lz4 -dc FILE | quell logs",
		filepath.Join(dir, "zip"):        "unzip -p FILE | quell logs",
		filepath.Join(dir, "journal"):    "journalctl -o json --file FILE | quell logs",
		filepath.Join(dir, "pretty"):     "which is not read: use -o json",
		filepath.Join(dir, "export"):     "which is not read: use -o json",
		filepath.Join(dir, "binary"):     "is binary, not text",
		filepath.Join(dir, "xz in gzip"): "holds xz",
	} {
		files, err := logfile.New(logfile.Config{Paths: []string{path}, Now: noon})
		require.NoError(t, err)
		_, err = files.Read(context.Background(), lastHour, func([]logql.Record) error { return nil })
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
		reports, err := files.Inspect(context.Background(), 1)
		require.NoError(t, err)
		require.Contains(t, reports[0].Trouble.Reason, strings.SplitN(want, ":", 2)[0])
	}
	_, err := logfile.Spool(context.Background(), strings.NewReader("\xfd7zXZ\x00\x00\x04"), logfile.SpoolConfig{Dir: dir})
	require.ErrorContains(t, err, "standard input is xz, which is not read")
}

// A line of 64 MB is never held: memory stays far below it.
func TestOneHugeLineIsNotHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	f, err := os.Create(path)
	require.NoError(t, err)
	block := bytes.Repeat([]byte("x"), 1<<20)
	_, err = f.WriteString("2026-03-01T11:30:00Z ")
	require.NoError(t, err)
	for range 64 {
		_, err = f.Write(block)
		require.NoError(t, err)
	}
	_, err = f.WriteString("\n2026-03-01T11:31:00Z b\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	list, notes := read(t, logfile.Config{Paths: []string{path}, Line: 4096}, lastHour)
	runtime.ReadMemStats(&after)
	require.Len(t, list, 2)
	require.Len(t, list[0].line, 4096)
	require.Contains(t, strings.Join(notes, "\n"), "1 line longer than 4.0 KiB")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(40<<20), "all that was ever allocated")
}

func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	closed := write(t, dir, "closed.log", twoLines)
	open := write(t, dir, "open.log", twoLines)
	require.NoError(t, os.Chmod(closed, 0))
	require.NoError(t, os.Chmod(dir, 0o755))
	for at := dir; at != "/" && at != os.TempDir(); at = filepath.Dir(at) {
		require.NoError(t, os.Chmod(at, 0o755))
	}
	if os.Getuid() == 0 {
		// Root may read everything: the thread reads as nobody, which a thread of
		// its own can, and which is given back before it is let go.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		old, err := unix.SetfsuidRetUid(65534)
		require.NoError(t, err)
		defer func() { _, _ = unix.SetfsuidRetUid(old) }()
	}
	ask := func(paths ...string) ([]string, error) {
		files, err := logfile.New(logfile.Config{Paths: paths, Now: noon})
		require.NoError(t, err)
		return files.Read(context.Background(), lastHour, func([]logql.Record) error { return nil })
	}
	_, err := ask(closed)
	var failed *logfile.Failed
	require.ErrorAs(t, err, &failed)
	require.Equal(t, logfile.Denied, failed.Kind())
	notes, err := ask(closed, open)
	require.NoError(t, err, "one file that can be read is enough")
	require.Contains(t, strings.Join(notes, "\n"), closed+": permission denied")
}

// A compressed file is opened again when its turn comes, and may be gone.
func TestAFileThatVanishes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := []string{write(t, dir, "a.log", gzipped(t, twoLines)), write(t, dir, "b.log", gzipped(t, twoLines))}
	files, err := logfile.New(logfile.Config{Paths: paths, Now: noon})
	require.NoError(t, err)
	seen, gone := 0, ""
	notes, err := files.Read(context.Background(), lastHour, func(batch []logql.Record) error {
		seen += len(batch)
		for _, path := range paths {
			if path != batch[0].Stream.Name && gone == "" {
				gone = path
				return os.Remove(path)
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, seen)
	require.Contains(t, strings.Join(notes, "\n"), gone+": no such file")
}

func TestMixedFormatsInOneFile(t *testing.T) {
	t.Parallel()
	text := `{"time":"2026-03-01T11:30:00Z","msg":"a"}
2026-03-01 11:30:01,000 INFO plain
ts=2026-03-01T11:30:02Z level=info msg=logfmt
{"log":"docker\n","stream":"stdout","time":"2026-03-01T11:30:03Z"}
2026-03-01T11:30:04.1Z stdout F cri
{"broken":
INFO:     127.0.0.1:5 - "GET / HTTP/1.1" 200 OK
`
	path := write(t, t.TempDir(), "app.log", text)
	list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Equal(t, `11:30:00 {"time":"2026-03-01T11:30:00Z","msg":"a"}
11:30:01 2026-03-01 11:30:01,000 INFO plain
11:30:02 ts=2026-03-01T11:30:02Z level=info msg=logfmt
11:30:03 docker
11:30:04.1 cri
11:30:04.1 {"broken":
11:30:04.1 INFO:     127.0.0.1:5 - "GET / HTTP/1.1" 200 OK
`, show(list))
}

func TestAClockThatJumpsBackIsSaid(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", "2026-03-01T11:30:00Z a\n2026-03-01T11:20:00Z b\n2026-03-01T11:31:00Z c\n")
	list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 3)
	require.Contains(t, strings.Join(notes, "\n"), "the clock jumps back at 1 line")
}

func TestAnEmptyFileIsNoTrouble(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", "")
	list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Empty(t, list)
	require.Empty(t, notes)
	s := spool(t, strings.NewReader(""), 0)
	list, notes = read(t, logfile.Config{Paths: []string{"-"}, Stdin: s}, lastHour)
	require.Empty(t, list)
	require.Empty(t, notes)
}

// Thousands of files are read, a hundred at most open at once; beyond the bound
// the oldest are left out, with their number.
func TestThousandsOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 3000 {
		write(t, dir, fmt.Sprintf("%d/app.log", i), "2026-03-01T11:30:00Z a\n")
	}
	glob := []string{filepath.Join(dir, "*/*.log")}
	list, notes := read(t, logfile.Config{Paths: glob}, lastHour)
	require.Len(t, list, 3000)
	require.Empty(t, notes)
	list, notes = read(t, logfile.Config{Paths: glob, Files: 500}, lastHour)
	require.Len(t, list, 500)
	require.Contains(t, strings.Join(notes, "\n"), "only the newest 500 of 3000 files are read")
}

func TestGlobsOfAnyDepth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"top.log", "a/one.log", "a/b/two.log", "a/b/three.txt", "c/b/four.log", "c/b/b/five.log"} {
		write(t, dir, name, "2026-03-01T11:30:00Z "+name+"\n")
	}
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "a", "circle")))
	for pattern, want := range map[string][]string{
		"**/*.log":     {"a/b/two.log", "a/one.log", "c/b/b/five.log", "c/b/four.log", "top.log"},
		"a/**/*.log":   {"a/b/two.log", "a/one.log"},
		"**/b/*.log":   {"a/b/two.log", "c/b/b/five.log", "c/b/four.log"},
		"*/**/two.log": {"a/b/two.log"},
		"c/**":         {"c/b/b/five.log", "c/b/four.log"},
		"*/b/*.log":    {"a/b/two.log", "c/b/four.log"},
	} {
		list, notes := read(t, logfile.Config{Paths: []string{pattern}, Dir: dir}, lastHour)
		var found []string
		for _, g := range list {
			found = append(found, strings.TrimPrefix(g.line, "2026-03-01T11:30:00Z "))
		}
		require.ElementsMatch(t, want, found, "%s: %v", pattern, notes)
	}
	files, err := logfile.New(logfile.Config{Paths: []string{"**/*.none"}, Dir: dir, Now: noon})
	require.NoError(t, err)
	_, err = files.Read(context.Background(), lastHour, func([]logql.Record) error { return nil })
	require.ErrorContains(t, err, "no file matches")
}

func TestHalfALastLineIsSaid(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat(`{"time":"2026-03-01T11:30:00Z","msg":"a"}`+"\n", 40000) // more than a chunk
	for _, before := range []string{"", pad} {
		path := write(t, t.TempDir(), "app.log", before+`{"time":"2026-03-01T11:31:00Z","msg":"b`)
		list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
		require.Equal(t, `{"time":"2026-03-01T11:31:00Z","msg":"b`, list[len(list)-1].line)
		require.Equal(t, []string{"app.log: the last line is half written: its object is not closed, nor does it have a line break"}, notes)
		path = write(t, t.TempDir(), "app.log", before+`{"time":"2026-03-01T11:31:00Z","msg":"b"}`)
		_, notes = read(t, logfile.Config{Paths: []string{path}}, lastHour)
		require.Empty(t, notes, "a last line without a line break may well be whole")
	}
}

// A file may hold a thousand times what it is on disk. The budget is the bound.
func TestWhatShrinksALotIsReadWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := `{"time":"2026-03-01T11:30:00Z","msg":"the same again and again"}` + "\n"
	text := strings.Repeat(line, 100_000)
	var paths []string
	for name, packed := range map[string]string{"a.gz": gzipped(t, text), "b.zst": zstded(t, text)} {
		require.Less(t, 40*len(packed)+1<<20, len(text))
		paths = append(paths, write(t, dir, name, packed))
	}
	list, notes := read(t, logfile.Config{Paths: paths}, lastHour)
	require.Len(t, list, 200_000)
	require.Empty(t, notes)
	list, notes = read(t, logfile.Config{Paths: paths, Budget: 6 << 20}, lastHour)
	require.InDelta(t, (6<<20)/len(line), len(list), 3)
	require.Contains(t, strings.Join(notes, "\n"), "MiB were read: the budget is used up")
}

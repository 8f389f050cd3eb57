package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

var testClock = clock{zone: time.UTC, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}

// seeds are lines of each framing, and ones that only begin like them.
var seeds = []string{
	`{"log":"a\u0026\n","stream":"stdout","attrs":{"tag":"x"},"time":"2026-03-01T11:30:00.1Z"}`,
	`{"log":"a piece","stream":"stdout","time":"2026-03-01T11:30:00.1Z"}`,
	`2026-03-01T11:30:00.100000000Z stdout P half`,
	`2026-03-01T11:30:00.100000000Z stdout F`,
	`2026-03-01T11:30:00.100000000Z {"msg":"a"}`,
	`[pod/a/b] 2026-03-01T11:30:00.1Z x`,
	"\x1b[36mweb-1  | \x1b[0mx",
	`{"__REALTIME_TIMESTAMP":"1772364600100000","MESSAGE":[104,105],"PRIORITY":"3"}`,
	`{"__REALTIME_TIMESTAMP":"1772364600100000","MESSAGE":"{\"a\":1}","_HOSTNAME":"\ud83d\ude00"}`,
	`<34>1 2026-03-01T11:30:00.003Z h app 7 ID47 [ex@1 a="\"]"] msg`,
	`<34>Mar  1 11:30:00 h app[1]: msg`,
	`Mar  1 11:30:00 h app[1]: {"a":1}`,
	`{"timestamp":1772364600100,"message":"a\n","eventId":"1","logStreamName":"s"}`,
	`2026-03-01T11:30:00.123000+00:00 ecs/app/1 x`,
	`{"labels":{"a":"b"},"line":"x","timestamp":"2026-03-01T11:30:00Z"}`,
	`{"log":"`, `{"log":"\`, `{"labels":{`, `<1`, `<1>1 - - - - - [`, `[pod/`, `[]`, `{`, ``, "\x00", "\xef\xbb\xbf",
}

// No line makes a panic; what comes out is never longer than what went in, is
// the same when the line is taken again, and in a verbatim framing lies in it.
func FuzzFrames(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return // a line has none
		}
		before := bytes.Clone(line)
		u := &unframer{clock: testClock, allowed: everyFrame, origins: newOrigins()}
		first := u.take(line)
		text := bytes.Clone(first.line)
		if len(text) > len(line) {
			t.Fatalf("%q became longer: %q", line, text)
		}
		second := u.take(line)
		if !bytes.Equal(text, second.line) || first.time != second.time || first.from != second.from || first.part != second.part {
			t.Fatalf("%q was read in two ways", line)
		}
		if !bytes.Equal(before, line) {
			t.Fatalf("%q was written to", before)
		}
		n := testClock.sniff(append(bytes.Clone(line), '\n'), []string{"service"})
		judged := newUnframer(testClock, n).take(line)
		if n.verbatim && !n.binary && !bytes.Contains(line, judged.line) {
			t.Fatalf("%q is said to be verbatim and became %q", line, judged.line)
		}
	})
}

// all reads a text that comes in the given parts.
func all(t testing.TB, n nature, parts ...[]byte) string {
	readers := make([]io.Reader, len(parts))
	for i, part := range parts {
		readers[i] = bytes.NewReader(part)
	}
	lines := newLineReader(context.Background(), io.MultiReader(readers...), 64<<10)
	var out strings.Builder
	a := &assembler{
		clock: testClock, frames: newUnframer(testClock, n), stream: &logql.Stream{Name: "x", Labels: map[string]string{}}, fields: n.fields, timed: n.timed > 0,
		limit: 64 << 10, window: logql.Window{Start: time.Unix(0, 0), End: testClock.now},
		emit: func(batch []logql.Record) error {
			for _, r := range batch {
				fmt.Fprintln(&out, r.Time, r.Stream.Labels, string(r.Line))
			}
			return nil
		},
	}
	for {
		line, _, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, a.line(line))
	}
	require.NoError(t, a.close())
	return out.String()
}

// Where two reads of a stream meet makes no difference.
func TestTheSplitOfReadsDoesNotMatter(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Join(seeds, "\r\n") + "\nTraceback (most recent call last):\n  File\nKeyError: 1")
	n := testClock.sniff(text, nil)
	n.binary, n.frames = false, everyFrame
	whole := all(t, n, text)
	require.Greater(t, strings.Count(whole, "\n"), 10)
	for at := range len(text) {
		require.Equal(t, whole, all(t, n, text[:at], text[at:]), "at byte %d", at)
	}
}

// What sniff says of a framing is what a search for literals goes by.
func TestVerbatim(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text             string
		verbatim, pieces bool
	}{
		"plain":       {"2026-03-01T11:30:00Z INFO a\n", true, false},
		"JSON":        {`{"time":"2026-03-01T11:30:00Z"}` + "\n", true, false},
		"CRI":         {seeds[3] + " x\n", true, true},
		"stamps":      {seeds[4] + "\n", true, false},
		"pod":         {seeds[5] + "\n", true, false},
		"compose":     {seeds[6] + "\n", true, false},
		"syslog":      {seeds[10] + "\n", true, false},
		"json-file":   {seeds[0] + "\n", false, true},
		"journal":     {seeds[7] + "\n", false, false},
		"CloudWatch":  {seeds[12] + "\n", false, false},
		"logcli":      {seeds[14] + "\n", false, false},
		"one of many": {strings.Repeat("INFO a\n", 50) + seeds[0] + "\n", false, true},
	} {
		n := testClock.sniff([]byte(c.text), nil)
		require.Equal(t, c.verbatim, n.verbatim, name)
		require.Equal(t, c.pieces, n.pieces, name)
	}
	// Frames that the sample does not show are not taken off later, or the
	// promise would not hold of the rest of the file.
	n := testClock.sniff([]byte("INFO a\n"), nil)
	u := newUnframer(testClock, n)
	require.Equal(t, seeds[0], string(u.take([]byte(seeds[0])).line))
	// Each part of a CRI line but the last bears one of the marks.
	require.Contains(t, seeds[2], pieceMarks[0])
}

// A file may be gone between the listing and the opening.
func TestAFileIsGoneWhenItIsOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	require.NoError(t, os.WriteFile(path, []byte("2026-03-01T11:30:00Z a\n"), 0o600))
	files, err := New(Config{Paths: []string{path}, Now: testClock.now})
	require.NoError(t, err)
	list, troubles := files.list()
	require.Len(t, list, 1)
	require.NoError(t, os.Remove(path))
	plan := files.plan(list, logql.Ask{})
	defer plan.close()
	_, err = plan.result(troubles)
	var failed *Failed
	require.ErrorAs(t, err, &failed)
	require.Equal(t, Missing, failed.Kind())
}

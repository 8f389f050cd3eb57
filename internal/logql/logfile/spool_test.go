package logfile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/logfile"
)

func spool(t testing.TB, in io.Reader, limit int64) *logfile.Spooled {
	t.Helper()
	s, err := logfile.Spool(context.Background(), in, logfile.SpoolConfig{Dir: t.TempDir(), Limit: limit})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestStandardInputIsAskedLikeAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := logfile.Spool(context.Background(), iotest.OneByteReader(strings.NewReader("2026-03-01T11:30:00Z a\n2026-03-01T11:31:00Z b")), logfile.SpoolConfig{Dir: dir})
	require.NoError(t, err)
	defer s.Close()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "the temporary file has no name")
	for range 2 {
		list, notes := read(t, logfile.Config{Paths: []string{"-"}, Dir: "/var/log", Stdin: s}, lastHour)
		require.Equal(t, "11:30:00 2026-03-01T11:30:00Z a\n11:31:00 2026-03-01T11:31:00Z b\n", show(list))
		require.Empty(t, notes)
		require.Equal(t, "-", list[0].from.Name)
	}
}

func TestTooMuchStandardInputDropsTheOldestAndSaysSo(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "2026-03-01T11:%02d:%02dZ line %d\n", i/60, i%60, i)
	}
	whole := text.String()
	for _, limit := range []int64{500, 501, 1000, 4096} {
		s := spool(t, strings.NewReader(whole), limit)
		kept, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()))
		require.NoError(t, err)
		require.Equal(t, whole[int64(len(whole))-limit:], string(kept))
		require.Equal(t, int64(len(whole))-limit, s.Dropped())
		list, notes := read(t, logfile.Config{Paths: []string{"-"}, Stdin: s}, lastHour)
		require.Contains(t, list[len(list)-1].line, "line 999")
		require.Contains(t, strings.Join(notes, "\n"), "were dropped")
	}
}

func TestSpoolStopsWithItsContextAndItsReader(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := logfile.Spool(ctx, strings.NewReader("x"), logfile.SpoolConfig{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
	gone := errors.New("gone")
	_, err = logfile.Spool(context.Background(), iotest.ErrReader(gone), logfile.SpoolConfig{Dir: t.TempDir()})
	require.ErrorIs(t, err, gone)
	_, err = logfile.Spool(context.Background(), strings.NewReader(""), logfile.SpoolConfig{Dir: "/does/not/exist"})
	require.ErrorContains(t, err, "temporary file")
}

func TestThereIsNoStandardInput(t *testing.T) {
	t.Parallel()
	_, err := logfile.New(logfile.Config{Paths: []string{"-"}})
	require.ErrorContains(t, err, "standard input")
}

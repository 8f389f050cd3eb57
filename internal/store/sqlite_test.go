package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/store"
)

const hour = time.Hour

// dated opens a store whose process sees the date so many years off.
func dated(t testing.TB, path string, years int) *store.Store {
	t.Helper()
	return openConfig(t, store.Config{Path: path, Now: func() time.Time { return time.Now().AddDate(years, 0, 0) }})
}

func openConfig(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func said(text string) incident.Event {
	return incident.Event{Kind: "note", By: "tester", Data: fmt.Appendf(nil, "%q", text)}
}

func created(t testing.TB, s *store.Store) string {
	t.Helper()
	id, err := s.Create(context.Background(), incident.Header{Title: "x"}, said("opened"))
	require.NoError(t, err)
	return id
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b c?d#e%20é&f", "que ll?.db")
	s := openConfig(t, store.Config{Path: path})
	created(t, s)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), path+suffix)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
	again := openConfig(t, store.Config{Path: path})
	list, err := again.Headers(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestAPathThatIsNoStoreIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("a diary, and no database\n", 100)), 0o600))
	for path, why := range map[string]string{
		text:                         "is damaged, or is no incident store",
		dir:                          "cannot be written",
		filepath.Join(text, "x.db"):  "not a directory",
		filepath.Join("/proc", "db"): "/proc/db",
	} {
		_, err := store.Open(t.Context(), store.Config{Path: path, Patience: time.Second})
		require.ErrorIs(t, err, incident.ErrUnavailable, path)
		require.ErrorContains(t, err, why)
	}
	data, err := os.ReadFile(text)
	require.NoError(t, err)
	require.Contains(t, string(data), "a diary", "what it was is left alone")
}

func TestAFileThatIsTakenAwayIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return os.Rename(path+".other", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "quell.db")
			openConfig(t, store.Config{Path: path + ".other"})
			s := openConfig(t, store.Config{Path: path})
			id := created(t, s)
			require.NoError(t, take(path))
			_, err := s.Append(t.Context(), id, 1, said("lost"))
			require.ErrorIs(t, err, incident.ErrUnavailable)
			require.ErrorContains(t, err, "was removed or replaced while it was in use")
		})
	}
}

func TestAWriterThatNeverEndsIsWaitedForAndNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "quell.db")
	s := openConfig(t, store.Config{Path: path, Patience: 200 * time.Millisecond})
	patient := openConfig(t, store.Config{Path: path, Patience: 2 * time.Minute})
	id := created(t, s)
	other, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	defer other.Close()
	other.SetMaxOpenConns(1)
	_, err = other.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)

	_, err = s.Append(t.Context(), id, 1, said("waits"))
	require.ErrorIs(t, err, incident.ErrUnavailable)
	require.ErrorContains(t, err, "another process has been writing to "+path)
	events, err := s.Events(t.Context(), id, 0)
	require.NoError(t, err, "who reads does not wait")
	require.Len(t, events, 1)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = patient.Append(ctx, id, 1, said("waits less"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), time.Minute)

	_, err = other.Exec("ROLLBACK")
	require.NoError(t, err)
	_, err = s.Append(t.Context(), id, 1, said("now"))
	require.NoError(t, err)
}

// smallDisk mounts a file system of so many bytes that Postgres may use, or skips the test, loudly,
// where that is not allowed; the same is tried without one in
// TestAStoreThatMayNotGrow.
func smallDisk(t testing.TB, bytes int) string {
	t.Helper()
	dir := realserver.TempDir(t, "postgres")
	var owner syscall.Stat_t
	require.NoError(t, syscall.Stat(dir, &owner))
	options := fmt.Sprintf("size=%d,mode=0700,uid=%d,gid=%d", bytes, owner.Uid, owner.Gid)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: a small disk cannot be mounted here: %v\n\n", t.Name(), err)
		t.Skip(err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 3<<20)
	reserve := filepath.Join(dir, "reserve")
	require.NoError(t, os.WriteFile(reserve, make([]byte, 1<<20), 0o600))
	cfg := store.Config{Path: filepath.Join(dir, "quell.db"), Patience: time.Second}
	s := openConfig(t, cfg)
	id := created(t, s)
	last := fillUp(t, s, id)

	other, err := store.Open(t.Context(), cfg) // a full disk is read all the same
	require.NoError(t, err)
	events, err := other.Events(t.Context(), id, 0)
	require.NoError(t, err)
	require.Len(t, events, int(last))
	require.NoError(t, other.Close())

	require.NoError(t, os.Remove(reserve))
	got, err := s.Append(t.Context(), id, last, said("there is room again"))
	require.NoError(t, err)
	require.Equal(t, last+1, got)
	v, err := incident.VerifyAudit(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, last+1, v.Events)
}

// fillUp appends until the disk is full, asks what is left, and returns the
// number of the last event that was kept.
func fillUp(t testing.TB, s *store.Store, id string) int64 {
	t.Helper()
	last, failures := int64(1), 0
	for size := 64 << 10; size > 0; {
		got, err := s.Append(context.Background(), id, last, said(strings.Repeat("x", size)))
		if err == nil {
			last = got
			require.Less(t, last, int64(10_000), "the disk is never full")
			continue
		}
		require.ErrorIs(t, err, incident.ErrUnavailable)
		require.NotErrorIs(t, err, incident.ErrUncertain)
		require.ErrorContains(t, err, "disk")
		require.ErrorContains(t, err, "is full")
		failures++
		size /= 4
	}
	require.Greater(t, failures, 3)
	events, err := s.Events(context.Background(), id, 0)
	require.NoError(t, err)
	require.Len(t, events, int(last))
	_, err = incident.VerifyAudit(context.Background(), s)
	require.NoError(t, err)
	return last
}

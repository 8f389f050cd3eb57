package logs_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/evidence"
)

// fakeJournal puts a script called journalctl first in the path. It writes down
// how it was called.
func fakeJournal(t *testing.T, script string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	said := filepath.Join(dir, "calls")
	text := "#!/bin/sh\necho \"$@\" >>" + said + "\ncase \"$*\" in *--output=short*) " + strings.Replace(script, "|||", " exit 0;; esac\n", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journalctl"), []byte(text+"\n"), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string {
		data, err := os.ReadFile(said)
		require.NoError(t, err)
		return string(data)
	}
}

func entry(at time.Duration, unit, priority, message string) string {
	return fmt.Sprintf(`{"__REALTIME_TIMESTAMP":"%d","_SYSTEMD_UNIT":%q,"PRIORITY":%q,"MESSAGE":%q}`, noon.Add(-at).UnixMicro(), unit, priority, message)
}

func TestJournalIsAskedForTheTimeAndTheUnits(t *testing.T) {
	calls := fakeJournal(t, "||| cat <<'EOF'\n"+entry(time.Minute, "shop.service", "3", "pool timeout")+"\n"+
		entry(30*time.Second, "shop.service", "6", `{"level":"error","message":"from JSON"}`)+"\nEOF")
	target := open(t, connector.Settings{"journal": []any{"shop.service", "shop-*.timer"}, "journal_directory": "j"}, "/srv")
	a := target.Ask(context.Background(), fence(t, `{unit="shop.service", service="shop"}`, map[string]string{"since": "10m"}))
	require.Len(t, list(t, a), 2, "%+v", a)
	said := calls()
	require.Contains(t, said, "--output=json --all --no-pager --output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER,_HOSTNAME,_PID,CONTAINER_NAME "+
		fmt.Sprintf("--since=@%d --until=@%d --unit=shop.service --unit=shop-*.timer --directory=/srv/j", noon.Add(-10*time.Minute).Unix(), noon.Unix()))
	a = target.Ask(context.Background(), builtin("logs.errors", nil))
	require.True(t, a.Known(), "%+v", a)
	a = target.Ask(context.Background(), builtin("logs.sources", nil))
	require.Equal(t, "the journal", list(t, a)[0].(map[string]any)["path"])
}

func TestJournalBesideFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app.log"), ago(time.Minute)+" ERROR from the file\n")
	settings := connector.Settings{"journal": []any{"*"}, "paths": []any{"app.log"}}
	fakeJournal(t, "||| echo '"+entry(time.Minute, "a.service", "3", "from the journal")+"'")
	a := open(t, settings, dir).Ask(context.Background(), fence(t, `{service="shop"}`, nil))
	require.Len(t, list(t, a), 2, "%+v", a)
	// Trouble with one is a note where the other can be read.
	fakeJournal(t, "||| echo 'Failed to open files: Permission denied' >&2; exit 1")
	a = open(t, settings, dir).Ask(context.Background(), fence(t, `{service="shop"}`, nil))
	require.Len(t, list(t, a), 1)
	require.Contains(t, strings.Join(a.Notes, "\n"), "the journal: journalctl: Failed to open files: Permission denied")
}

func TestWhatTheJournalCannotSay(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		status evidence.Status
		reason string
		hint   string
	}{
		"no group":                               {"echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1;||| exit 1", evidence.Denied, "not in the group systemd-journal", "usermod -aG systemd-journal "},
		"no journal":                             {"echo 'No journal files were found.' >&2;||| :", evidence.Unreachable, "journalctl finds no journal on this machine", ""},
		"an option that an old journalctl lacks": {"||| echo 'unrecognized option --output-fields' >&2; exit 1", evidence.Unreachable, "journalctl: unrecognized option", ""},
		"a crash":                                {"||| kill -9 $$", evidence.Unreachable, "signal: killed", ""},
		"no entries":                             {"||| :", evidence.NoData, "no line was written in the last", ""},
		"something else":                         {"||| head -c 4096 /dev/urandom", evidence.Unreachable, "is binary", ""},
		"endless, for a time":                    {"||| exec sleep 600", evidence.TimedOut, "longer than the time allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fakeJournal(t, c.script)
			target := open(t, connector.Settings{"journal": []any{"*"}}, t.TempDir())
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			if strings.HasPrefix(name, "endless") {
				ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
				defer cancel()
			}
			a := target.Ask(ctx, fence(t, `{service="shop"}`, nil))
			require.Equal(t, c.status, a.Status, "%+v", a)
			require.Contains(t, a.Reason, c.reason)
			require.Contains(t, a.Hint, c.hint)
		})
	}
	t.Run("only one's own messages", func(t *testing.T) {
		fakeJournal(t, "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2;||| echo '"+entry(time.Minute, "a.service", "6", "mine")+"'")
		a := open(t, connector.Settings{"journal": []any{"*"}}, t.TempDir()).Ask(context.Background(), fence(t, `{service="shop"}`, nil))
		require.Len(t, list(t, a), 1)
		require.Contains(t, strings.Join(a.Notes, "\n"), "sees only its own messages")
	})
	t.Run("no journalctl", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		target := open(t, connector.Settings{"journal": []any{"*"}}, t.TempDir())
		a := target.Ask(context.Background(), fence(t, `{service="shop"}`, nil))
		require.Equal(t, evidence.Unreachable, a.Status)
		require.Contains(t, a.Reason, "there is no journalctl on this machine")
		checks := target.(connector.Examiner).Examine(context.Background())
		require.False(t, checks[0].OK)
	})
}

// The child and all that it started end with the question.
func TestJournalctlEndsWithItsQuestion(t *testing.T) {
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	fakeJournal(t, "||| sleep 600 & echo $! >"+pids+"; wait")
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	open(t, connector.Settings{"journal": []any{"*"}}, dir).Ask(ctx, fence(t, `{service="shop"}`, nil))
	data, err := os.ReadFile(pids)
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(string(data), &pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ")
	}, 3*time.Second, 20*time.Millisecond, "the grandchild still runs")
}

// Too much is cut at max_read: the oldest goes, with a word.
func TestJournalIsBounded(t *testing.T) {
	line := entry(time.Minute, "a.service", "6", strings.Repeat("x", 1000))
	fakeJournal(t, "||| for i in $(seq 500); do echo '"+line+"'; done; echo '"+entry(time.Second, "a.service", "6", "the newest")+"'")
	a := open(t, connector.Settings{"journal": []any{"*"}, "max_read": "100KiB"}, t.TempDir()).Ask(context.Background(), fence(t, `{service="shop"}`, map[string]string{"limit": "1"}))
	require.Contains(t, fmt.Sprint(list(t, a)[0]), "the newest")
	require.Contains(t, strings.Join(a.Notes, "\n"), "the journal: only the newest 100.0 KiB of")
}

func TestJournalSettings(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]connector.Settings{
		"no name of a unit":  {"journal": []any{"--vacuum-size=1"}},
		"set paths":          {},
		"journal is not set": {"paths": []any{"x"}, "journal_directory": "/x"},
	} {
		_, err := logs.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, want)
	}
}

// The real journalctl reads a journal that systemd-journal-remote wrote
// (testdata/system.journal.gz: ten entries, one of them two hours older).
func TestRealJournalctl(t *testing.T) {
	if _, err := exec.LookPath("journalctl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("journalctl is missing: install Debian's systemd")
		}
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: there is no journalctl\n\n", t.Name())
		t.SkipNow()
	}
	dir := t.TempDir()
	packed, err := os.Open("testdata/system.journal.gz")
	require.NoError(t, err)
	defer func() { _ = packed.Close() }()
	z, err := gzip.NewReader(packed)
	require.NoError(t, err)
	whole, err := io.ReadAll(z)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "system.journal"), whole, 0o600))

	target := open(t, connector.Settings{"journal": []any{"*"}, "journal_directory": dir}, "/")
	show := func(query string) []string {
		a := target.Ask(context.Background(), fence(t, query, map[string]string{"since": "1h"}))
		var out []string
		for _, line := range list(t, a) {
			out = append(out, line.(map[string]any)["line"].(string))
		}
		return out
	}
	require.Equal(t, []string{
		`{"level":"error","service":"api","msg":"pool timeout"}`,
		"Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'",
		"upstream timed out",
		"café \ufffd\x01 not text",
		"first line\nsecond line",
		strings.Repeat("x", 4096) + "…", // as evidence keeps it; journalctl alone would say null
		"from a container",
	}, show(`{hostname="h1"}`))
	require.Equal(t, []string{"upstream timed out"}, show(`{unit="nginx.service", app="nginx", level="warning"}`))
	require.Equal(t, []string{"from a container"}, show(`{container="web"}`))
	require.Equal(t, []string{`{"level":"error","service":"api","msg":"pool timeout"}`}, show(`{unit="api.service"} | json | level="error" | msg=~"pool.*"`))
	one := open(t, connector.Settings{"journal": []any{"nginx.service"}, "journal_directory": dir}, "/")
	require.Len(t, list(t, one.Ask(context.Background(), fence(t, `{hostname=~".+"}`, nil))), 1)

	empty := open(t, connector.Settings{"journal": []any{"*"}, "journal_directory": t.TempDir()}, "/")
	a := empty.Ask(context.Background(), fence(t, `{service="shop"}`, nil))
	require.Equal(t, evidence.Unreachable, a.Status, "%+v", a)
	require.Contains(t, a.Reason, "journalctl finds no journal in ")
	gone := open(t, connector.Settings{"journal": []any{"*"}, "journal_directory": "/does/not/exist"}, "/")
	a = gone.Ask(context.Background(), fence(t, `{service="shop"}`, nil))
	require.Contains(t, a.Reason, "No such file or directory")
}

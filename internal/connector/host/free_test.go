package host_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/host"
	"github.com/quellhq/quell/internal/realserver"
)

// disk is a directory of log files, and a quarantine on another file system.
type disk struct {
	dir, quarantine string
	settings        connector.Settings
}

// otherFileSystem is a directory that lies elsewhere than temporary files do.
const otherFileSystem = "/dev/shm"

func newDisk(t *testing.T) disk {
	t.Helper()
	if os.Geteuid() != 0 {
		realserver.Missing(t, "who has a file open is hidden from ordinary users, so that nothing may go: run the tests as root")
	}
	quarantine, err := os.MkdirTemp(otherFileSystem, "quell-quarantine-")
	if err != nil {
		realserver.Missing(t, "a quarantine needs a second file system: "+err.Error())
	}
	t.Cleanup(func() { _ = os.RemoveAll(quarantine) })
	dir := t.TempDir()
	require.NotEqual(t, device(t, dir), device(t, quarantine), "the tests need temporary files on another file system than "+otherFileSystem)
	return disk{dir, quarantine, connector.Settings{"may_clean": []any{dir}, "quarantine": quarantine}}
}

func device(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Dev
}

// put writes a file that nobody has changed for two days.
func (d disk) put(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, content, 0o640))
	d.age(t, path)
	return path
}

func (d disk) age(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	require.NoError(t, os.Chtimes(path, old, old))
}

// log is text that packs well.
func log(lines int) []byte { return bytes.Repeat([]byte("GET /orders 200 12ms\n"), lines) }

// world is every file with all that is to be kept of it.
func (d disk) world(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&out, "%s %s %d %d:%d %s %x\n", path, info.Mode(), info.Size(), st.Uid, st.Gid, info.ModTime(), content[:min(len(content), 40)])
		return nil
	}))
	return out.String()
}

func TestMakingRoomKeepsTheContract(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"move", "compress"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			for n := range 3 {
				d.put(t, fmt.Sprintf("app/app.log.%d", n), log(2000+n))
			}
			d.put(t, "app/app.log", log(10))
			actiontest.Run(t, actiontest.Case{
				Spec: actionSpec(t, "host.free_disk"),
				Args: map[string]any{"paths": []any{d.dir + "/*/app.log.?"}, "method": method, "for": "24h"},
				Open: func(t *testing.T) action.Changer { return changer(t, d.settings) },
				World: func(t *testing.T) string {
					return d.world(t)
				},
				Effects: func(t *testing.T) int {
					if left, _ := filepath.Glob(d.dir + "/app/app.log.?"); len(left) == 0 {
						return 1
					}
					return 0
				},
			})
			require.NoFileExists(t, filepath.Join(d.quarantine, "INC-1.1.1-test", d.dir, "app/app.log.0"), "what was brought back is still kept")
		})
	}
}

func TestMovedFilesAreWholeAndOthersStay(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	path := d.put(t, "a.log", log(1000))
	young := filepath.Join(d.dir, "young.log")
	require.NoError(t, os.WriteFile(young, log(1000), 0o644))
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/*.log"}})
	require.Len(t, order.Preview.Items, 1)
	require.Contains(t, warnings(order), "1 file younger than 24h")
	require.Contains(t, order.Preview.Items[0].Now, "24 kB")
	done, err := apply(t, d.settings, order)
	require.NoError(t, err)
	require.NoFileExists(t, path)
	require.FileExists(t, young)
	kept, err := os.ReadFile(filepath.Join(d.quarantine, order.Key, path))
	require.NoError(t, err)
	require.Equal(t, log(1000), kept)
	require.Equal(t, order.Key, done.Inverse.Args.Text("batch"))
	info, err := os.Stat(filepath.Join(d.quarantine, order.Key))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), "others may read what they could not read before")

	// A file of that name is there again: it is not overwritten.
	d.put(t, "a.log", []byte("new"))
	o, err := preview(t, d.settings, "host.restore_files", done.Inverse.Args)
	require.NoError(t, err)
	require.True(t, o.Preview.Already)
	require.Contains(t, warnings(o), "is there again")
}

func TestFilesInUseAreLeftAloneOrEmptiedInPlace(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	path := d.put(t, "live.log", log(5000))
	writer := start(t, "append "+path, "orders-api")
	d.age(t, path)
	for _, method := range []string{"move", "compress", "delete"} {
		o, err := preview(t, d.settings, "host.free_disk", map[string]any{"paths": []any{path}, "method": method})
		require.NoError(t, err)
		require.True(t, o.Preview.Already)
		require.Contains(t, warnings(o), fmt.Sprintf("process %d (host.test) has it open", writer.Process.Pid))
	}
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{path}, "method": "truncate"})
	require.Equal(t, action.R3, order.Preview.Risk)
	require.Empty(t, order.Preview.Undo)
	require.NotContains(t, warnings(order), "hole")
	require.Equal(t, action.NotMade, standing(t, d.settings, order).State)
	done, err := apply(t, d.settings, order)
	require.NoError(t, err)
	require.Nil(t, done.Inverse)
	require.Equal(t, action.Made, standing(t, d.settings, order).State)
	kept, err := os.ReadFile(filepath.Join(d.quarantine, order.Key, path))
	require.NoError(t, err)
	require.Equal(t, log(5000), kept)
	require.NoError(t, writer.Process.Signal(syscall.SIGUSR1))
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(path)
		return err == nil && string(text) == "written later\n"
	}, 5*time.Second, 10*time.Millisecond, "the writer goes on in the emptied file")
	again, err := apply(t, d.settings, order)
	require.NoError(t, err)
	require.Equal(t, done.Summary, again.Summary)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "written later\n", string(text), "it was emptied twice")
}

func TestWhatIsDeletedIsSaidToBeGone(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	delete(d.settings, "quarantine")
	path := d.put(t, "core.1", log(1000))
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/core.*"}, "method": "delete"})
	require.Equal(t, action.R4, order.Preview.Risk)
	require.Empty(t, order.Preview.Undo)
	require.NotEmpty(t, order.Preview.Destroys)
	_, err := apply(t, d.settings, order)
	require.NoError(t, err)
	require.NoFileExists(t, path)
	require.Equal(t, action.Made, standing(t, d.settings, order).State)
	empties := d.put(t, "core.2", log(1000))
	order = planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{empties}, "method": "truncate"})
	require.Equal(t, action.R4, order.Preview.Risk, "emptied without a copy")
	_, err = preview(t, d.settings, "host.free_disk", map[string]any{"paths": []any{empties}})
	refuses(t, err, "needs a quarantine")
}

func TestNothingOutsideOfTheAllowedDirectoriesIsTouched(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	outside := filepath.Join(t.TempDir(), "precious.log")
	require.NoError(t, os.WriteFile(outside, log(1000), 0o644))
	d.age(t, outside)
	require.NoError(t, os.Symlink(outside, filepath.Join(d.dir, "link.log")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(d.dir, "linked")))
	for name, pattern := range map[string]string{
		"outside":                               outside,
		"above":                                 d.dir + "/../" + filepath.Base(filepath.Dir(outside)) + "/precious.log",
		"the directory itself":                  d.dir,
		"a directory whose name only begins so": d.dir + "-other/x",
		"relative":                              "var/log/x",
		"a pattern that is none":                d.dir + "/[",
		"any depth":                             d.dir + "/**/x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := preview(t, d.settings, "host.free_disk", map[string]any{"paths": []any{pattern}})
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
		})
	}
	// Links are neither files nor ways.
	o, err := preview(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/*.log", d.dir + "/linked/*", d.dir + "/*/precious.log"}})
	require.NoError(t, err)
	require.True(t, o.Preview.Already)

	// A directory is exchanged for a link after the approval.
	d.put(t, "app/precious.log", log(1000))
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/app/*"}, "method": "delete"})
	require.NoError(t, os.RemoveAll(filepath.Join(d.dir, "app")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(d.dir, "app")))
	_, err = apply(t, d.settings, order)
	require.Error(t, err)
	require.FileExists(t, outside)
	_, err = preview(t, nil, "host.free_disk", map[string]any{"paths": []any{outside}})
	refuses(t, err, "needs a quarantine")
	_, err = preview(t, nil, "host.free_disk", map[string]any{"paths": []any{outside}, "method": "delete"})
	refuses(t, err, "no directory may be cleaned")
}

func TestSomeFilesAreNeverRubbish(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put(t, "quell.db", append([]byte("SQLite format 3\x00"), log(1000)...))
	d.put(t, "quell.db-wal", log(1000))
	twice := d.put(t, "twice.log", log(1000))
	require.NoError(t, os.Link(twice, filepath.Join(d.dir, "other-name")))
	d.put(t, "empty.log", nil)
	own, err := os.Open(d.put(t, "own.log", log(1000)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = own.Close() })
	for _, method := range []string{"move", "compress", "truncate", "delete"} {
		o, err := preview(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/*"}, "method": method})
		require.NoError(t, err)
		require.True(t, o.Preview.Already, "%v", o.Preview.Items)
		for _, says := range []string{"it is a database", "it has other names", "quell itself uses it"} {
			require.Contains(t, warnings(o), says, method)
		}
	}
	noise := make([]byte, 100_000)
	_, err = rand.Read(noise)
	require.NoError(t, err)
	path := d.put(t, "noise.bin", noise)
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{path}, "method": "compress"})
	_, err = apply(t, d.settings, order)
	fails(t, err, action.NotMade, "does not get smaller")
	left, err := filepath.Glob(d.dir + "/.*")
	require.NoError(t, err)
	require.Empty(t, left, "a half-made file was left behind")
}

func TestAFileThatHasChangedMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	same, changed := d.put(t, "same.log", log(1000)), d.put(t, "changed.log", log(1000))
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/*.log"}, "older_than": "0s"})
	require.NoError(t, os.WriteFile(changed, log(2000), 0o644))
	_, err := apply(t, d.settings, order)
	fails(t, err, action.NotMade, "changed.log has changed since this was approved")
	require.FileExists(t, same)
	// One that is gone by itself does not hold the others up.
	require.NoError(t, os.Remove(changed))
	done, err := apply(t, d.settings, order)
	require.NoError(t, err)
	require.Contains(t, done.Summary, "1 of 2 files, and 1 had gone before")
	require.NoFileExists(t, same)
}

func TestAQuarantineThatCannotHelpIsRefused(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put(t, "a.log", log(1000))
	args := map[string]any{"paths": []any{d.dir + "/*"}}
	for says, quarantine := range map[string]string{"the same file system": t.TempDir(), "no such file": otherFileSystem + "/quell-no-such-directory"} {
		d.settings["quarantine"] = quarantine
		_, err := preview(t, d.settings, "host.free_disk", args)
		refuses(t, err, says)
	}
	for says, s := range map[string]connector.Settings{
		"too much":             {"may_clean": []any{"/var"}},
		"the system's own":     {"may_clean": []any{"/etc/app"}},
		"absolute path":        {"may_clean": []any{"logs"}},
		"outside of may_clean": {"may_clean": []any{"/srv/app/log"}, "quarantine": "/srv/app/log/old"},
	} {
		_, err := host.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
	for _, batch := range []string{"../../etc", ".", "a/b", ""} {
		_, err := preview(t, d.settings, "host.restore_files", map[string]any{"batch": batch})
		var refusal *action.Refusal
		require.ErrorAs(t, err, &refusal)
	}
}

func TestDeletedFilesThatAreOpenAreNamed(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put(t, "a.log", log(1000))
	holder := start(t, fmt.Sprintf("deleted %s/gone.log %d", d.dir, 20<<20), "orders-api")
	order := planned(t, d.settings, "host.free_disk", map[string]any{"paths": []any{d.dir + "/*"}})
	require.Contains(t, warnings(order), fmt.Sprintf("process %d (host.test) holds 20 MB of a deleted file", holder.Process.Pid))
}

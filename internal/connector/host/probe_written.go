package host

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func writtenSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.written",
		Question: "Which files were written lately, and which directories hold most of them?",
		Why:      "A disk that is full says nothing of who has filled it. What took space within the last hour does.",
		Cost:     "walks through the directories of fuller disks, at most 150,000 names and three seconds; opens no file",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "within", Type: probe.Duration, Default: "1h", About: "how long ago a file may have been written"},
			{Name: "fuller", Type: probe.Number, Default: "0.8", About: "only file systems that are fuller than this share, 0 to 1"},
			{Name: "least", Type: probe.Number, Default: "1048576", About: "smallest file that counts, bytes"},
		},
		Fields: []probe.Field{
			{Name: "looked_at", Type: "list", About: "mounted file systems that were walked through"},
			{Name: "bytes", Type: "number", About: "space that files written lately take, summed"},
			{Name: "files", Type: "rows", About: "path, bytes, age_s (seconds since it was written): the 20 largest"},
			{Name: "directories", Type: "rows", About: "path, bytes, files: the 10 directories with most of it"},
			{Name: "complete", Type: "bool", About: "every name was looked at; else what is here is part of it"},
		},
		Outcomes: []probe.Outcome{
			{When: "one directory has nearly all", Means: "that is what fills the disk: rotate it, move it, or stop who writes it"},
			{When: "looked_at is empty", Means: "no file system is fuller than asked for"},
		},
	}
}

// A walk bounds itself: a mail spool or a build cache has millions of names.
const (
	maxNames    = 150_000
	walkTime    = 3 * time.Second
	maxWritten  = 20
	maxWrittenD = 10
)

type writtenFile struct {
	path  string
	bytes int64
	age   float64
}

func (t *target) written(ctx context.Context, q probe.Question) evidence.Answer {
	within, fuller, least := time.Hour, 0.8, int64(1<<20)
	if d, ok := q.Args["within"].(time.Duration); ok && d > 0 {
		within = d
	}
	if n, ok := q.Args["fuller"].(float64); ok {
		fuller = n
	}
	if n, ok := q.Args["least"].(float64); ok && n >= 0 {
		least = int64(n)
	}
	w := walk{ctx: ctx, until: time.Now().Add(walkTime), now: t.tools.Now(), within: within, least: least, dirs: map[string]*writtenFile{}, count: map[string]int64{}}
	looked := []any{}
	err := t.request(ctx, func() error {
		mounts, err := t.sys.mounts()
		if err != nil {
			return err
		}
		mounts = mounts[:min(len(mounts), maxMounts)]
		answers := t.statAll(ctx, mounts)
		for i, m := range mounts {
			share, known := diskRow(m, answers[i])["used_share"].(float64)
			if !known || share <= fuller || m.readOnly || m.superRead || remote[m.kind] {
				continue
			}
			looked = append(looked, m.dir)
			w.through(filepath.Join(t.config.Root, m.dir))
		}
		return nil
	})
	if err != nil {
		return failure("look for what was written", err)
	}
	return evidence.Of(w.value(t, looked))
}

// remote are file systems of other machines: a walk there is their load.
var remote = map[string]bool{"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "ceph": true, "fuse.sshfs": true, "glusterfs": true, "9p": true}

type walk struct {
	ctx    context.Context
	until  time.Time
	now    time.Time
	within time.Duration
	least  int64

	names int
	cut   bool
	total int64
	files []writtenFile
	dirs  map[string]*writtenFile
	count map[string]int64
}

// through walks one file system and does not leave it.
func (w *walk) through(root string) {
	info, err := os.Lstat(root)
	if err != nil {
		return
	}
	top, _ := factsOf(info)
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if w.names++; w.names > maxNames || w.ctx.Err() != nil || w.names%500 == 0 && time.Now().After(w.until) {
			w.cut = true
			return filepath.SkipAll
		}
		if err != nil {
			if d != nil && d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			if info, err := d.Info(); path != root && err == nil {
				if here, _ := factsOf(info); here.id.device != top.id.device {
					return filepath.SkipDir
				}
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		w.add(path, info)
		return nil
	})
}

// add counts the blocks of a file, which a sparse one has fewer of than bytes.
func (w *walk) add(path string, info fs.FileInfo) {
	age, size := w.now.Sub(info.ModTime()), info.Size()
	if f, ok := factsOf(info); ok {
		size = f.takes
	}
	if age > w.within || size < w.least {
		return
	}
	w.total += size
	w.files = append(w.files, writtenFile{path, size, max(age.Seconds(), 0)})
	dir := filepath.Dir(path)
	if w.dirs[dir] == nil {
		w.dirs[dir] = &writtenFile{path: dir}
	}
	w.dirs[dir].bytes += size
	w.count[dir]++
}

func (w *walk) value(t *target, looked []any) map[string]any {
	largest := func(list []writtenFile) {
		sort.Slice(list, func(i, j int) bool {
			if list[i].bytes != list[j].bytes {
				return list[i].bytes > list[j].bytes
			}
			return list[i].path < list[j].path
		})
	}
	largest(w.files)
	var dirs []writtenFile
	for _, d := range w.dirs {
		dirs = append(dirs, *d)
	}
	largest(dirs)
	files, directories := []any{}, []any{}
	for _, f := range w.files[:min(len(w.files), maxWritten)] {
		files = append(files, map[string]any{"path": t.shown(f.path), "bytes": f.bytes, "age_s": f.age})
	}
	for _, d := range dirs[:min(len(dirs), maxWrittenD)] {
		directories = append(directories, map[string]any{"path": t.shown(d.path), "bytes": d.bytes, "files": w.count[d.path]})
	}
	return map[string]any{"looked_at": looked, "bytes": w.total, "files": files, "directories": directories, "complete": !w.cut}
}

// shown is a path as the host itself has it.
func (t *target) shown(path string) string {
	return t.tools.Redact.Text("/" + strings.TrimLeft(strings.TrimPrefix(path, t.config.Root), "/"))
}

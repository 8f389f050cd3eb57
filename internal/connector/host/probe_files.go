package host

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func filesSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.files",
		Question: "Do deleted files still take space because a process holds them open?",
		Why:      "df says full and du finds nothing: a log was removed while its writer had it open. Only the writer can give the space back.",
		Cost:     "reads the links of open files, at most 200,000",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "least", Type: probe.Number, Default: "1048576", About: "smallest file to list, bytes"},
		},
		Fields: []probe.Field{
			{Name: "bytes", Type: "number", About: "space that deleted open files take, summed, each file once"},
			{Name: "by_mount", Type: "rows", About: "the same for each file system: mount (empty where it is not known), bytes"},
			{Name: "count", Type: "number", About: "how many there are"},
			{Name: "files", Type: "rows", About: "pid, command, path, bytes, fd; the 20 largest of at least the smallest size"},
		},
		Outcomes: []probe.Outcome{
			{When: "bytes is a large part of the disk", Means: "restart or reload the holder, or empty the file through /proc/PID/fd/FD"},
		},
	}
}

type deletedFile struct {
	pid        int
	comm, path string
	fd         string
	bytes      int64
	device     uint64
}

// maxFilesShown bounds the list.
const maxFilesShown = 20

func (t *target) files(ctx context.Context, q probe.Question) evidence.Answer {
	least := int64(1 << 20)
	if n, ok := q.Args["least"].(float64); ok && n >= 0 {
		least = int64(n)
	}
	var found []deletedFile
	var hidden, seenProcesses int
	var cut bool
	err := t.request(ctx, func() error {
		procs, err := t.sys.processes(ctx)
		if err != nil {
			return err
		}
		seenProcesses = len(procs)
		found, hidden, cut, err = t.sys.deleted(ctx, procs)
		return err
	})
	if err != nil {
		return failure("look for deleted files", err)
	}
	if hidden > 0 && hidden == seenProcesses {
		return evidence.Not(evidence.Denied, "the open files of all processes are hidden from us", hintHidden)
	}
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].bytes != found[j].bytes {
			return found[i].bytes > found[j].bytes
		}
		return found[i].pid < found[j].pid
	})
	var total int64
	rows := []any{}
	for _, f := range found {
		total += f.bytes
		if f.bytes >= least && len(rows) < maxFilesShown {
			rows = append(rows, map[string]any{"pid": int64(f.pid), "command": f.comm, "path": t.tools.Redact.Text(f.path), "bytes": f.bytes, "fd": f.fd})
		}
	}
	var notes []string
	if hidden > 0 {
		notes = append(notes, fmt.Sprintf("open files of %d processes are hidden from us: %s", hidden, hintHidden))
	}
	if cut {
		notes = append(notes, fmt.Sprintf("stopped after %d open files", maxFDs))
	}
	return evidence.Of(map[string]any{"bytes": total, "by_mount": t.byMount(found), "count": int64(len(found)), "files": rows}, notes...)
}

// byMount sums deleted files by the file system that they take space on: a full
// disk is not filled by what was deleted on another one.
func (t *target) byMount(found []deletedFile) []any {
	names := map[uint64]string{}
	mounts, _ := t.sys.mounts()
	for _, m := range mounts {
		var major, minor uint32
		if _, err := fmt.Sscanf(m.id, "%d:%d", &major, &minor); err == nil {
			names[deviceNumber(major, minor)] = m.dir
		}
	}
	sums := map[string]int64{}
	for _, f := range found {
		sums[names[f.device]] += f.bytes
	}
	rows := []any{}
	for _, mount := range slices.Sorted(maps.Keys(sums)) {
		rows = append(rows, map[string]any{"mount": mount, "bytes": sums[mount]})
	}
	return rows
}

// deleted lists open files whose name is gone, each once. Memory that only
// looks like a file (memfd, shared memory of the kernel) takes no disk.
func (s system) deleted(ctx context.Context, procs []process) (found []deletedFile, hidden int, cut bool, err error) {
	once := map[fileID]bool{}
	looked := 0
	for _, p := range procs {
		if err := ctx.Err(); err != nil {
			return found, hidden, cut, err
		}
		dir := filepath.Join(s.proc, strconv.Itoa(p.pid), "fd")
		entries, err := os.ReadDir(dir)
		if err != nil {
			if os.IsPermission(err) {
				hidden++
			}
			continue
		}
		for _, e := range entries {
			if looked++; looked > maxFDs {
				return found, hidden, true, nil
			}
			link, err := os.Readlink(filepath.Join(dir, e.Name()))
			path, gone := strings.CutSuffix(link, " (deleted)")
			if err != nil || !gone || strings.HasPrefix(path, "/memfd:") || strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/SYSV") || strings.HasPrefix(path, "/[aio]") {
				continue
			}
			st, err := statOpen(filepath.Join(dir, e.Name()))
			if err != nil || !st.regular || once[st.id] {
				continue
			}
			once[st.id] = true
			found = append(found, deletedFile{pid: p.pid, comm: p.comm, path: path, fd: e.Name(), bytes: st.bytes, device: st.id.device})
		}
	}
	return found, hidden, cut, nil
}

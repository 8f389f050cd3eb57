package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func diskSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.disk",
		Question: "Is a file system full, out of inodes, read-only, or not answering?",
		Why:      `"No space left on device" has four causes that look the same to a program: space, inodes, reserved blocks and deleted files that are still open.`,
		Cost:     "one statfs call for each mounted file system",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "mount", Type: "text", About: "where it is mounted"},
			{Name: "device", Type: "text", About: "what is mounted"},
			{Name: "type", Type: "text", About: "type of the file system"},
			{Name: "size_bytes", Type: "number", About: "size"},
			{Name: "available_bytes", Type: "number", About: "what programs other than root may still write"},
			{Name: "reserved_bytes", Type: "number", About: "what only root may write"},
			{Name: "used_share", Type: "number", About: "used by used and available, as df counts, 0 to 1"},
			{Name: "inodes", Type: "number", About: "files that it can hold; 0 where there is no such limit"},
			{Name: "inode_share", Type: "number", About: "inodes in use, 0 to 1; null where there is no limit"},
			{Name: "read_only", Type: "bool", About: "nothing can be written"},
			{Name: "turned_read_only", Type: "bool", About: "it was mounted for writing and the kernel has made it read-only: a disk error"},
			{Name: "problem", Type: "text", About: "no answer (a hung network file system), denied, or empty"},
		},
		Outcomes: []probe.Outcome{
			{When: "used_share is over 0.95", Means: "nearly full: look for what grew, and at host.files"},
			{When: "inode_share is over 0.95", Means: "too many small files: space is free and files still cannot be made"},
			{When: "turned_read_only is true", Means: "the kernel met an error: host.kernel_messages says which"},
			{When: "problem is no answer", Means: "the file server is gone; programs that touch the mount hang in state D"},
		},
	}
}

// pseudo are file systems that hold no data of anybody's.
var pseudo = map[string]bool{
	"proc": true, "sysfs": true, "devpts": true, "devtmpfs": true, "cgroup": true, "cgroup2": true, "mqueue": true, "debugfs": true,
	"tracefs": true, "securityfs": true, "pstore": true, "bpf": true, "autofs": true, "binfmt_misc": true, "configfs": true,
	"fusectl": true, "hugetlbfs": true, "nsfs": true, "rpc_pipefs": true, "efivarfs": true, "selinuxfs": true, "ramfs": true,
}

// always full and read-only by nature: images.
var images = map[string]bool{"squashfs": true, "iso9660": true, "erofs": true, "cramfs": true}

type mount struct {
	dir, device, kind string
	readOnly          bool // the mount's own flag
	superRead         bool // the file system's flag
	id                string
}

// maxMounts bounds how many are asked.
const maxMounts = 200

// mounts lists mounted file systems that hold data, each once.
func (s system) mounts() ([]mount, error) {
	data, err := s.read("self", "mountinfo")
	if err != nil {
		if data, err = s.read("1", "mountinfo"); err != nil {
			return nil, err
		}
	}
	var all, out []mount
	seen, at := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(data)) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 6 || len(r) < 3 || pseudo[r[0]] || images[r[0]] {
			continue
		}
		m := mount{dir: unescape(l[4]), device: unescape(r[1]), kind: r[0], id: l[2]}
		m.readOnly, m.superRead = option(l[5], "ro"), option(r[2], "ro")
		// A later mount on the same directory hides the earlier one; the same
		// file system mounted twice is asked once, where its path is shortest.
		if i, ok := at[m.dir]; ok {
			all[i] = m
			continue
		}
		at[m.dir] = len(all)
		all = append(all, m)
	}
	for _, m := range all {
		if i, ok := seen[m.id]; ok {
			if len(m.dir) < len(out[i].dir) {
				out[i] = m
			}
			continue
		}
		seen[m.id] = len(out)
		out = append(out, m)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].dir < out[j].dir })
	return out, nil
}

func option(list, name string) bool {
	for _, o := range strings.Split(list, ",") {
		if o == name {
			return true
		}
	}
	return false
}

// unescape undoes the octal escapes of mountinfo (space, tab, newline, backslash).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// statWait is how long one file system may take. A healthy one answers in
// microseconds, a network one in milliseconds.
const statWait = 500 * time.Millisecond

type statAnswer struct {
	space space
	err   error
}

func (t *target) disk(ctx context.Context, _ probe.Question) evidence.Answer {
	var mounts []mount
	rows := []any{}
	var notes []string
	err := t.request(ctx, func() error {
		var err error
		if mounts, err = t.sys.mounts(); err != nil {
			return err
		}
		if len(mounts) > maxMounts {
			notes = append(notes, fmt.Sprintf("%d file systems, the first %d were asked", len(mounts), maxMounts))
			mounts = mounts[:maxMounts]
		}
		answers := t.statAll(ctx, mounts)
		for i, m := range mounts {
			if row := diskRow(m, answers[i]); row != nil {
				rows = append(rows, row)
			}
		}
		return nil
	})
	if err != nil {
		return failure("read the mounts", err)
	}
	if len(rows) == 0 {
		return evidence.Not(evidence.NoData, "no file system is visible here", "")
	}
	return evidence.Of(rows, notes...)
}

// statAll asks all file systems at once and waits for each at most statWait. A
// call that hangs cannot be stopped: its goroutine stays until the file server
// answers, and nobody waits for it. That is the price of not hanging with it.
func (t *target) statAll(ctx context.Context, mounts []mount) []*statAnswer {
	channels := make([]chan statAnswer, len(mounts))
	for i, m := range mounts {
		channels[i] = make(chan statAnswer, 1)
		go func(dir string, answer chan<- statAnswer) {
			var a statAnswer
			a.space, a.err = statMount(dir)
			answer <- a
		}(filepath.Join(t.config.Root, m.dir), channels[i])
	}
	answers := make([]*statAnswer, len(mounts))
	late := time.NewTimer(statWait)
	defer late.Stop()
	over := false
	for i := range channels {
		if over {
			select {
			case a := <-channels[i]:
				answers[i] = &a
			default:
			}
			continue
		}
		select {
		case a := <-channels[i]:
			answers[i] = &a
		case <-late.C:
			over = true
		case <-ctx.Done():
			over = true
		}
	}
	return answers
}

func diskRow(m mount, a *statAnswer) map[string]any {
	row := map[string]any{
		"mount": m.dir, "device": m.device, "type": m.kind, "size_bytes": nil, "available_bytes": nil,
		"reserved_bytes": nil, "used_share": nil, "inodes": nil, "inode_share": nil,
		"read_only": m.readOnly || m.superRead, "turned_read_only": m.superRead && !m.readOnly, "problem": "",
	}
	switch {
	case a == nil:
		row["problem"] = "no answer"
		return row
	case errors.Is(a.err, os.ErrPermission):
		row["problem"] = "denied"
		return row
	case a.err != nil:
		return nil // unmounted meanwhile, or hidden below another mount
	}
	d := a.space
	if d.size == 0 {
		return nil
	}
	row["size_bytes"], row["available_bytes"], row["reserved_bytes"] = int64(d.size), int64(d.available), int64(max(d.free-d.available, 0))
	row["used_share"] = share(d.size-d.free, d.size-d.free+d.available)
	row["inodes"] = int64(d.inodes)
	// Some file systems (btrfs, overlay on it, network ones) have no inode limit.
	row["inode_share"] = share(d.inodes-d.inodesFree, d.inodes)
	return row
}

package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/probe"
)

// An event loop serves many requests in one thread. When that thread sleeps, it
// sleeps in one place of the kernel, where it waits for whatever comes next.
// Found asleep anywhere else, it waits for one thing, and all requests with it.

func loopFields() []probe.Field {
	return []probe.Field{
		{Name: "loop_blocked_share", Type: "number", About: "of the worker with an event loop that was worst: share of some twenty looks in which its loop slept in a call that blocks, 0 to 1; null without loops, or when hidden"},
		{Name: "loop_waits_for", Type: "text", About: "what such calls waited for: sleep, network, lock, disk, child, other; empty when none did"},
	}
}

// loopWatch counts where the loops of a service were found asleep.
type loopWatch struct {
	sys     system
	pids    []int
	seen    map[int]int
	blocked map[int]int
	places  map[int]map[string]int
}

func newLoopWatch(sys system, pids []int) *loopWatch {
	if len(pids) > mostLoops {
		pids = pids[:mostLoops]
	}
	return &loopWatch{sys: sys, pids: pids, seen: map[int]int{}, blocked: map[int]int{}, places: map[int]map[string]int{}}
}

// mostLoops bounds how many processes are looked at twenty times a second.
const mostLoops = 32

// look takes one sample. The first thread of a Python server runs its loop.
func (w *loopWatch) look() {
	for _, pid := range w.pids {
		p, err := w.sys.process(pid)
		if err != nil {
			continue
		}
		if p.state == "R" {
			w.seen[pid]++
			continue
		}
		if p.state != "S" && p.state != "D" {
			continue
		}
		data, err := w.sys.read(strconv.Itoa(pid), "wchan")
		place := strings.TrimSpace(string(data))
		if err != nil || place == "" || place == "0" {
			continue // hidden from us, or it has just gone on
		}
		w.seen[pid]++
		if kind := waitsFor(place); kind != "" {
			w.blocked[pid]++
			if w.places[pid] == nil {
				w.places[pid] = map[string]int{}
			}
			w.places[pid][kind]++
		}
	}
}

// waitsFor names what a place of the kernel waits for; empty for the wait of
// an event loop. The names differ a little between versions of the kernel.
func waitsFor(place string) string {
	for _, k := range []struct{ kind, parts string }{
		{"", "epoll ep_poll cqring io_uring"},
		{"sleep", "nanosleep nsleep"},
		{"lock", "futex flock locks_lock"},
		{"network", "poll do_select select sk_wait wait_woken tcp_ inet_ unix_ skb_ sock_ recvmsg connect"},
		{"child", "pipe do_wait wait4 waitid"},
		{"disk", "io_schedule folio page_ jbd2 ext4 xfs nfs rpc_ blk_ fsync"},
	} {
		for part := range strings.FieldsSeq(k.parts) {
			if strings.Contains(place, part) {
				return k.kind
			}
		}
	}
	return "other"
}

// fewestLooks is how many samples a share needs.
const fewestLooks = 8

func (w *loopWatch) add(out map[string]any, members map[int]bool) {
	out["loop_blocked_share"], out["loop_waits_for"] = nil, ""
	worst := -1.0
	for _, pid := range w.pids {
		if w.seen[pid] < fewestLooks || !members[pid] {
			continue
		}
		share := float64(w.blocked[pid]) / float64(w.seen[pid])
		if share <= worst {
			continue
		}
		worst = share
		out["loop_blocked_share"], out["loop_waits_for"] = share, most(w.places[pid])
	}
}

// most is the most frequent; of equals the first by name.
func most(counts map[string]int) string {
	best := ""
	for k, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && k < best {
			best = k
		}
	}
	return best
}

// loops are the processes of a service that run an event loop.
func (v serviceView) loops(members map[int]bool) []int {
	head, workers := v.head(members)
	if head.pid == 0 {
		return nil
	}
	fam, role := v.now.role(head)
	runsLoop := func(process) bool { return true }
	switch fam {
	case "uvicorn", "hypercorn", "daphne":
	case "gunicorn":
		class := appserver.Of(v.target.sys.proc, head.pid, head.args, 0).Class
		if class == "" { // hidden behind a title
			runsLoop = v.target.sys.runsLoop
		} else if !loopClass(class) {
			return nil
		}
	default:
		return nil
	}
	var pids []int
	for _, w := range workers {
		if runsLoop(w) {
			pids = append(pids, w.pid)
		}
	}
	if role == "single" && runsLoop(head) {
		pids = append(pids, head.pid)
	}
	return pids
}

// runsLoop reports whether a process of Python has loaded its library of event
// loops and holds the file that a loop waits on: many load it and run none.
func (s system) runsLoop(p process) bool {
	id := strconv.Itoa(p.pid)
	maps, err := s.read(id, "maps")
	if err != nil || !strings.Contains(string(maps), "/_asyncio.") && !strings.Contains(string(maps), "/uvloop/") {
		return false
	}
	dir := filepath.Join(s.proc, id, "fd")
	files, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range files[:min(len(files), mostOpen)] {
		if link, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && link == "anon_inode:[eventpoll]" {
			return true
		}
	}
	return false
}

// mostOpen bounds how many open files are looked through for that one: it is
// among the first that a worker opens.
const mostOpen = 256

// loopClass reports whether a class of gunicorn's workers runs an event loop.
func loopClass(class string) bool {
	for _, part := range []string{"uvicorn", "asgi", "aiohttp", "tornado", "gevent", "eventlet", "hypercorn"} {
		if strings.Contains(strings.ToLower(class), part) {
			return true
		}
	}
	return false
}

package host

import (
	"context"
	"regexp"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func messagesSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.kernel_messages",
		Question: "What does the kernel complain about?",
		Why:      "Disk errors, full tables and hung tasks are said once, by the kernel, and nowhere else.",
		Cost:     "reads the kernel's messages",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "kind", Type: "text", About: "oom, disk_error, read_only, conntrack_full, file_table_full, syn_flood, hung_task, segfault, clock"},
			{Name: "at", Type: "number", About: "seconds since 1970; 0 when it bears no time"},
			{Name: "age_s", Type: "number", About: "seconds ago; null when it bears no time"},
			{Name: "text", Type: "text", About: "the message"},
		},
		Outcomes: []probe.Outcome{
			{When: "there is no row", Means: "the kernel has no complaint that is known here"},
			{When: "kind is conntrack_full", Means: "new connections are dropped at random"},
		},
	}
}

// complaints are messages that mean trouble, as the kernel writes them.
var complaints = []struct {
	kind string
	re   *regexp.Regexp
}{
	{"oom", regexp.MustCompile(`Killed process \d+|oom-kill:constraint`)},
	{"read_only", regexp.MustCompile(`[Rr]emounting filesystem read-only`)},
	{"disk_error", regexp.MustCompile(`I/O error|EXT4-fs error|XFS \([^)]*\): (?:Corruption|Filesystem has been shut down)|BTRFS (?:error|critical)|Medium Error`)},
	{"conntrack_full", regexp.MustCompile(`nf_conntrack: .*table full`)},
	{"file_table_full", regexp.MustCompile(`VFS: file-max limit \d+ reached`)},
	{"syn_flood", regexp.MustCompile(`[Pp]ossible SYN flooding on port`)},
	{"hung_task", regexp.MustCompile(`blocked for more than \d+ seconds`)},
	{"segfault", regexp.MustCompile(`segfault at |general protection fault`)},
	{"clock", regexp.MustCompile(`Clocksource .* unstable|clocksource: Marking clocksource`)},
}

// maxMessages bounds the list.
const maxMessages = 100

func (t *target) messages(ctx context.Context, q probe.Question) evidence.Answer {
	lines, source, err := t.kernelLines(ctx)
	if err != nil {
		a := failure("read the kernel's messages", err)
		a.Hint = hintKernelLog
		return a
	}
	now := float64(q.Now.Unix())
	if q.Now.IsZero() {
		now = float64(t.tools.Now().Unix())
	}
	rows := []any{}
	for i := len(lines) - 1; i >= 0 && len(rows) < maxMessages; i-- {
		l := lines[i]
		for _, c := range complaints {
			if !c.re.MatchString(l.text) {
				continue
			}
			row := map[string]any{"kind": c.kind, "at": l.at, "age_s": nil, "text": t.tools.Redact.Text(l.text)}
			if l.at > 0 {
				row["age_s"] = max(now-l.at, 0)
			}
			rows = append(rows, row)
			break
		}
	}
	return evidence.Of(rows, "read from "+source)
}

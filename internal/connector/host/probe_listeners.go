package host

import (
	"context"
	"fmt"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func listenersSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.listeners",
		Question: "Who listens on which port?",
		Why:      "A port in use names the process that must be looked at, and only listeners count: a client of the same port is no suspect.",
		Cost:     "reads the socket tables and the links of open files",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "port", Type: probe.Text, Default: `""`, About: "only this port; empty: all"},
		},
		Fields: []probe.Field{
			{Name: "port", Type: "number", About: "port"},
			{Name: "protocol", Type: "text", About: "tcp or udp"},
			{Name: "family", Type: "number", About: "4 or 6"},
			{Name: "address", Type: "text", About: "local address; 0.0.0.0 and :: mean every one"},
			{Name: "loopback", Type: "bool", About: "only this machine can connect"},
			{Name: "pid", Type: "number", About: "process that holds it (the oldest of several); null when hidden from us"},
			{Name: "processes", Type: "number", About: "how many processes hold it"},
			{Name: "command", Type: "text", About: "its command"},
			{Name: "cmdline", Type: "text", About: "its command line, without secrets"},
			{Name: "user", Type: "text", About: "user that owns the socket"},
			{Name: "waiting", Type: "number", About: "connections that wait to be accepted (tcp)"},
		},
		Outcomes: []probe.Outcome{
			{When: "no row has the service's port", Means: "the service does not listen on this machine"},
			{When: "loopback is true for the service's port", Means: "it listens for this machine only: others are refused"},
			{When: "waiting grows", Means: "the process does not accept connections fast enough, or not at all"},
		},
	}
}

type listener struct {
	socket
	pids []int
}

// listening finds the listeners and who holds them.
func (t *target) listening(ctx context.Context) (found []listener, procs []process, hidden int, err error) {
	err = t.request(ctx, func() error {
		wanted := map[uint64]bool{}
		scan := t.sys.sockets(ctx, []string{"tcp", "tcp6", "udp", "udp6"}, func(s socket) {
			if s.protocol == "tcp" && s.state == "LISTEN" || s.protocol == "udp" && s.remote.Port() == 0 {
				found = append(found, listener{socket: s})
				wanted[s.inode] = true
			}
		})
		if scan != nil && len(found) == 0 {
			return scan
		}
		if procs, err = t.sys.processes(ctx); err != nil {
			return err
		}
		var held map[uint64][]int
		held, hidden, err = t.sys.holders(ctx, procs, wanted)
		for i := range found {
			found[i].pids = held[found[i].inode]
		}
		return err
	})
	sort.SliceStable(found, func(i, j int) bool {
		a, b := found[i], found[j]
		switch {
		case a.local.Port() != b.local.Port():
			return a.local.Port() < b.local.Port()
		case a.protocol != b.protocol:
			return a.protocol < b.protocol
		case a.family != b.family:
			return a.family < b.family
		}
		return a.local.String() < b.local.String()
	})
	return found, procs, hidden, err
}

func (t *target) listeners(ctx context.Context, q probe.Question) evidence.Answer {
	found, procs, _, err := t.listening(ctx)
	if err != nil {
		return failure("read the socket tables", err)
	}
	only, _ := q.Args["port"].(string)
	known, who := newTree(procs), names{}
	rows, unknown := []any{}, 0
	for _, l := range found {
		if only != "" && fmt.Sprint(l.local.Port()) != only {
			continue
		}
		row := map[string]any{
			"port": int64(l.local.Port()), "protocol": l.protocol, "family": int64(l.family),
			"address": l.local.Addr().String(), "loopback": l.local.Addr().IsLoopback(),
			"pid": nil, "processes": int64(len(l.pids)), "command": "", "cmdline": "",
			"user": who.of(l.uid), "waiting": l.queue,
		}
		if len(l.pids) > 0 {
			p := known.oldest(l.pids)
			row["pid"], row["command"], row["cmdline"] = int64(p.pid), p.comm, t.tools.Redact.Text(p.line())
		} else {
			unknown++
		}
		rows = append(rows, row)
	}
	var notes []string
	if unknown > 0 {
		notes = append(notes, fmt.Sprintf("%d listeners belong to processes that are hidden from us: %s", unknown, hintHidden))
	}
	rows, notes = t.cap(rows, notes)
	return evidence.Of(rows, notes...)
}

// oldest is the process that started first: the master of several that share.
func (t tree) oldest(pids []int) process {
	best := t.all[pids[0]]
	for _, pid := range pids[1:] {
		p := t.all[pid]
		if p.start < best.start || p.start == best.start && p.pid < best.pid {
			best = p
		}
	}
	return best
}

// cap cuts rows at the limit, and says so.
func (t *target) cap(rows []any, notes []string) ([]any, []string) {
	if limit := t.tools.Gate.Limits().Rows; len(rows) > limit {
		notes = append(notes, fmt.Sprintf("cut at %d of %d rows", limit, len(rows)))
		rows = rows[:limit]
	}
	return rows, notes
}

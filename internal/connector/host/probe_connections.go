package host

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func connectionsSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.connections",
		Question: "Which TCP connections are open, to whom, and does any table run full?",
		Why:      "Connections that nobody closes, ports that run out, a full accept queue or a full connection table each break new connections, and each has its own number.",
		Cost:     "two readings of the network counters a second apart, one of the socket tables",
		Shape:    probe.Object,
		Params:   []probe.Param{sampleParam()},
		Fields: []probe.Field{
			{Name: "by_state", Type: "object", About: "number of connections by state: ESTABLISHED, TIME_WAIT, CLOSE_WAIT …"},
			{Name: "established", Type: "number", About: "open connections"},
			{Name: "close_wait", Type: "number", About: "closed by the peer and not by us: a program forgets to close"},
			{Name: "time_wait", Type: "number", About: "just closed by us: no reuse of connections"},
			{Name: "syn_sent", Type: "number", About: "attempts of ours without an answer yet"},
			{Name: "close_wait_command", Type: "text", About: "the command with the most connections in CLOSE_WAIT; empty when hidden or none"},
			{Name: "remotes", Type: "rows", About: "address, port, connections, established, time_wait, close_wait, syn_sent: the 20 peers with the most connections of ours to them"},
			{Name: "processes", Type: "rows", About: "pid, command, connections, close_wait: the 20 with the most"},
			{Name: "ports_total", Type: "number", About: "local ports for outgoing connections"},
			{Name: "ports_share", Type: "number", About: "use of them towards the busiest peer, 0 to 1"},
			{Name: "queue_overflows_per_s", Type: "number", About: "connections dropped because a program did not accept them, per second"},
			{Name: "syn_retries_per_s", Type: "number", About: "first packets sent again, per second; null where it is not counted"},
			{Name: "retransmit_share", Type: "number", About: "segments sent again by segments sent, between the readings, 0 to 1; null with fewer than 100 sent"},
			{Name: "resets_per_s", Type: "number", About: "resets sent, per second"},
			{Name: "conntrack_used", Type: "number", About: "entries of the firewall's connection table; null without one"},
			{Name: "conntrack_share", Type: "number", About: "the same by its limit, 0 to 1; null without one"},
		},
		Outcomes: []probe.Outcome{
			{When: "close_wait is in the hundreds", Means: "a program does not close connections: a leak of sockets"},
			{When: "ports_share is over 0.8", Means: `outgoing connections soon fail with "cannot assign requested address"`},
			{When: "queue_overflows_per_s is over 0", Means: "a program accepts too slowly: clients see time-outs although it listens"},
			{When: "conntrack_share is over 0.9", Means: "new connections are dropped at random"},
		},
	}
}

type peer struct {
	addr netip.AddrPort
	n    map[string]int64
}

func (t *target) netCounters() map[string]int64 {
	out := map[string]int64{}
	for _, name := range []string{"netstat", "snmp"} {
		data, err := t.sys.read("net", name)
		if err != nil {
			if data, err = t.sys.read("1", "net", name); err != nil {
				continue
			}
		}
		for k, v := range table(data) {
			out[k] = v
		}
	}
	return out
}

func (t *target) connections(ctx context.Context, q probe.Question) evidence.Answer {
	var a, b map[string]int64
	var socks []socket
	var procs []process
	var held map[uint64][]int
	var notes []string
	hidden := 0
	took, err := t.twice(ctx, q,
		func() error { a = t.netCounters(); return nil },
		func() error {
			b = t.netCounters()
			wanted := map[uint64]bool{}
			err := t.sys.sockets(ctx, []string{"tcp", "tcp6"}, func(s socket) {
				if s.state != "" {
					socks = append(socks, s)
					if s.inode != 0 && s.state != "LISTEN" {
						wanted[s.inode] = true
					}
				}
			})
			if err != nil && !errors.Is(err, errMany) {
				return err
			}
			if err != nil {
				notes = append(notes, fmt.Sprintf("only the first %d sockets were counted", maxSockets))
			}
			if procs, err = t.sys.processes(ctx); err != nil {
				return err
			}
			held, hidden, err = t.sys.holders(ctx, procs, wanted)
			return err
		})
	if err != nil {
		return failure("read the socket tables", err)
	}
	if hidden > 0 {
		notes = append(notes, fmt.Sprintf("connections of %d processes have no owner here: %s", hidden, hintHidden))
	}
	rate := func(key string) any {
		if _, ok := b[key]; !ok {
			return nil
		}
		return max(float64(b[key]-a[key]), 0) / took.Seconds()
	}
	v := t.countSockets(socks, held, newTree(procs))
	v["queue_overflows_per_s"] = rate("TcpExt.ListenOverflows")
	v["syn_retries_per_s"] = rate("TcpExt.TCPSynRetrans")
	v["resets_per_s"] = rate("Tcp.OutRsts")
	v["retransmit_share"] = nil
	if sent := b["Tcp.OutSegs"] - a["Tcp.OutSegs"]; sent >= 100 {
		v["retransmit_share"] = float64(b["Tcp.RetransSegs"]-a["Tcp.RetransSegs"]) / float64(sent)
	}
	v["conntrack_used"], v["conntrack_share"] = nil, nil
	used, okU := number(filepath.Join(t.sys.proc, "sys/net/netfilter/nf_conntrack_count"))
	most, okM := number(filepath.Join(t.sys.proc, "sys/net/netfilter/nf_conntrack_max"))
	if okU && okM {
		v["conntrack_used"], v["conntrack_share"] = used, share(float64(used), float64(most))
	}
	return evidence.Of(v, notes...)
}

// countSockets sums sockets by state, by peer and by process. A connection is
// ours when its local port is not one that somebody listens on.
func (t *target) countSockets(socks []socket, held map[uint64][]int, known tree) map[string]any {
	listening := map[uint16]bool{}
	for _, s := range socks {
		if s.state == "LISTEN" {
			listening[s.local.Port()] = true
		}
	}
	states := map[string]any{}
	peers := map[netip.AddrPort]*peer{}
	type owner struct{ n, closeWait int64 }
	owners := map[int]*owner{}
	count := map[string]int64{}
	for _, s := range socks {
		count[s.state]++
		if s.state == "LISTEN" {
			continue
		}
		if !listening[s.local.Port()] {
			p := peers[s.remote]
			if p == nil {
				p = &peer{addr: s.remote, n: map[string]int64{}}
				peers[s.remote] = p
			}
			p.n[s.state]++
			p.n[""]++
		}
		for _, pid := range held[s.inode] {
			o := owners[pid]
			if o == nil {
				o = &owner{}
				owners[pid] = o
			}
			o.n++
			if s.state == "CLOSE_WAIT" {
				o.closeWait++
			}
		}
	}
	for k, n := range count {
		states[k] = n
	}
	var ranked []*peer
	for _, p := range peers {
		ranked = append(ranked, p)
	}
	sort.Slice(ranked, func(i, j int) bool {
		if ranked[i].n[""] != ranked[j].n[""] {
			return ranked[i].n[""] > ranked[j].n[""]
		}
		return ranked[i].addr.Compare(ranked[j].addr) < 0
	})
	remotes := []any{}
	for _, p := range ranked[:min(len(ranked), 20)] {
		remotes = append(remotes, map[string]any{
			"address": p.addr.Addr().String(), "port": int64(p.addr.Port()), "connections": p.n[""],
			"established": p.n["ESTABLISHED"], "time_wait": p.n["TIME_WAIT"], "close_wait": p.n["CLOSE_WAIT"], "syn_sent": p.n["SYN_SENT"],
		})
	}
	var pids []int
	for pid := range owners {
		pids = append(pids, pid)
	}
	sort.Slice(pids, func(i, j int) bool {
		if owners[pids[i]].n != owners[pids[j]].n {
			return owners[pids[i]].n > owners[pids[j]].n
		}
		return pids[i] < pids[j]
	})
	processes, guilty, worst := []any{}, "", int64(0)
	for i, pid := range pids {
		if o := owners[pid]; o.closeWait > worst {
			worst, guilty = o.closeWait, known.all[pid].comm
		}
		if i < 20 {
			processes = append(processes, map[string]any{"pid": int64(pid), "command": known.all[pid].comm, "connections": owners[pid].n, "close_wait": owners[pid].closeWait})
		}
	}
	v := map[string]any{
		"by_state": states, "established": count["ESTABLISHED"], "close_wait": count["CLOSE_WAIT"],
		"time_wait": count["TIME_WAIT"], "syn_sent": count["SYN_SENT"], "close_wait_command": guilty,
		"remotes": remotes, "processes": processes, "ports_total": nil, "ports_share": nil,
	}
	if low, high, ok := t.portRange(); ok {
		total := high - low + 1
		v["ports_total"] = total
		if len(ranked) > 0 {
			v["ports_share"] = share(float64(ranked[0].n[""]), float64(total))
		} else {
			v["ports_share"] = 0.0
		}
	}
	return v
}

func (t *target) portRange() (low, high int64, ok bool) {
	data, err := t.sys.read("sys", "net", "ipv4", "ip_local_port_range")
	if err != nil {
		return 0, 0, false
	}
	_, err = fmt.Sscan(strings.TrimSpace(string(data)), &low, &high)
	return low, high, err == nil && high >= low
}

package host

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func pathsSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.paths",
		Question: "How long do packets travel to each peer, and how many are lost on the way?",
		Why:      "A network that is full or lossy shows in the connections that are open anyway: their packets take longer than the best that the same connection has seen, or are sent twice.",
		Cost:     "two readings of the kernel's table of connections a second apart, as ss -ti does",
		Shape:    probe.Object,
		Params:   []probe.Param{sampleParam()},
		Fields: []probe.Field{
			{Name: "connections", Type: "number", About: "open connections to other machines that sent something in the last minute"},
			{Name: "peers", Type: "rows", About: "peer (address and port that we connect to, or address alone of those who connect to us), direction (out, in), local (both ends are this machine), connections, rtt_s (median), shortest_s (median of the shortest seen), stretch (rtt by shortest; null where unknown), sent (packets with data between the readings), again (packets sent again between them), again_share (null under 20 sent), stuck (connections that wait for an acknowledgement that does not come): the 50 with the most"},
			{Name: "slow_peers", Type: "number", About: "peers elsewhere whose packets take over 3 times the shortest and over 20 ms more"},
			{Name: "lossy_peers", Type: "number", About: "peers to which over 2 % is sent again, or with a connection that is stuck"},
			{Name: "remote_peers", Type: "number", About: "peers on other machines"},
			{Name: "sent", Type: "number", About: "packets with data between the readings, all peers"},
			{Name: "again", Type: "number", About: "of them sent again"},
			{Name: "again_share", Type: "number", About: "again by sent, 0 to 1; null under 100 sent"},
			{Name: "stuck", Type: "number", About: "connections that wait for an acknowledgement that does not come"},
		},
		Outcomes: []probe.Outcome{
			{When: "most peers are slow or lossy", Means: "this machine's own link, or the network as a whole"},
			{When: "one peer is", Means: "that machine, or the way to it"},
			{When: "stuck is over 0 and again_share small", Means: "single connections died silently: a filter or a machine that is gone"},
		},
	}
}

// pathInfo is how one connection fares.
type pathInfo struct {
	local, remote netip.AddrPort
	cookie        uint64
	rtt, shortest time.Duration // smoothed round trip, and the shortest of the last minutes; 0 unknown
	quiet         time.Duration // since the last acknowledgement
	sent, again   int64         // packets with data since it was opened, and those sent again
	waiting       bool
}

// lately is how long ago a connection may have sent something and still say how
// the way is now.
const lately = time.Minute

// way sums the connections to one peer.
type way struct {
	name, direction string
	local           bool
	connections     int64
	rtts, shortests []float64
	sent, again     int64
	stuck           int64
}

func (t *target) paths(ctx context.Context, q probe.Question) evidence.Answer {
	if t.sys.proc != "/proc" {
		return evidence.Not(evidence.NotApplicable, "the table of connections is that of this machine, and proc is of another", "")
	}
	type key struct {
		cookie        uint64
		local, remote netip.AddrPort
	}
	first := map[key]pathInfo{}
	var second []pathInfo
	listening := map[uint16]bool{}
	var notes []string
	_, err := t.twice(ctx, q,
		func() error {
			return connectionsInfo(ctx, func(p pathInfo) { first[key{p.cookie, p.local, p.remote}] = p })
		},
		func() error {
			err := t.sys.sockets(ctx, []string{"tcp", "tcp6"}, func(s socket) {
				if s.state == "LISTEN" {
					listening[s.local.Port()] = true
				}
			})
			if err != nil && !errors.Is(err, errMany) {
				return err
			}
			return connectionsInfo(ctx, func(p pathInfo) { second = append(second, p) })
		})
	switch {
	case errors.Is(err, errMany):
		notes = append(notes, "only the first connections were looked at")
	case err != nil:
		return failure("ask how connections fare", err)
	}
	by := map[string]*way{}
	for _, p := range second {
		if p.quiet > lately && !p.waiting {
			continue
		}
		before := first[key{p.cookie, p.local, p.remote}] // a new one has sent nothing before
		addPath(by, p, before, listening[p.local.Port()])
	}
	return evidence.Of(pathsValue(by), notes...)
}

func addPath(by map[string]*way, now, before pathInfo, incoming bool) {
	name, direction := now.remote.String(), "out"
	if incoming {
		name, direction = now.remote.Addr().String(), "in"
	}
	p := by[direction+" "+name]
	if p == nil {
		p = &way{name: name, direction: direction, local: now.remote.Addr() == now.local.Addr() || now.remote.Addr().IsLoopback()}
		by[direction+" "+name] = p
	}
	p.connections++
	if now.rtt > 0 && now.sent > 0 {
		p.rtts = append(p.rtts, now.rtt.Seconds())
		if now.shortest > 0 {
			p.shortests = append(p.shortests, now.shortest.Seconds())
		}
	}
	p.sent += max(now.sent-before.sent, 0)
	p.again += max(now.again-before.again, 0)
	if now.waiting {
		p.stuck++
	}
}

// middle is the median; 0 of none.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func pathsValue(by map[string]*way) map[string]any {
	list := make([]*way, 0, len(by))
	for _, p := range by {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *way) int {
		if a.connections != b.connections {
			return int(b.connections - a.connections)
		}
		return strings.Compare(a.direction+a.name, b.direction+b.name)
	})
	var connections, slow, lossy, remote, sent, again, stuck int64
	rows := []any{}
	for i, p := range list {
		rtt, shortest := middle(p.rtts), middle(p.shortests)
		row := map[string]any{
			"peer": p.name, "direction": p.direction, "local": p.local, "connections": p.connections,
			"rtt_s": nil, "shortest_s": nil, "stretch": nil, "sent": p.sent, "again": p.again, "again_share": nil, "stuck": p.stuck,
		}
		if rtt > 0 {
			row["rtt_s"] = rtt
		}
		if rtt > 0 && shortest > 0 {
			row["shortest_s"], row["stretch"] = shortest, rtt/shortest
		}
		lost := p.stuck > 0
		if p.sent >= 20 {
			row["again_share"] = share(float64(p.again), float64(p.sent))
			lost = lost || float64(p.again) > 0.02*float64(p.sent)
		}
		sent, again, stuck = sent+p.sent, again+p.again, stuck+p.stuck
		if lost {
			lossy++
		}
		if !p.local {
			connections += p.connections
			remote++
			if shortest > 0 && rtt > 3*shortest && rtt > shortest+0.02 {
				slow++
			}
		}
		if i < 50 {
			rows = append(rows, row)
		}
	}
	v := map[string]any{
		"connections": connections, "peers": rows, "slow_peers": slow, "lossy_peers": lossy, "remote_peers": remote,
		"sent": sent, "again": again, "again_share": nil, "stuck": stuck,
	}
	if sent >= 100 {
		v["again_share"] = float64(again) / float64(sent)
	}
	return v
}

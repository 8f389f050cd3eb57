package docker

import (
	"context"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func portsSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.ports",
		Question: "Which ports are published, and does anything listen inside of the container where they lead?",
		Why:      "A published port that leads to nothing is refused or reset as if the service were down, while it runs well.",
		Cost:     "the list of containers, one GET for each, and /proc/PID/net of each where the engine is on this machine",
		Shape:    probe.Rows,
		Params:   []probe.Param{serviceParam()},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "of the container"},
			{Name: "outside", Type: "number", About: "port of the machine"},
			{Name: "address", Type: "text", About: "of the machine, at which it is published"},
			{Name: "inside", Type: "number", About: "port of the container"},
			{Name: "protocol", Type: "text", About: "tcp, udp or sctp"},
			{Name: "reaches", Type: "bool", About: "something listens there on an address that the outside reaches; null where that cannot be seen"},
			{Name: "loopback_only", Type: "bool", About: "it listens there, for the container itself only; null where that cannot be seen"},
			{Name: "listens_on", Type: "list", About: "every address with port that something in the container listens on"},
			{Name: "started_s", Type: "number", About: "seconds since the container's start"},
		},
		Outcomes: []probe.Outcome{
			{When: "reaches is false and listens_on is not empty", Means: "the mapping and the program speak of different ports or addresses"},
			{When: "no rows", Means: "nothing is published"},
		},
	}
}

func (t *target) ports(ctx context.Context, q probe.Question) evidence.Answer {
	found, _, notes, err := t.of(ctx, q)
	if err != nil {
		return answer(err)
	}
	run := slices.DeleteFunc(found, func(s summary) bool { return s.State != "running" })
	if len(run) == 0 {
		return evidence.Not(evidence.NoData, "no container of "+t.service(q)+" runs", "")
	}
	all, err := t.inspect(ctx, run)
	if err != nil {
		return answer(err)
	}
	rows := []any{}
	hidden := false
	for _, c := range all {
		listeners, seen := t.listeners(c)
		hidden = hidden || !seen
		rows = append(rows, t.mappings(c, listeners, seen)...)
	}
	if hidden && len(rows) > 0 {
		notes = append(notes, "what listens inside cannot be seen: that needs the engine's machine, and root")
	}
	return evidence.Of(rows, notes...)
}

func (t *target) mappings(c container, listeners []listener, seen bool) []any {
	published := c.NetworkSettings.Ports
	if len(published) == 0 {
		published = c.HostConfig.PortBindings
	}
	keys := make([]string, 0, len(published))
	for key := range published {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var rows []any
	for _, key := range keys {
		number, protocol, _ := strings.Cut(key, "/")
		inside, _ := strconv.Atoi(number)
		for i, b := range published[key] {
			outside, err := strconv.Atoi(b.HostPort)
			if err != nil || i > 0 && published[key][i-1].HostPort == b.HostPort {
				continue // the same for IPv6
			}
			row := map[string]any{
				"name": c.Name, "outside": int64(outside), "address": b.HostIP, "inside": int64(inside), "protocol": protocol,
				"reaches": nil, "loopback_only": nil, "listens_on": texts(listeners), "started_s": t.age(c.State.StartedAt),
			}
			if seen && protocol == "tcp" {
				reaches, loopback := false, false
				for _, l := range listeners {
					if l.port == inside {
						reaches = reaches || !l.ip.IsLoopback()
						loopback = loopback || l.ip.IsLoopback()
					}
				}
				row["reaches"], row["loopback_only"] = reaches, loopback && !reaches
			}
			rows = append(rows, row)
		}
	}
	return rows
}

type listener struct {
	ip   net.IP
	port int
}

func texts(listeners []listener) []any {
	seen := map[string]bool{}
	out := []any{}
	for _, l := range listeners {
		text := net.JoinHostPort(l.ip.String(), strconv.Itoa(l.port))
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

// listeners reads what listens in a container's network, through the files of
// its first process. A process of the same number that is not the container's
// (the engine may count processes of its own) is told by its control group.
func (t *target) listeners(c container) ([]listener, bool) {
	if !t.client.local || c.State.Pid <= 0 {
		return nil, false
	}
	dir := filepath.Join(t.client.proc, strconv.Itoa(c.State.Pid))
	groups, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	if err != nil || !strings.Contains(string(groups), c.ID) {
		return nil, false
	}
	var out []listener
	seen := false
	for _, name := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(filepath.Join(dir, "net", name))
		if err != nil {
			continue
		}
		seen = true
		out = append(out, parseListeners(string(data))...)
	}
	return out, seen
}

// parseListeners reads the sockets in state LISTEN of /proc/net/tcp or tcp6.
func parseListeners(text string) []listener {
	var out []listener
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != "0A" { // LISTEN
			continue
		}
		address, port, ok := strings.Cut(f[1], ":")
		number, err := strconv.ParseUint(port, 16, 16)
		raw, bad := hex.DecodeString(address)
		if !ok || err != nil || bad != nil || len(raw) != 4 && len(raw) != 16 {
			continue
		}
		// Each four bytes stand in the order of the machine, which is little-endian where Docker runs.
		for i := 0; i < len(raw); i += 4 {
			raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
		}
		out = append(out, listener{net.IP(raw), int(number)})
	}
	return out
}

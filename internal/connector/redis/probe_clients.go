package redis

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// manyClients is where CLIENT LIST gets too long to ask for during a fault:
// about 300 bytes a line, all written by the one thread.
const manyClients = 20000

func clientsQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	rows := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "rows", About: about} }
	return builtin{ask: askClients, spec: probe.Spec{
		Name:     "redis.clients",
		Question: "Who is connected, from where, and what do they do?",
		Why:      "A leak shows as many idle connections from one place, a slow reader as one fat buffer, workers as blocked clients, which is their normal state.",
		Cost:     "one INFO clients, one CLIENT LIST (not above 20,000 clients); our own connection is left out",
		Shape:    probe.Object,
		Fields: []probe.Field{
			number("count", "clients, ours excluded"), number("maxclients", "limit"), number("used_share", "count ÷ limit"),
			number("blocked", "waiting in a blocking command (BLPOP, XREAD BLOCK…)"), number("pubsub", "subscribed"), number("monitors", "running MONITOR"), number("replicas", "replicas"),
			number("idle_1h", "ordinary clients idle for over an hour"), number("idle_1h_share", "their share of ordinary clients; null without"),
			number("idle_1m", "ordinary clients idle for over a minute"), number("idle_1m_share", "their share; null without"),
			number("never_used", "ordinary clients that have not sent a command since they said hello, and are older than 10 s"),
			number("oldest_idle_s", "longest idle of an ordinary client; null without"),
			number("out_bytes", "output buffers together"), number("out_bytes_max", "largest output buffer; null without clients"), number("in_bytes_max", "largest query buffer; null without clients"),
			number("total_bytes", "memory of all clients (7.0+; buffers alone before)"),
			rows("by_addr", "by host, most first, at most 20: addr, count, share, idle_1m, out_bytes"),
			rows("by_name", "by client name, most first, at most 20: name, count"),
			rows("by_cmd", "by last command, most first, at most 20: cmd, count"),
			number("top_addr_share", "share of the host with most clients; null without clients"),
			rows("fattest", "ten clients with most memory: id, addr, name, cmd, flags, age_s, idle_s, out_bytes, in_bytes, total_bytes"),
			rows("idlest", "ten ordinary clients idle longest: id, addr, name, cmd, age_s, idle_s"),
		},
		Outcomes: []probe.Outcome{
			{When: "used_share above 0.9", Means: "soon new clients are refused"},
			{When: "blocked is about the number of workers", Means: "workers wait for work: normal"},
			{When: "out_bytes_max above 32 MB", Means: "somebody asks for more than they read: MONITOR, a subscriber, or a huge reply"},
		},
	}}
}

type clientLine map[string]string

func (c clientLine) num(name string) float64 {
	f, _ := strconv.ParseFloat(c[name], 64)
	return f
}

func (c clientLine) has(flag string) bool { return strings.Contains(c["flags"], flag) }

// total is the client's memory: tot-mem where the server has it (7.0+).
func (c clientLine) total() float64 {
	if n := c.num("tot-mem"); n > 0 {
		return n
	}
	return c.num("omem") + c.num("obl") + c.num("qbuf") + c.num("qbuf-free")
}

func (c clientLine) out() float64 { return c.num("omem") + c.num("obl") }

func (c clientLine) host() string {
	addr := c["addr"]
	if addr == "" || strings.HasPrefix(addr, "/") || strings.HasSuffix(addr, ":0") {
		return "unix socket"
	}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

func askClients(ctx context.Context, t *target, _ arguments) evidence.Answer {
	first, err := t.client.do(ctx, []any{"INFO", "clients"})
	if err != nil {
		return t.client.answer("INFO clients", err)
	}
	if e := first[0].Err; e != "" {
		return redisapi.Refused("info", e, t.client.at)
	}
	text, _ := first[0].Val.(string)
	in := parseInfo(text)
	limit := in.fields["maxclients"]
	count, _ := in.num("connected_clients")
	most, _ := in.num("maxclients")
	if count > manyClients {
		out := clientsObject(nil, count-1, most)
		out["blocked"] = in.fields["blocked_clients"]
		return evidence.Of(out, fmt.Sprintf("with %.0f clients CLIENT LIST is not asked for: only the counts of INFO are known", count))
	}
	replies, err := t.client.do(ctx, []any{"CLIENT", "LIST"})
	if err != nil {
		return t.client.answer("CLIENT LIST", err)
	}
	if e := replies[0].Err; e != "" {
		return redisapi.Refused("client list", e, t.client.at)
	}
	list, _ := replies[0].Val.(string)
	lines := parseClients(list)
	out := clientsObject(lines, float64(len(lines)), most)
	out["maxclients"] = limit
	return evidence.Of(out)
}

// parseClients reads CLIENT LIST and leaves us out.
func parseClients(text string) []clientLine {
	return slices.DeleteFunc(readClients(text), func(c clientLine) bool { return c["name"] == redisapi.OwnName })
}

// readClients reads CLIENT LIST.
func readClients(text string) []clientLine {
	var out []clientLine
	for _, line := range strings.Split(text, "\n") {
		c := clientLine{}
		for _, pair := range strings.Fields(line) {
			k, v, _ := strings.Cut(pair, "=")
			c[k] = v
		}
		if len(c) > 0 {
			out = append(out, c)
		}
	}
	return out
}

func clientsObject(lines []clientLine, count, most float64) map[string]any {
	var blocked, pubsub, monitors, replicas, ordinary, hour, minute, never int64
	var outBytes, outMax, inMax, total, oldest float64
	addr, name, cmd := map[string]int64{}, map[string]int64{}, map[string]int64{}
	addrOut, addrIdle := map[string]float64{}, map[string]int64{}
	var idle []clientLine
	for _, c := range lines {
		isPubsub := c.has("P") || c.num("sub")+c.num("psub")+c.num("ssub") > 0
		add(&blocked, c.has("b"))
		add(&pubsub, isPubsub)
		add(&monitors, c.has("O"))
		add(&replicas, c.has("S") && !c.has("O"))
		addr[c.host()]++
		name[c["name"]]++
		cmd[c["cmd"]]++
		addrOut[c.host()] += c.out()
		outBytes, total = outBytes+c.out(), total+c.total()
		outMax, inMax = max(outMax, c.out()), max(inMax, c.num("qbuf"))
		if isPubsub || c.has("b") || c.has("O") || c.has("S") || c.has("M") {
			continue
		}
		ordinary++
		idle = append(idle, c)
		oldest = max(oldest, c.num("idle"))
		add(&hour, c.num("idle") > 3600)
		add(&minute, c.num("idle") > 60)
		add(&never, c["cmd"] == "NULL" && c.num("age") > 10)
		if c.num("idle") > 60 {
			addrIdle[c.host()]++
		}
	}
	out := map[string]any{"count": count, "maxclients": finite(most), "used_share": share(count, most),
		"blocked": blocked, "pubsub": pubsub, "monitors": monitors, "replicas": replicas,
		"idle_1h": hour, "idle_1h_share": share(float64(hour), float64(ordinary)), "idle_1m": minute, "idle_1m_share": share(float64(minute), float64(ordinary)),
		"never_used": never, "oldest_idle_s": nil, "out_bytes": outBytes, "out_bytes_max": nil, "in_bytes_max": nil, "total_bytes": total, "top_addr_share": nil}
	if ordinary > 0 {
		out["oldest_idle_s"] = oldest
	}
	byAddr := []any{}
	for i, a := range byCount(addr) {
		if i == 0 {
			out["top_addr_share"] = share(float64(addr[a]), float64(len(lines)))
		}
		if i < 20 {
			byAddr = append(byAddr, map[string]any{"addr": a, "count": addr[a], "share": share(float64(addr[a]), float64(len(lines))),
				"idle_1m": addrIdle[a], "out_bytes": addrOut[a]})
		}
	}
	if len(lines) > 0 {
		out["out_bytes_max"], out["in_bytes_max"] = outMax, inMax
	}
	out["by_addr"], out["by_name"], out["by_cmd"] = byAddr, countRows("name", name), countRows("cmd", cmd)
	out["fattest"] = clientRows(lines, func(c clientLine) float64 { return c.total() })
	out["idlest"] = clientRows(idle, func(c clientLine) float64 { return c.num("idle") })
	return out
}

func add(n *int64, yes bool) {
	if yes {
		*n++
	}
}

func byCount(counts map[string]int64) []string {
	names := make([]string, 0, len(counts))
	for n := range counts {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		if counts[names[i]] != counts[names[j]] {
			return counts[names[i]] > counts[names[j]]
		}
		return names[i] < names[j]
	})
	return names
}

func countRows(key string, counts map[string]int64) []any {
	out := []any{}
	for i, n := range byCount(counts) {
		if i == 20 {
			break
		}
		out = append(out, map[string]any{key: n, "count": counts[n]})
	}
	return out
}

// clientRows lists the ten clients for which by is largest.
func clientRows(lines []clientLine, by func(clientLine) float64) []any {
	sorted := make([]clientLine, len(lines))
	copy(sorted, lines)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := by(sorted[i]), by(sorted[j])
		if a != b {
			return a > b
		}
		return sorted[i].num("id") < sorted[j].num("id")
	})
	out := []any{}
	for i, c := range sorted {
		if i == 10 {
			break
		}
		out = append(out, map[string]any{"id": int64(c.num("id")), "addr": c["addr"], "name": c["name"], "cmd": c["cmd"], "flags": c["flags"],
			"age_s": c.num("age"), "idle_s": c.num("idle"), "out_bytes": c.out(), "in_bytes": c.num("qbuf"), "total_bytes": c.total()})
	}
	return out
}

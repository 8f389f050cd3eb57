package redis

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func connectQuestion() builtin {
	return builtin{ask: askConnect, spec: probe.Spec{
		Name:     "redis.connect",
		Question: "Does the server let us in and answer, and if not, what does it say?",
		Why:      "The way in which a Redis turns a client away names the fault: each refusal has its own words.",
		Cost:     "one PING and one INFO server on the kept connection, and two short ones beside it, to see that there is a place for the next client too; when that fails, at most three short connections to tell why, and one PING to ports 6379 and 6380 of the same host when the port refuses",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "ok", Type: "bool", About: "we are in, PING got PONG, and whoever comes now is let in as well"},
			{Name: "up", Type: "bool", About: "a Redis is running there, even if it refuses us or is busy"},
			{Name: "kind", Type: "text", About: "ok, refused, timeout, no such host, no route, no such socket, permission, closed, not redis, TLS mismatch, TLS certificate, NOAUTH, WRONGPASS, NOPERM, max clients, protected mode, LOADING, BUSY, MASTERDOWN, MISCONF, no such database, error"},
			{Name: "phase", Type: "text", About: "how far we came: connect, tls, auth, ping, select, done"},
			{Name: "message", Type: "text", About: "what the server or the network said; empty when ok"},
			{Name: "address", Type: "text", About: "host:port or socket that was asked"},
			{Name: "tls", Type: "bool", About: "the address asks for TLS"},
			{Name: "connect_s", Type: "number", About: "seconds to connect; null when not connected"},
			{Name: "ping_s", Type: "number", About: "seconds of one PING; null when none came back"},
			{Name: "version", Type: "text", About: "redis_version; null when not told"},
			{Name: "role", Type: "text", About: "master or slave; null when not told"},
			{Name: "mode", Type: "text", About: "standalone, cluster or sentinel; null when not told"},
			{Name: "uptime_s", Type: "number", About: "seconds since the server started; null when not told"},
			{Name: "nearby", Type: "list", About: "addresses on the same host where a Redis does answer, looked for only when ours refuses or is no Redis"},
		},
		Outcomes: []probe.Outcome{
			{When: `kind is "refused" and nearby is empty`, Means: "no Redis runs on that host, as far as we can see"},
			{When: `kind is "refused" and nearby is not empty`, Means: "the address is wrong: a Redis answers on another port"},
			{When: `kind is "timeout" in phase connect`, Means: "packets are dropped on the way: firewall, security group, routing, or the host is gone"},
			{When: `kind is "timeout" in a later phase`, Means: "the kernel accepted the connection and the process does not answer: stopped, swapped out, or busy with one long command"},
			{When: `kind is in capitals`, Means: "the server runs, and this is the error word that clients get"},
		},
		Changes:  []probe.Moment{{Kind: probe.Restart, Ago: "uptime_s", What: "redis at {address}"}},
		Timeline: true,
	}}
}

func askConnect(ctx context.Context, t *target, _ arguments) evidence.Answer {
	at := t.client.at
	out := map[string]any{"ok": false, "up": false, "kind": redisapi.KindOK, "phase": "done", "message": "", "address": at.Addr,
		"tls": at.TLS != nil, "connect_s": nil, "ping_s": nil, "version": nil, "role": nil, "mode": nil, "uptime_s": nil,
		"nearby": []any{}}
	got, err := t.client.exchange(ctx, []any{"PING"})
	var r *redisapi.Refusal
	switch {
	case err == nil:
	case errors.As(err, &r):
	case errors.Is(err, context.Canceled), errors.Is(err, errClosed),
		errors.Is(err, connector.ErrBudget), errors.Is(err, connector.ErrBackedOff):
		return t.client.answer("connect", err)
	default:
		r = redisapi.Transport("ping", err)
	}
	if r != nil {
		t.describeRefusal(ctx, out, r)
		return evidence.Of(out)
	}
	out["up"] = true
	out["connect_s"], out["ping_s"] = got.visit.ConnectS, got.took.Seconds()
	if said := got.replies[0].Err; said != "" {
		out["kind"], out["phase"], out["message"] = redisapi.KindOf(said), "ping", said
	} else {
		out["ok"] = true
	}
	t.describeServer(ctx, out)
	if out["ok"] == true {
		if r := t.turnedAway(ctx); r != nil {
			out["ok"] = false
			t.describeRefusal(ctx, out, r)
		}
	}
	return evidence.Of(out)
}

// Where all places are taken one is free now and then, and whoever came in may
// have had that one: so further clients knock, with pauses.
const (
	furtherKnocks = 2
	knockPause    = 100 * time.Millisecond
	knockTimeout  = time.Second
)

// turnedAway reports how the server turns a new client away while an older one is
// in; nil where it does not. Silence does not count: a busy machine is slow with
// new connections.
func (t *target) turnedAway(ctx context.Context) *redisapi.Refusal {
	for range furtherKnocks {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(knockPause):
		}
		var r *redisapi.Refusal
		if err := t.knock(ctx); errors.As(err, &r) && r.Kind == redisapi.KindMaxClients {
			return r
		}
	}
	return nil
}

// knock comes in as a new client, and leaves.
func (t *target) knock(ctx context.Context) error {
	leave, err := t.client.gate.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	visit, err := t.client.at.Knock(ctx)
	if err != nil {
		return err
	}
	return visit.Conn.Close()
}

func (t *target) describeRefusal(ctx context.Context, out map[string]any, r *redisapi.Refusal) {
	out["kind"], out["phase"], out["message"] = r.Kind, r.Phase, t.redacted(evidence.Answer{Reason: r.Said}).Reason
	switch r.Kind {
	case redisapi.KindNoAuth, redisapi.KindWrongPass, redisapi.KindNoPerm, redisapi.KindMaxClients, redisapi.KindProtected, redisapi.KindLoading, redisapi.KindBusy,
		redisapi.KindMasterDown, redisapi.KindMisconf, redisapi.KindBadDB:
		out["up"] = true
	case redisapi.KindRefused, redisapi.KindNotRedis:
		out["nearby"] = nearby(ctx, t.client.at)
	case redisapi.KindTimeout:
		// The kernel answers for a process that is stopped; a Redis may be there.
		out["up"] = nil
	}
	if r.Kind == redisapi.KindTLSMismatch && r.Phase == "tls" {
		out["up"] = true // it answered PING in plain text
	}
}

// describeServer adds what INFO says; where INFO is not permitted, nothing.
func (t *target) describeServer(ctx context.Context, out map[string]any) {
	replies, err := t.client.do(ctx, []any{"INFO", "server"}, []any{"INFO", "replication"})
	if err != nil {
		return
	}
	text := ""
	for _, r := range replies {
		s, _ := r.Val.(string)
		text += s + "\n"
	}
	in := parseInfo(text)
	for field, name := range map[string]string{"version": "redis_version", "role": "role", "mode": "redis_mode", "uptime_s": "uptime_in_seconds"} {
		out[field] = in.fields[name]
	}
}

// nearby looks for a Redis on the same host: at the usual ports, and, where
// the host is this machine, at the ports on which a process named like a Redis
// listens.
func nearby(ctx context.Context, a redisapi.Address) []any {
	found := []any{}
	if a.Network != "tcp" {
		return found
	}
	candidates := map[string]bool{"6379": true, "6380": true}
	for _, port := range localRedisPorts(ctx, a.Host) {
		candidates[port] = true
	}
	ports := make([]string, 0, len(candidates))
	for p := range candidates {
		ports = append(ports, p)
	}
	sort.Strings(ports)
	for _, p := range ports {
		there := atPort(a, p)
		if there.Addr == a.Addr || ctx.Err() != nil {
			continue
		}
		if line := there.PlainLine(ctx, "PING\r\n"); line == "+PONG" || len(line) > 1 && line[0] == '-' && redisapi.KindOf(line[1:]) != redisapi.KindError {
			found = append(found, there.Addr)
		}
	}
	return found
}

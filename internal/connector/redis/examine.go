package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/redisapi"
)

// needs are the commands that our questions use, with what is lost without.
var needs = []struct {
	cmd  []any
	lost string
}{
	{[]any{"INFO", "server"}, "most questions"},
	{[]any{"SLOWLOG", "LEN"}, "which commands were slow"},
	{[]any{"LATENCY", "LATEST"}, "what stalled the server"},
	{[]any{"CLIENT", "LIST"}, "who is connected"},
	{[]any{"CONFIG", "GET", "maxclients"}, "limits and policies"},
	{[]any{"MEMORY", "STATS"}, "where memory goes in detail"},
	{[]any{"COMMAND", "INFO", "get"}, "a second proof that commands of playbooks are read-only"},
	{[]any{"SCAN", "0", "COUNT", "1"}, "which keys there are"},
	{[]any{"PTTL", "quell:no-such-key"}, "which keys expire"},
	{[]any{"MEMORY", "USAGE", "quell:no-such-key"}, "how big keys are"},
	{[]any{"TYPE", "quell:no-such-key"}, "what kind keys are"},
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	reach := connector.Check{Name: "reachable", Needed: true}
	cmds := make([][]any, len(needs))
	for i, n := range needs {
		cmds[i] = n.cmd
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.redacted(t.client.answer("connect", err))
		reach.Detail, reach.Fix = a.Reason, a.Hint
		return []connector.Check{reach}
	}
	reach.OK = true
	text, _ := replies[0].Val.(string)
	in := parseInfo(text)
	reach.Detail = fmt.Sprintf("Redis %v, %v, at %s", in.fields["redis_version"], in.fields["redis_mode"], t.client.at.Addr)
	if in.fields["redis_version"] == nil {
		reach.Detail = "connected to " + t.client.at.Addr
	}
	checks := []connector.Check{reach}
	for i, n := range needs {
		name := commandName(n.cmd)
		c := connector.Check{Name: "may run " + name, OK: replies[i].Err == "", Needed: i == 0, Detail: "yes"}
		if !c.OK {
			a := redisapi.Refused(name, replies[i].Err, t.client.at)
			c.Detail, c.Fix = "without it we do not know "+n.lost+": "+replies[i].Err, a.Hint
		}
		checks = append(checks, c)
	}
	return append(checks, t.monitorCheck(ctx))
}

// monitorCheck says whether the latency monitor is on: the best evidence of a
// stall is only there if it was switched on before.
func (t *target) monitorCheck(ctx context.Context) connector.Check {
	c := connector.Check{Name: "latency monitor", Fix: "CONFIG SET latency-monitor-threshold 100"}
	replies, err := t.client.do(ctx, []any{"CONFIG", "GET", "latency-monitor-threshold"})
	switch n := any(nil); {
	case err != nil:
		var r *redisapi.Refusal
		if errors.As(err, &r) {
			c.Detail = r.Said
		} else {
			c.Detail = "not known: the connection broke"
		}
	default:
		n = configNumber(replies[0])
		ms, ok := n.(int64)
		c.OK = ok && ms > 0
		switch {
		case !ok:
			c.Detail, c.Fix = "not known: CONFIG GET is not permitted", redisapi.Grant("config get", t.client.at)
		case ms == 0:
			c.Detail = "off: stalls by fork, disk or expiry leave no trace"
		default:
			c.Detail, c.Fix = fmt.Sprintf("on, from %d ms", ms), ""
		}
	}
	return c
}

package redis

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/redisapi"
)

// Bull and BullMQ keep a queue NAME in keys bull:NAME:…: the counter "id", lists
// of jobs that wait and that are worked on, sorted sets of those that are late,
// have a priority or failed, and each job in a hash with its time in
// milliseconds. A worker's connection is called bull:NAME, the name in base64
// (https://docs.bullmq.io/guide/architecture).

// Looking for queues visits at most this many keys of the database.
const (
	bullStep = 1000
	bullMost = 20
)

func (t *target) bullNames(ctx context.Context) ([]string, *evidence.Answer) {
	var names []string
	cursor := "0"
	for range bullMost {
		replies, err := t.client.do(ctx, []any{"SCAN", cursor, "MATCH", "bull:*:id", "COUNT", bullStep})
		if err != nil {
			a := t.client.answer("SCAN", err)
			return nil, &a
		}
		next, keys := scanReply(replies[0].Val)
		for _, k := range keys {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(k, "bull:"), ":id"))
		}
		if cursor = next; cursor == "0" || cursor == "" {
			break
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), 100)], nil
}

func (t *target) bullQueues(ctx context.Context, now float64) ([]any, *evidence.Answer) {
	rows := []any{}
	names, failed := t.bullNames(ctx)
	if failed != nil || len(names) == 0 {
		return rows, failed
	}
	const each = 9
	var cmds [][]any
	for _, n := range names {
		key := "bull:" + n + ":"
		cmds = append(cmds, []any{"LLEN", key + "wait"}, []any{"LLEN", key + "paused"}, []any{"ZCARD", key + "prioritized"},
			[]any{"LLEN", key + "active"}, []any{"ZCARD", key + "failed"}, []any{"ZCARD", key + "delayed"},
			[]any{"LINDEX", key + "wait", -1}, []any{"LINDEX", key + "paused", -1}, []any{"HEXISTS", key + "meta", "paused"})
	}
	cmds = append(cmds, []any{"CLIENT", "LIST"})
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("LLEN", err)
		return nil, &a
	}
	listening := bullWorkers(replies[len(replies)-1])
	cmds = nil
	var dated []map[string]any
	for i, n := range names {
		r := replies[each*i:]
		count := func(j int) int64 { v, _ := r[j].Val.(int64); return v }
		row := queueRow("bull", n, count(0)+count(1)+count(2))
		row["running"], row["failed"], row["scheduled"], row["paused"] = count(3), count(4), count(5), count(8) == 1 || count(1) > 0
		if listening != nil {
			row["workers"] = listening[n]
		}
		rows = append(rows, row)
		for _, j := range []int{6, 7} {
			if id, ok := r[j].Val.(string); ok {
				cmds, dated = append(cmds, []any{"HGET", "bull:" + n + ":" + id, "timestamp"}), append(dated, row)
				break
			}
		}
	}
	if len(cmds) == 0 {
		return rows, nil
	}
	if replies, err = t.client.do(ctx, cmds...); err != nil {
		a := t.client.answer("HGET", err)
		return nil, &a
	}
	for i, row := range dated {
		text, _ := replies[i].Val.(string)
		if ms, err := strconv.ParseFloat(text, 64); err == nil && ms > 0 {
			row["oldest_s"] = max(0, now-ms/1000)
		}
	}
	return rows, nil
}

// bullWorkers counts the connections of workers by queue; nil where we may not
// see who is connected.
func bullWorkers(r redisapi.Reply) map[string]int64 {
	list, ok := r.Val.(string)
	if !ok {
		return nil
	}
	out := map[string]int64{}
	for _, c := range parseClients(list) {
		parts := strings.Split(c["name"], ":")
		if len(parts) < 2 || parts[0] != "bull" || parts[len(parts)-1] == "qe" { // who listens to events works on nothing
			continue
		}
		if name, err := base64.StdEncoding.DecodeString(parts[1]); err == nil {
			out[string(name)]++
		}
	}
	return out
}

package celery

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
	"github.com/quellhq/quell/internal/traceback"
)

func resultsQuestion() question {
	return question{ask: askResults, results: true, spec: probe.Spec{
		Name:     "celery.results",
		Question: "How did tasks end, by which exception did they fail, and are results kept for ever?",
		Why:      "A queue that is empty looks healthy while every task fails. The result backend says how each ended; without result_expires it only grows.",
		Cost:     "SCAN for at most 2,000 results or 400 ms in steps of 250; of each its time to live, memory and first 64 bytes; of at most 200 that failed all, where it is below 64 KiB; what Python's pickle wrote is not read",
		Shape:    probe.Object,
		Fields: []probe.Field{
			numberField("sampled", "results looked at"), {Name: "complete", Type: "bool", About: "these are all"},
			rowsField("states", "state, count; unreadable: written by another serializer than json"),
			numberField("failed", "of the sample, those that failed"),
			numberField("recent", "of the failed that were read, those of the last ten minutes"),
			numberField("newest_s", "how long ago the newest of these failed; null without"),
			rowsField("groups", "of the failed that were read, most first, at most 20: exception, says (its message, data masked), kind (as rq.failed has them), count, recent"),
			numberField("silent", "of the recent, those without a text"), numberField("timeouts", "of the recent, those stopped at their time limit"),
			numberField("killed", "of the recent, those whose process was killed"), numberField("absent", "of the recent, those that missed something they name"),
			numberField("unreachable", "of the recent, those that could not reach a neighbour"),
			numberField("kept", "of the sample, without a time to live: they stay for ever"),
			numberField("kept_share", "kept ÷ sampled; null without"),
			numberField("bytes", "memory of the sample; null where it may not be asked"),
		},
		Outcomes: []probe.Outcome{
			{When: "sampled is 0", Means: "no results are kept here: ignore_result, or another backend (setting result_backend)"},
			{When: "kept above 0", Means: "results without an end: set result_expires"},
			{When: "timeouts above 0", Means: "tasks are stopped at their time limit"},
		},
	}}
}

// The bounds of one walk over results.
const (
	mostResults  = 2000
	resultsTime  = 400 * time.Millisecond
	resultsStep  = 250
	mostRead     = 200
	largestRead  = 64 << 10
	resultPrefix = "celery-task-meta-"
	recentResult = 10 * time.Minute
)

// status is at the front of every result that json wrote.
var status = regexp.MustCompile(`^\{"status": ?"([A-Z_]{1,32})"`)

// ended is how one task failed.
type ended struct {
	traceback.Trace
	ago any // seconds
}

func askResults(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	stop, cursor, known := time.Now().Add(resultsTime), "0", map[string]bool{}
	states := map[string]int64{}
	var kept, bytes, n int64
	measured, complete := true, false
	var failed []string
	for {
		v, err := s.One(ctx, "SCAN", cursor, "MATCH", "*"+resultPrefix+"*", "COUNT", resultsStep)
		if err != nil {
			return nil, err
		}
		pair, _ := v.([]any)
		if len(pair) != 2 {
			break
		}
		cursor, _ = pair[0].(string)
		var keys []string
		for _, k := range redisapi.Texts(pair[1]) {
			if !known[k] {
				known[k] = true
				keys = append(keys, k)
			}
		}
		replies, err := resultHeads(ctx, s, keys)
		if err != nil {
			return nil, err
		}
		for i, k := range keys {
			r := replies[3*i : 3*i+3]
			text, ok := r[0].Val.(string)
			if !ok || text == "" {
				continue // it has ended meanwhile
			}
			n++
			state := "unreadable"
			if m := status.FindStringSubmatch(text); m != nil {
				state = m[1]
			}
			states[state]++
			if state == "FAILURE" {
				failed = append(failed, k)
			}
			if ttl, _ := r[1].Val.(int64); ttl == -1 {
				kept++
			}
			size, ok := r[2].Val.(int64)
			measured = measured && ok
			bytes += size
		}
		if complete = cursor == "0"; complete || n >= mostResults || time.Now().After(stop) {
			break
		}
	}
	read, err := readResults(ctx, s, failed[:min(len(failed), mostRead)])
	if err != nil {
		return nil, err
	}
	out := talliedResults(read)
	out["sampled"], out["complete"], out["states"], out["failed"] = n, complete, counted(states, "state", 20), int64(len(failed))
	out["kept"], out["kept_share"], out["bytes"] = kept, nil, nil
	if n > 0 {
		out["kept_share"] = float64(kept) / float64(n)
	}
	if measured {
		out["bytes"] = bytes
	}
	return out, nil
}

func resultHeads(ctx context.Context, s *redisapi.Session, keys []string) ([]redisapi.Reply, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var cmds [][]any
	for _, k := range keys {
		cmds = append(cmds, []any{"GETRANGE", k, 0, 63}, []any{"TTL", k}, []any{"MEMORY", "USAGE", k})
	}
	replies, err := s.Do(ctx, cmds...)
	for i := 0; err == nil && i < len(replies); i += 3 {
		for j := range 2 {
			// A key of another type has that name by accident.
			if e := replies[i+j].Err; e != "" && !strings.HasPrefix(e, "WRONGTYPE") {
				err = replies[i+j].Said(cmds[i+j])
			}
		}
	}
	return replies, err
}

// readResults reads how tasks failed.
func readResults(ctx context.Context, s *redisapi.Session, keys []string) ([]ended, error) {
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	var out []ended
	for part := range slices.Chunk(keys, chunk) {
		var cmds [][]any
		for _, k := range part {
			cmds = append(cmds, []any{"GETRANGE", k, 0, largestRead})
		}
		replies, err := s.All(ctx, cmds...)
		if err != nil {
			return nil, err
		}
		for _, r := range replies {
			text, _ := r.Val.(string)
			if e, ok := readResult(text, now); ok {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

func readResult(text string, now time.Time) (ended, bool) {
	var r struct {
		Result    json.RawMessage `json:"result"`
		Traceback string          `json:"traceback"`
		Done      string          `json:"date_done"`
	}
	if json.Unmarshal([]byte(text), &r) != nil {
		return ended{}, false // too long, or no json
	}
	var raised struct {
		Type    string `json:"exc_type"`
		Message any    `json:"exc_message"`
	}
	_ = json.Unmarshal(r.Result, &raised) // another shape: the traceback says it
	e := ended{Trace: traceback.Read(r.Traceback)}
	if raised.Type != "" {
		e.Trace = traceback.Of(raised.Type, firstText(raised.Message))
	}
	if at, ok := moment(r.Done); ok {
		e.ago = max(0, now.Sub(at).Seconds())
	}
	return e, true
}

// firstText is the message of an exception, which is written as the list of its
// arguments.
func firstText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return firstText(v[0])
		}
	}
	return ""
}

func talliedResults(all []ended) map[string]any {
	out := map[string]any{"newest_s": nil}
	counts, groups, keys := map[string]int64{}, map[string]map[string]any{}, []string{}
	for _, e := range all {
		key := e.Class + "\x00" + e.Kind
		g := groups[key]
		if g == nil {
			g = map[string]any{"exception": e.Class, "says": e.Says, "kind": e.Kind, "count": int64(0), "recent": int64(0)}
			groups[key], keys = g, append(keys, key)
		}
		g["count"] = g["count"].(int64) + 1
		out["newest_s"] = smaller(out["newest_s"], e.ago)
		if ago, ok := e.ago.(float64); ok && ago <= recentResult.Seconds() {
			g["recent"] = g["recent"].(int64) + 1
			counts["recent"]++
			counts[e.Kind]++
		}
	}
	slices.Sort(keys)
	rows := []any{}
	for _, k := range keys {
		rows = append(rows, groups[k])
	}
	slices.SortStableFunc(rows, func(a, b any) int {
		return int(b.(map[string]any)["count"].(int64) - a.(map[string]any)["count"].(int64))
	})
	out["groups"], out["recent"] = rows[:min(len(rows), 20)], counts["recent"]
	for field, kind := range map[string]string{
		"silent": "silent", "timeouts": "timeout", "killed": "killed", "absent": "absent", "unreachable": "unreachable",
	} {
		out[field] = counts[kind]
	}
	return out
}

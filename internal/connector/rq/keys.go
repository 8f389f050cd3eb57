package rq

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/probe"
)

// The names of RQ's keys, as its versions 1 and 2 have them.
const (
	queuesKey    = "rq:queues"
	workersKey   = "rq:workers"
	suspendedKey = "rq:suspended"
	jobPrefix    = "rq:job:"
	queuePrefix  = "rq:queue:"
	workerPrefix = "rq:worker:"
	resultPrefix = "rq:results:"
	channel      = "rq:pubsub:"         // of a worker, for commands to it
	lockPrefix   = "rq:scheduler-lock:" // of a queue: held by the scheduler of a worker
)

// registry is the sorted set of a queue's jobs in one state.
func registry(state, queue string) string { return "rq:" + state + ":" + queue }

// moment is how RQ writes a time: UTC, microseconds.
const moment = "2006-01-02T15:04:05.000000Z"

// readMoment reads what RQ wrote, fractions or not.
func readMoment(v any) (time.Time, bool) {
	text, _ := v.(string)
	for _, layout := range []string{"2006-01-02T15:04:05.999999Z07:00", "2006-01-02T15:04:05Z"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// age is how long ago a time of RQ was, in seconds; nil where there is none.
func age(v any, now time.Time) any {
	at, ok := readMoment(v)
	if !ok {
		return nil
	}
	return max(0, now.Sub(at).Seconds())
}

func count(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case string:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	}
	return 0
}

// sortedTrue lists the names that are true.
func sortedTrue(names map[string]bool) []any {
	out := []any{}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if names[n] {
			out = append(out, n)
		}
	}
	return out
}

// larger is the larger of two numbers, of which any may be missing.
func larger(a, b any) any {
	x, known := a.(float64)
	if y, ok := b.(float64); ok && (!known || y > x) {
		return y
	}
	return a
}

func numberField(name, about string) probe.Field {
	return probe.Field{Name: name, Type: "number", About: about}
}

func rowsField(name, about string) probe.Field {
	return probe.Field{Name: name, Type: "rows", About: about}
}

// byAge puts the jobs that have run longest first.
func byAge(rows []any) {
	slices.SortStableFunc(rows, func(a, b any) int {
		return byNumber(b.(map[string]any)["running_s"], a.(map[string]any)["running_s"])
	})
}

// byNumber compares numbers, of which those that are missing come last.
func byNumber(a, b any) int {
	x, okX := a.(float64)
	y, okY := b.(float64)
	switch {
	case okX && okY:
		return cmp.Compare(x, y)
	case okX:
		return -1
	case okY:
		return 1
	}
	return 0
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// counted shows counts, the largest first.
func counted(counts map[string]int64, name string, most int) []any {
	rows := []any{}
	for _, k := range sortedKeys(counts) {
		rows = append(rows, map[string]any{name: k, "count": counts[k]})
	}
	slices.SortStableFunc(rows, func(a, b any) int {
		return cmp.Compare(b.(map[string]any)["count"].(int64), a.(map[string]any)["count"].(int64))
	})
	return rows[:min(len(rows), most)]
}

package rq

import (
	"maps"
	"slices"
	"strconv"
	"time"
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

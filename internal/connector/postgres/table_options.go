package postgres

import (
	"math"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// tableOption is a storage parameter that can be set without stopping readers
// or writers. Yes is for those that are true or false; the others are numbers.
type tableOption struct {
	yes      bool
	low, top float64
	whole    bool
}

// tableOptions are the storage parameters of tables that ALTER TABLE sets under
// SHARE UPDATE EXCLUSIVE, with the ranges of the server's own table
// (reloptions.c). user_catalog_table needs the lock that stops everybody.
var tableOptions = map[string]tableOption{
	"autovacuum_enabled": {yes: true}, "vacuum_truncate": {yes: true},
	"fillfactor":         {low: 10, top: 100, whole: true},
	"toast_tuple_target": {low: 128, top: 8160, whole: true},
	"parallel_workers":   {low: 0, top: 1024, whole: true},

	"autovacuum_vacuum_threshold":        {low: 0, top: math.MaxInt32, whole: true},
	"autovacuum_vacuum_insert_threshold": {low: -1, top: math.MaxInt32, whole: true},
	"autovacuum_analyze_threshold":       {low: 0, top: math.MaxInt32, whole: true},
	"autovacuum_vacuum_cost_limit":       {low: 1, top: 10000, whole: true},
	"log_autovacuum_min_duration":        {low: -1, top: math.MaxInt32, whole: true},

	"autovacuum_freeze_min_age":             {low: 0, top: 1e9, whole: true},
	"autovacuum_freeze_max_age":             {low: 100000, top: 2e9, whole: true},
	"autovacuum_freeze_table_age":           {low: 0, top: 2e9, whole: true},
	"autovacuum_multixact_freeze_min_age":   {low: 0, top: 1e9, whole: true},
	"autovacuum_multixact_freeze_max_age":   {low: 10000, top: 2e9, whole: true},
	"autovacuum_multixact_freeze_table_age": {low: 0, top: 2e9, whole: true},

	"autovacuum_vacuum_scale_factor":        {low: 0, top: 100},
	"autovacuum_vacuum_insert_scale_factor": {low: 0, top: 100},
	"autovacuum_analyze_scale_factor":       {low: 0, top: 100},
	"autovacuum_vacuum_cost_delay":          {low: 0, top: 100},
}

// optionValue reads a value and writes it as it will be stored.
func optionValue(name, value string) (string, error) {
	o, ok := tableOptions[name]
	if !ok {
		return "", action.Refuse("", "%q is no storage parameter that can be set without stopping the table", name)
	}
	value = strings.TrimSpace(value)
	if o.yes {
		b, ok := yesOrNo(value)
		if !ok {
			return "", action.Refuse("", "%s is %q: it is true or false", name, value)
		}
		return strconv.FormatBool(b), nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) || n < o.low || n > o.top || o.whole && n != math.Trunc(n) {
		return "", action.Refuse("", "%s is %q: it is a number from %s to %s", name, value, plainNumber(o.low), plainNumber(o.top))
	}
	return plainNumber(n), nil
}

func plainNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// yesOrNo reads what the server takes for true and false: the words, and
// beginnings of them that fit one only.
func yesOrNo(word string) (value, ok bool) {
	word = strings.ToLower(word)
	for _, w := range []struct {
		text  string
		short int
		value bool
	}{{"true", 1, true}, {"yes", 1, true}, {"on", 2, true}, {"1", 1, true}, {"false", 1, false}, {"no", 1, false}, {"off", 2, false}, {"0", 1, false}} {
		if len(word) >= w.short && strings.HasPrefix(w.text, word) {
			return w.value, true
		}
	}
	return false, false
}

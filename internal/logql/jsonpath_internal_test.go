package logql

import (
	"encoding/json"
	"testing"
)

// On JSON that is whole, lookup finds what encoding/json finds; on anything else
// it ends.
func FuzzLookup(f *testing.F) {
	f.Add(`{"a":{"b":[1,"x\u00e9",{"c":null}]},"d":"q"}`, "a", 1)
	f.Add(`{"a":[`, "a", 0)
	f.Add(`{"a":{"b":1} "c":2`, "c", 0)
	f.Fuzz(func(t *testing.T, line, key string, index int) {
		value, found := lookup([]byte(line), []any{key})
		_, _ = lookup([]byte(line), []any{key, index})
		_, _ = lookup([]byte(line), []any{index, key})
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &object) != nil || object == nil || len(object) != countKeys(line) {
			return
		}
		raw, want := object[key]
		if found != want {
			t.Fatalf("%q of %s: found %v", key, line, found)
		}
		var text string
		switch {
		case !found || len(raw) == 0 || raw[0] == '"' && json.Unmarshal(raw, &text) != nil:
		case raw[0] == '"':
			if a, _ := json.Marshal(string(value)); string(a) != mustQuote(text) {
				t.Fatalf("%q of %s is %q", key, line, value)
			}
		case string(raw) == "null":
			if len(value) != 0 {
				t.Fatalf("%q of %s is %q", key, line, value)
			}
		case string(raw) != string(value):
			t.Fatalf("%q of %s is %q, not %q", key, line, value, raw)
		}
	})
}

func mustQuote(s string) string { b, _ := json.Marshal(s); return string(b) }

// countKeys counts the keys of an object, those that come twice too.
func countKeys(line string) int {
	s := jsonScanner{line: []byte(line)}
	if s.space(); !s.opens('{') {
		return -1
	}
	for n := 0; ; n++ {
		if s.separators(); s.at >= len(s.line) || s.line[s.at] != '"' {
			return n
		}
		if !s.skip() {
			return -1
		}
		if s.space(); !s.opens(':') {
			return -1
		}
		if s.space(); !s.skip() {
			return -1
		}
	}
}

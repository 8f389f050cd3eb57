package logql

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// flatten is the plain way to read a line: with the standard library's tokens.
func flatten(line []byte) (map[string]string, bool) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	start, err := dec.Token()
	if err != nil || start != json.Delim('{') {
		return nil, false
	}
	out := map[string]string{}
	return out, flattenObject(dec, nil, 0, out)
}

func flattenObject(dec *json.Decoder, prefix []byte, depth int, out map[string]string) bool {
	if depth > maxJSONDepth {
		return false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return false
		}
		name := append([]byte(nil), prefix...)
		if depth > 0 {
			name = append(name, '_')
		}
		name = appendName(name, []byte(key.(string)))
		value, err := dec.Token()
		if err != nil {
			return false
		}
		text, keep := "", true
		switch v := value.(type) {
		case json.Delim:
			if v == '{' {
				if !flattenObject(dec, name, depth+1, out) {
					return false
				}
			} else if !skipList(dec) {
				return false
			}
			continue
		case string:
			text = v
		case json.Number:
			text = v.String()
		case bool:
			text = map[bool]string{true: "true", false: "false"}[v]
		default:
			keep = false
		}
		n := string(name)
		if _, again := out[n]; keep && !again {
			out[n] = text
		}
	}
	_, err := dec.Token()
	return err == nil
}

func skipList(dec *json.Decoder) bool {
	for depth := 1; depth > 0; {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return true
}

// Where the standard library reads a line, we read the same from it.
func FuzzJSONLine(f *testing.F) {
	for _, line := range []string{
		`{"a":1,"b":{"c":"d\u00e9\"\\\/","e":null},"f":[1,{"g":"]"}],"h":true,"a":2}`, `{"1x":-1.5e+3,"é k":"\ud83d\ude00"}`, `{}`, `{"a":"b"} x`,
		`{"a":{"a":{"a":{}}},"":"x"," ":""}`, `{"a"}`, `{"a":tru}`, `[1]`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		want, ok := flatten(line)
		labels := newLabelSet()
		err := parseJSONLine(line, nil, labels)
		// The library is free to replace what is not UTF-8 and halves of surrogates.
		if !ok || strings.ContainsFunc(string(line), func(r rune) bool { return r >= utf8.RuneSelf }) || bytes.Contains(line, []byte(`\u`)) || bytes.Count(line, []byte("[")) > maxJSONDepth {
			return
		}
		if err != nil {
			t.Fatalf("%q is read by the library", line)
		}
		got := map[string]string{}
		for i, n := range labels.names {
			got[n] = string(labels.values[i])
		}
		require.Equal(t, want, got, "%q", line)
		// Asking for one label gives the same of it.
		for name := range want {
			one := newLabelSet()
			require.NoError(t, parseJSONLine(line, func(n []byte) bool { return string(n) == name }, one))
			require.Equal(t, []string{name}, one.names)
			require.Equal(t, want[name], string(one.values[0]))
		}
	})
}

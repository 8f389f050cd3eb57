package logql

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// parsePath reads details.pool.size, servers[0], a["b c"] into its steps:
// strings and ints.
func parsePath(path string) ([]any, error) {
	var steps []any
	for i := 0; i < len(path); {
		switch c := path[i]; {
		case c == '[':
			end := strings.IndexByte(path[i:], ']')
			if end < 0 {
				return nil, fmt.Errorf("the path %q has a [ that is never closed", path)
			}
			inside := path[i+1 : i+end]
			if key, err := strconv.Unquote(inside); err == nil {
				steps = append(steps, key)
			} else if n, err := strconv.Atoi(inside); err == nil && n >= 0 {
				steps = append(steps, n)
			} else {
				return nil, fmt.Errorf("the path %q has something else than a number or a quoted name in [ ]", path)
			}
			i += end + 1
		case c == '.' && i > 0 && i+1 < len(path):
			i++
		case isLetter(c):
			start := i
			for i < len(path) && (isLetter(path[i]) || isDigit(path[i]) || path[i] == '-') {
				i++
			}
			steps = append(steps, path[start:i])
		default:
			return nil, fmt.Errorf("the path %q cannot be read at %q", path, path[i:])
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("the path is empty")
	}
	return steps, nil
}

// follow returns what stands at the path: text of strings, raw JSON of the
// rest, nothing where the path leads nowhere.
func follow(line []byte, steps []any) ([]byte, error) {
	raw := json.RawMessage(line)
	for _, step := range steps {
		var next json.RawMessage
		switch step := step.(type) {
		case string:
			var object map[string]json.RawMessage
			if json.Unmarshal(raw, &object) == nil {
				next = object[step]
			}
		case int:
			var list []json.RawMessage
			if json.Unmarshal(raw, &list) == nil && step < len(list) {
				next = list[step]
			}
		}
		if next == nil {
			return nil, nil
		}
		raw = next
	}
	if len(raw) > 0 && raw[0] == '"' {
		return unescape(raw[1:len(raw)-1], nil), nil
	}
	if string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}

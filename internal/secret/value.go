package secret

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/secret/shape"
)

// Value returns v, an evidence value (nil, bool, number, string, []any,
// map[string]any), with every string in it redacted, keys too. What stands
// under the name of a secret is removed for that name, as is the argument
// behind --password in a list and the value beside a name in
// {"name": "DB_PASSWORD", "value": "x"}. It changes lists and maps in place.
func (r *Redactor) Value(v any) any {
	switch v := v.(type) {
	case string:
		return r.Text(v)
	case []any:
		r.list(v)
	case map[string]any:
		r.object(v)
	}
	return v
}

// list redacts a list, which may be the arguments of a command.
func (r *Redactor) list(v []any) {
	for i := range v {
		text, ok := v[i].(string)
		switch name := before(v, i); {
		case ok && name != "":
			v[i] = r.under(name, text)
		default:
			v[i] = r.Value(v[i])
		}
	}
}

// before returns the argument before one that makes it a secret, or "".
func before(v []any, i int) string {
	if i == 0 {
		return ""
	}
	name, _ := v[i-1].(string)
	switch {
	case shape.TakesSecret(name):
		return name
	case strings.EqualFold(name, "AUTH"):
		// AUTH password, AUTH user password
		if i == len(v)-1 {
			return "password"
		}
	case i == 2 && len(v) == 3:
		if first, _ := v[0].(string); strings.EqualFold(first, "AUTH") {
			return "password"
		}
	}
	return ""
}

// object redacts a map. Keys can be secrets too: counts by token, by address.
func (r *Redactor) object(v map[string]any) {
	named := "" // where the map is a name with its value
	for key, x := range v {
		if name, ok := x.(string); ok && shape.NamesName(key) && shape.NamesSecret(name) {
			named = name
		}
	}
	for _, key := range sortedKeys(v) {
		name := key
		if named != "" && shape.NamesValue(key) {
			name = named
		}
		x := r.field(name, v[key])
		delete(v, key)
		v[free(v, r.Text(key))] = x
	}
}

func sortedKeys(v map[string]any) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// free is the key, with a number where the same mask has already taken the
// place of another key.
func free(v map[string]any, key string) string {
	name := key
	for n := 2; ; n++ {
		if _, taken := v[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s (%d)", key, n)
	}
}

// field redacts a value by its name. The name holds for all of a list.
func (r *Redactor) field(name string, v any) any {
	switch v := v.(type) {
	case string:
		return r.under(name, v)
	case int64:
		return r.figure(name, strconv.FormatInt(v, 10), v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return r.figure(name, strconv.FormatFloat(v, 'f', -1, 64), v)
		}
	case []any:
		if !plainTexts(v) {
			break
		}
		for i := range v {
			v[i] = r.field(name, v[i])
		}
		return v
	}
	return r.Value(v)
}

// plainTexts reports whether a list holds texts alone.
func plainTexts(v []any) bool {
	for _, x := range v {
		if _, ok := x.(string); !ok {
			return false
		}
	}
	return len(v) > 0
}

// figure is a number, which is only secret for its name.
func (r *Redactor) figure(name, digits string, v any) any {
	if masked := r.under(name, digits); shape.Secret(name) && masked != digits {
		return masked
	}
	return v
}

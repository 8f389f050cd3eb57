package child

import (
	"os"
	"sort"
	"strings"
)

// passed are the variables that a program may need to run at all. The others
// of ours stay with us: they hold the passwords of every target.
var passed = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"}

// Environment is what a program sees: the harmless variables of ours, and
// more, which win.
func Environment(more map[string]string) []string {
	values := map[string]string{}
	for _, name := range passed {
		if v, ok := os.LookupEnv(name); ok {
			values[name] = v
		}
	}
	for _, pair := range os.Environ() {
		if name, v, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, "LC_") {
			values[name] = v
		}
	}
	for name, v := range more {
		values[name] = v
	}
	out := make([]string, 0, len(values))
	for name, v := range values {
		out = append(out, name+"="+v)
	}
	sort.Strings(out)
	return out
}

package appserver

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// flags are the values of a command line's flags; a flag without a value has
// an empty one.
type flags map[string][]string

// flagsOf reads -w 4, -w4, --workers 4 and --workers=4 alike.
func flagsOf(args []string) flags {
	f := flags{}
	for n, a := range args {
		name, value, joined := strings.Cut(a, "=")
		switch {
		case !strings.HasPrefix(a, "-") || a == "-" || a == "--":
			continue
		case strings.HasPrefix(a, "--") && joined:
		case strings.HasPrefix(a, "--") || len(a) == 2:
			name, value = a, ""
			if n+1 < len(args) && !strings.HasPrefix(args[n+1], "-") {
				value = args[n+1]
			}
		default:
			name, value = a[:2], a[2:]
		}
		f[name] = append(f[name], value)
	}
	return f
}

func (f flags) has(name string) bool { _, ok := f[name]; return ok }

// last is the last value that one of the spellings of a flag was given.
func (f flags) last(names ...string) string {
	for _, name := range names {
		if values := f[name]; len(values) > 0 {
			return values[len(values)-1]
		}
	}
	return ""
}

// whole reads a whole number, or nil.
func whole(text string) *int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// seconds reads a number of seconds, or nil.
func seconds(text string) *float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || n < 0 || n > float64(365*24*time.Hour/time.Second) {
		return nil
	}
	return &n
}

func truth(text string) bool {
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

// readSome reads the beginning of a file.
func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, most))
}

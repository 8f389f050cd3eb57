package redisapi

import "strings"

// Texts reads a list of texts; others are left out.
func Texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Fields reads the plain lines of INFO: name and value.
func Fields(v any) map[string]string {
	text, _ := v.(string)
	out := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":"); ok {
			out[name] = value
		}
	}
	return out
}

package secret

import (
	"regexp"
	"strings"
)

// A Redactor removes known secrets, and text that looks like one, from anything
// that is about to be stored or shown. The zero value knows only the shapes.
type Redactor struct{ known []string }

// shortest is the length under which a known secret is not searched for by
// text: replacing every "a" would destroy the evidence and reveal the secret.
const shortest = 4

// NewRedactor returns a redactor that also removes the given secrets by text.
func NewRedactor(known ...String) *Redactor {
	r := &Redactor{}
	for _, k := range known {
		if len(k.text) >= shortest {
			r.known = append(r.known, k.text)
		}
	}
	return r
}

// shapes are the usual ways in which a secret stands in a log line, a query
// text or an address. Each keeps its first group and hides the rest.
var shapes = []*regexp.Regexp{
	// user:password@ in a URL
	regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@"']*:)[^\s/@"']+(@)`),
	// key=value, key: value, "key": "value"
	regexp.MustCompile(`(?i)((?:\b|[_-])(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|requirepass|masterauth)["']?\s*[=:]\s*["']?)[^\s"',;&}]+()`),
	// PASSWORD 'x' in SQL
	regexp.MustCompile(`(?i)(\bpassword\s+')[^']*(')`),
	// HTTP credentials
	regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}()`),
	// AWS access key ids, JSON web tokens
	regexp.MustCompile(`()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b()`),
	regexp.MustCompile(`()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*()`),
}

// Text returns s without secrets.
func (r *Redactor) Text(s string) string {
	if r != nil {
		for _, k := range r.known {
			s = strings.ReplaceAll(s, k, Placeholder)
		}
	}
	for _, shape := range shapes {
		s = shape.ReplaceAllString(s, "${1}"+Placeholder+"${2}")
	}
	return s
}

// Value returns v, an evidence value (nil, bool, number, string, []any,
// map[string]any), with every string in it redacted. It changes lists and maps
// in place.
func (r *Redactor) Value(v any) any {
	switch v := v.(type) {
	case string:
		return r.Text(v)
	case []any:
		for i := range v {
			v[i] = r.Value(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.Value(v[k])
		}
	}
	return v
}

package playbook

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// CheckSignatures proves signatures by their examples: each matches all of its
// yes lines, also where they stand in JSON with their quotes escaped, and none
// of its no lines; and none matches a yes line of another, unless one of the
// two names the other as beside. It is for lint and tests: a load does without.
func CheckSignatures(signatures []Signature) []Finding {
	var findings []Finding
	wrong := func(s Signature, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		findings = append(findings, Finding{Pos: s.Pos, Severity: Error, Rule: "signature", Text: s.Name + " " + text})
	}
	known := map[string]bool{}
	patterns := map[string]*regexp.Regexp{}
	for _, s := range signatures {
		pattern, err := regexp.Compile(s.Pattern)
		if err != nil {
			wrong(s, "is not RE2: %s", err)
			continue
		}
		known[s.Name], patterns[s.Name] = true, pattern
	}
	for _, s := range signatures {
		pattern := patterns[s.Name]
		if pattern == nil {
			continue
		}
		if pattern.MatchString("") {
			wrong(s, "matches every line, even an empty one")
		}
		if len(s.Yes) == 0 || len(s.No) == 0 {
			wrong(s, "needs an example that it matches (yes) and one that looks alike and that it must not match (no)")
		}
		for _, line := range s.Yes {
			if !pattern.MatchString(line) {
				wrong(s, "does not match its yes line: %s", line)
			} else if escaped := inJSON(line); !pattern.MatchString(escaped) {
				wrong(s, "does not match its yes line in a log of JSON, where it reads: %s", escaped)
			}
		}
		for _, line := range s.No {
			if pattern.MatchString(line) {
				wrong(s, "matches its no line: %s", line)
			}
		}
		for _, name := range s.Beside {
			if !known[name] {
				wrong(s, "stands beside %q, and no signature is called so%s", name, suggest(name, sortedKeys(known)))
			}
		}
		for _, other := range signatures {
			if other.Name == s.Name || slices.Contains(s.Beside, other.Name) || slices.Contains(other.Beside, s.Name) {
				continue
			}
			for _, line := range other.Yes {
				if pattern.MatchString(line) {
					wrong(s, "matches a yes line of %s (say beside: [%s] where both are meant): %s", other.Name, other.Name, line)
					break
				}
			}
		}
	}
	return findings
}

// inJSON is a line as a text of JSON, without the quotes around it.
func inJSON(line string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(line) != nil {
		return line // a text always encodes
	}
	text := strings.TrimSpace(b.String())
	return text[1 : len(text)-1]
}

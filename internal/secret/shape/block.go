package shape

import "strings"

// block takes a YAML block scalar: `password: |` and the deeper lines below it.
// Keys in PEM are left to their own rule.
func (s *scanner) block(a assignment) bool {
	t := s.text
	head := run(t, a.value, 4, func(b byte) bool { return strings.IndexByte("|>+-123456789", b) >= 0 })
	head = run(t, head, 16, space)
	if byteAt(t, head) != '\n' {
		return false
	}
	outer := indent(t, s.lineStart(a.from))
	from, end := -1, head
	for at := head + 1; at < len(t); {
		stop := lineStop(t, at)
		if strings.TrimSpace(t[at:stop]) != "" {
			if indent(t, at) <= outer {
				break
			}
			if from < 0 {
				from = at + indent(t, at)
			}
			end = stop
		}
		at = stop + 1
	}
	if from >= 0 && !prefixed(t, from, "-----BEGIN") && !elsewhere(t[from:end]) {
		s.add(Span{From: from, To: end, Kind: a.kind})
	}
	return true
}

// lineStop is where the line ends that holds a place.
func lineStop(text string, at int) int {
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(text)
}

func indent(text string, line int) int {
	return run(text, line, len(text), space) - line
}

package expr

import "strings"

// Alternatives are the parts of a sign of the form "a || b || c", each by itself;
// nil where it has no such form. They are compiled when they are asked for: few
// signs ever are.
func (p *Program) Alternatives() []*Program {
	parts := alternatives(p.source)
	if parts == nil {
		return nil
	}
	env, err := NewEnv(p.names)
	if err != nil {
		return nil
	}
	var out []*Program
	for _, part := range parts {
		one, err := env.CompileSign(part)
		if err != nil {
			return nil
		}
		out = append(out, one)
	}
	return out
}

// alternatives splits a text where || stands outside of brackets and quotes; nil
// where it stands nowhere, or where a condition (?:) holds it together.
func alternatives(source string) []string {
	var parts []string
	depth, from, quote := 0, 0, byte(0)
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case depth == 0 && c == '?':
			return nil
		case depth == 0 && strings.HasPrefix(source[i:], "||"):
			parts = append(parts, strings.TrimSpace(source[from:i]))
			from = i + 2
			i++
		}
	}
	if parts == nil {
		return nil
	}
	return append(parts, strings.TrimSpace(source[from:]))
}

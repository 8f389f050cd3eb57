package pattern

// enclosedValue returns where an enclosed text ends that is the value of a key:
// key="a b", key=[a, b], key=Name{a b}, {"key": "a b"}, {"key": [a, b]}. It
// returns 0 where none begins.
func (z *tokenizer) enclosedValue(text []byte, at, end int, glued bool) int {
	n := len(z.tokens)
	if n > 0 && glued && z.tokens[n-1].kind == hole && text[at-1] == '/' {
		return bracketEnd(text, at, end) // /orders/{id}/items
	}
	if n < 2 {
		return 0
	}
	last, before := &z.tokens[n-1], &z.tokens[n-2]
	quoted := text[at] == '"' || text[at] == '\''
	switch {
	case last.kind == mark && last.raw == '=' && last.glued && glued && before.kind == word:
	case last.kind == mark && last.raw == ':' && last.glued && before.kind == mark && (before.raw == '"' || before.raw == '\''):
		if !quoted && text[at] != '[' {
			return 0
		}
	case last.kind == hole && glued && before.kind == mark && before.raw == '=' && !quoted && text[at-1] != '=':
		// key=Name{…}: the name is a value already.
	default:
		return 0
	}
	if quoted {
		return quoteEnd(text, at, end)
	}
	return bracketEnd(text, at, end)
}

// quoteEnd returns the offset after the quoted text that begins at a quote, or 0.
func quoteEnd(text []byte, at, end int) int {
	for i := at + 1; i < end; i++ {
		switch text[i] {
		case '\\':
			i++
		case text[at]:
			return i + 1
		}
	}
	return 0
}

// bracketEnd returns the offset after the bracketed text that begins at a
// bracket, or 0.
func bracketEnd(text []byte, at, end int) int {
	open := text[at]
	var shut byte
	switch open {
	case '(':
		shut = ')'
	case '[', '{', '<':
		shut = open + 2
	default:
		return 0
	}
	depth := 0
	for i := at; i < end; i++ {
		switch text[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

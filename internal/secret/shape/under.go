package shape

// FindUnder returns the secrets in a text that is the value of a name, as in
// an object: {"password": "x"} is secret for its name alone.
func FindUnder(name, text string, o Options) []Span {
	w := readName(name)
	a := assignment{open: quote{text: `"`, sign: '"'}, sep: ':'}
	a.reading, a.kind = w.reading()
	s := scanner{text: text, options: o}
	switch a.reading {
	case httpAuth, cookies, setCookie:
		s.header(a)
	case hard, soft, weak, digits:
		if !prefixed(text, 0, "-----BEGIN") && !elsewhere(text) && believed(a, text) {
			return []Span{{From: 0, To: len(text), Kind: a.kind}}
		}
	}
	if len(s.spans) > 0 {
		return s.spans
	}
	return Find(text, o)
}

// Secret reports whether a name makes a number secret: a PIN, a card.
func Secret(name string) bool {
	switch reads(name) {
	case hard, soft, digits:
		return true
	}
	return false
}

// NamesSecret reports whether a text is the name of a password, a token or a
// header with one, as the first half of {"name": "DB_PASSWORD", "value": "x"}.
func NamesSecret(text string) bool {
	if len(text) > longestName || !all(text, func(b byte) bool { return nameByte(b) || b == '/' }) {
		return false
	}
	switch reads(text) {
	case hard, soft, httpAuth, cookies, setCookie:
		return true
	}
	return false
}

// NamesName reports whether a key says that its value is a name, and NamesValue
// whether it says that it is the value of that name.
func NamesName(key string) bool { return reads(key) == nameOf }

// NamesValue is the other half of NamesName.
func NamesValue(key string) bool { return reads(key) == valueOf }

func reads(key string) reading {
	w := readName(key)
	r, _ := w.reading()
	return r
}

// TakesSecret reports whether the next argument of a command is its secret:
// behind --password and requirepass.
func TakesSecret(argument string) bool {
	if argument == "" || argument[0] != '-' && !isDirective(argument) {
		return false
	}
	return NamesSecret(argument)
}

package shape

// quote is what opens a quoted text: a sign and the backslashes in front of it.
// JSON in a JSON string is quoted by \", JSON in that by \\\".
type quote struct {
	text string // all of it; empty where there is none
	sign byte   // " ' or `; 0 where the sign is written as an entity
}

// entities are other ways in which a quote is written: in HTML, in URLs, in
// JSON made by careful encoders.
var entities = []string{"&quot;", "&#34;", "&#39;", "%22", "%27", `\u0022`, `\u0027`}

// quoteAt reads the quote that stands at a place, if one does.
func quoteAt(text string, at int) (quote, int) {
	end := at
	for end < len(text) && text[end] == '\\' {
		end++
	}
	if b := byteAt(text, end); b == '"' || b == '\'' || b == '`' {
		return quote{text[at : end+1], b}, end + 1
	}
	switch byteAt(text, at) {
	case '&', '%', '\\':
		for _, e := range entities {
			if prefixed(text, at, e) {
				return quote{text: e}, at + len(e)
			}
		}
	}
	return quote{}, at
}

// end finds where a text that was opened by q before from ends, and where what
// follows the closing quote begins. Where none closes it, it ends with its
// line, or where the JSON around it goes on.
func (q quote) end(text string, from int) (end, next int) {
	level := len(q.text) - 1 // backslashes in front of the sign
	for i := from; i < len(text); i++ {
		switch b := text[i]; {
		case b == '\n':
			return i, i
		case q.sign == 0 && (b == '&' || b == '%' || b == '\\') && prefixed(text, i, q.text):
			return i, i + len(q.text)
		case b == '\\':
			slashes := run(text, i, len(text), isBackslash) - i
			sign := byteAt(text, i+slashes)
			if sign == q.sign && q.sign != 0 && closes(slashes, level) {
				// A closing quote shares its backslashes with what stands before it.
				return i + max(0, slashes-level), i + slashes + 1
			}
			if sign == '"' && slashes < level {
				return i, i // the string around this one has ended
			}
			i += slashes
		case b == q.sign && level == 0:
			if b == '\'' && byteAt(text, i+1) == '\'' && i > from {
				i++ // SQL doubles the quotes inside of a text
				continue
			}
			return i, i + 1
		case b == '"' && (level > 0 || q.sign != '"') && jsonGoesOn(text, i+1):
			return i, i
		}
	}
	return len(text), len(text)
}

func isBackslash(b byte) bool { return b == '\\' }

// closes reports whether a quote behind that many backslashes closes a text
// that was opened behind level of them. Each time that a text is put into a
// string, a quote gets one backslash more and each backslash becomes two.
func closes(slashes, level int) bool {
	return slashes >= level && (slashes-level)/(level+1)%2 == 0
}

// jsonGoesOn reports whether what stands at a place is what follows a string in JSON.
func jsonGoesOn(text string, at int) bool {
	for at < len(text) && (space(text[at]) || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	switch byteAt(text, at) {
	case ',', ':', '}', ']':
		return true
	}
	return at >= len(text)
}

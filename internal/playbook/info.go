package playbook

import (
	"strings"
)

// info is what follows the backticks of a fence:
// LANG NAME @ROLE [KIND.QUESTION] key=value…
type info struct {
	lang    located
	words   []located // the others, in order: the name, and the built-in question
	role    located   // without the @
	options []option
	stray   []located // further roles
}

type option struct{ key, value located }

func (i info) hasRole() bool { return i.role.runs != nil }

// readInfo takes the words apart. Quotes hold a value together: key="a b". A
// comma behind a word and spaces around an = are how some people write lists;
// the language is the same in capitals.
func readInfo(l located) info {
	var out info
	for _, word := range joinAssigned(splitWords(l)) {
		key, _, assigned := strings.Cut(word.text, "=")
		assigned = assigned && key != "" && !strings.ContainsAny(key, `"'`)
		switch {
		case out.lang.runs == nil:
			out.lang = word
			out.lang.text = strings.ToLower(word.text)
		case strings.HasPrefix(word.text, "@") && out.hasRole():
			out.stray = append(out.stray, word)
		case strings.HasPrefix(word.text, "@"):
			out.role = word.slice(1, len(word.text))
		case assigned:
			value := word.slice(len(key)+1, len(word.text))
			if n := len(value.text); n >= 2 && (value.text[0] == '"' || value.text[0] == '\'') && value.text[n-1] == value.text[0] {
				value = value.slice(1, n-1)
			}
			out.options = append(out.options, option{word.slice(0, len(key)), value})
		default:
			out.words = append(out.words, word)
		}
	}
	if out.lang.text == probeLanguage && len(out.words) == 1 {
		// The question lends its name to the probe.
		if _, name, dotted := strings.Cut(out.words[0].text, "."); dotted && name != "" {
			whole := out.words[0]
			out.words = []located{whole.slice(len(whole.text)-len(name), len(whole.text)), whole}
		}
	}
	if out.lang.text == probeLanguage && len(out.words) == 2 && strings.Contains(out.words[0].text, ".") && !strings.Contains(out.words[1].text, ".") {
		// The name of the question before that of the probe.
		out.words[0], out.words[1] = out.words[1], out.words[0]
	}
	return out
}

// joinAssigned puts `limit = 500` together.
func joinAssigned(words []located) []located {
	var out []located
	for _, w := range words {
		if n := len(w.text); n > 1 && w.text[n-1] == ',' {
			w = w.slice(0, n-1)
		}
		n := len(out)
		if n > 1 && (strings.HasSuffix(out[n-1].text, "=") || strings.HasPrefix(w.text, "=")) && !strings.HasPrefix(out[n-1].text, "@") {
			joined := out[n-1]
			joined.runs = append([]run(nil), joined.runs...)
			joined.add(w.text, w.offset(0))
			out[n-1] = joined
			continue
		}
		out = append(out, w)
	}
	return out
}

func splitWords(l located) []located {
	var words []located
	start, quote := -1, byte(0)
	flush := func(end int) {
		if start >= 0 {
			words = append(words, l.slice(start, end))
		}
		start = -1
	}
	for i := range len(l.text) {
		c := l.text[i]
		if quote == 0 && strings.IndexByte(whiteSpace, c) >= 0 {
			flush(i)
			continue
		}
		if start < 0 {
			start = i
		}
		switch {
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\'' && i > 0 && l.text[i-1] == '='):
			quote = c
		}
	}
	flush(len(l.text))
	return words
}

// written is the canonical form: single spaces, the role behind the name, and
// behind it the built-in question.
func (i info) written() string {
	words := []string{i.lang.text}
	rest := i.words
	if len(rest) > 0 {
		words, rest = append(words, rest[0].text), rest[1:]
	}
	if i.hasRole() {
		words = append(words, "@"+i.role.text)
	}
	for _, w := range rest {
		words = append(words, w.text)
	}
	for _, o := range i.options {
		value := o.value.text
		if value == "" || strings.ContainsAny(value, whiteSpace+`"',=`) {
			value = `"` + value + `"`
		}
		words = append(words, o.key.text+"="+value)
	}
	return strings.Join(words, " ")
}

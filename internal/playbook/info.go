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

// readInfo takes the words apart. Quotes hold a value together: key="a b".
func readInfo(l located) info {
	var out info
	for _, word := range splitWords(l) {
		key, _, assigned := strings.Cut(word.text, "=")
		switch {
		case out.lang.runs == nil:
			out.lang = word
		case strings.HasPrefix(word.text, "@") && out.hasRole():
			out.stray = append(out.stray, word)
		case strings.HasPrefix(word.text, "@"):
			out.role = word.slice(1, len(word.text))
		case assigned:
			value := word.slice(len(key)+1, len(word.text))
			if n := len(value.text); n >= 2 && value.text[0] == '"' && value.text[n-1] == '"' {
				value = value.slice(1, n-1)
			}
			out.options = append(out.options, option{word.slice(0, len(key)), value})
		default:
			out.words = append(out.words, word)
		}
	}
	return out
}

func splitWords(l located) []located {
	var words []located
	start, quoted := -1, false
	for i := 0; i <= len(l.text); i++ {
		switch {
		case i == len(l.text) || !quoted && strings.IndexByte(whiteSpace, l.text[i]) >= 0:
			if start >= 0 {
				words = append(words, l.slice(start, i))
			}
			start = -1
		case l.text[i] == '"':
			quoted = !quoted
			fallthrough
		default:
			if start < 0 {
				start = i
			}
		}
	}
	return words
}

// written is the canonical form: single spaces, the role behind the name.
func (i info) written() string {
	words := []string{i.lang.text}
	rest := i.words
	if len(rest) > 0 && i.lang.text != actionLanguage {
		words, rest = append(words, rest[0].text), rest[1:]
	}
	if len(rest) > 0 && i.lang.text == actionLanguage {
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
		if value == "" || strings.ContainsAny(value, whiteSpace+`"`) {
			value = `"` + value + `"`
		}
		words = append(words, o.key.text+"="+value)
	}
	return strings.Join(words, " ")
}

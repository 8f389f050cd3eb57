package pattern

import "strings"

// outline is a shape as a row of items: a word, a hole, a mark, or a whole
// bracketed or quoted group, which counts as one word. So a list in brackets
// takes one place however long it is.
type outline struct {
	shape     *shape
	items     []item
	structure string // what outlines must share to be compared column by column
}

type item struct {
	text     string // empty for a hole
	kind     kind
	glued    bool
	group    bool
	optional bool // a group without words of its own: "(5 KB)", "()"
}

// closers of what may open a group.
func closer(open string) string {
	switch open {
	case "(":
		return ")"
	case "[":
		return "]"
	case "{":
		return "}"
	case "<":
		return ">"
	case `"`, "'", "`":
		return open
	}
	return ""
}

func outlined(s *shape) *outline {
	o := &outline{shape: s}
	words := 0
	for _, p := range s.tokens {
		if p.kind != mark {
			words++
		}
	}
	o.items = itemsOf(s.tokens, words, nil)
	var b strings.Builder
	for _, it := range o.items {
		switch {
		case it.group:
			b.WriteString(it.text[:1])
		case it.kind == mark, it.kind == turn:
			b.WriteString(it.text)
		default:
			b.WriteByte('w')
		}
	}
	o.structure = b.String()
	return o
}

// itemsOf makes items of tokens. A group that holds more than half of all words
// is the message itself, as in JSON, and is looked into.
func itemsOf(tokens []piece, words int, out []item) []item {
	for i := 0; i < len(tokens); i++ {
		p := tokens[i]
		if p.kind != mark {
			out = append(out, item{text: p.text, kind: p.kind, glued: p.glued})
			continue
		}
		end := groupEnd(tokens, i)
		if end < 0 {
			out = append(out, item{text: p.text, kind: mark, glued: p.glued})
			continue
		}
		inside, own := 0, 0
		for _, q := range tokens[i+1 : end] {
			if q.kind != mark {
				inside++
			}
			if q.kind == word {
				own++
			}
		}
		if inside > 3 && 2*inside > words {
			out = append(out, item{text: p.text, kind: mark, glued: p.glued})
			out = itemsOf(tokens[i+1:end], words, out)
			out = append(out, item{text: tokens[end].text, kind: mark})
		} else {
			it := item{text: joined(tokens[i : end+1]), kind: word, glued: p.glued, group: true}
			it.optional = p.text != `"` && p.text != "'" && p.text != "`" && (inside == 0 || inside > own && inside <= 3)
			out = append(out, it)
		}
		i = end
	}
	return out
}

// groupEnd returns where the group that opens at i closes, or -1.
func groupEnd(tokens []piece, i int) int {
	open := tokens[i].text
	shut := closer(open)
	if shut == "" {
		return -1
	}
	depth := 0
	for j := i + 1; j < len(tokens); j++ {
		switch t := tokens[j]; {
		case t.kind == turn:
			return -1
		case t.kind != mark:
		case t.text == shut && depth == 0:
			return j
		case t.text == shut:
			depth--
		case t.text == open:
			depth++
		}
	}
	return -1
}

// joined writes tokens as text.
func joined(tokens []piece) string {
	var b strings.Builder
	for i, p := range tokens {
		if i > 0 && !p.glued {
			b.WriteByte(' ')
		}
		switch p.kind {
		case hole:
			b.WriteString(holeText)
		case turn:
			b.WriteString(turnText)
		case word, mark:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

const (
	holeText = "<*>"
	turnText = "⏎"
)

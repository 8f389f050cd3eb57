package logql

import (
	"bytes"
	"strings"
)

// sight is what a glance at a line tells about one label.
type sight int

const (
	absent sight = iota // no key of the line gives the label
	seen                // the value stands there as it is written
	unsure              // only reading the whole line tells
)

// glance finds the value of one label in a line of JSON without reading the
// rest of it: it searches for the key. It never guesses. Where a key could be
// nested, written otherwise or escaped it is unsure, and the line is read whole;
// so its answers are those of parseJSONLine.
type glance struct {
	label string
	// stem is the label up to its first "_": every key that can give the label,
	// alone or as the outermost of several, begins with it. Where it is empty the
	// label is absent without its word, and else only the whole line tells.
	stem   []byte
	rarest int // the byte of the stem that logs have least of
	word   []byte
	marker *marker // finds the stem in whole blocks; nil where the line is searched
	pair   bytePair
}

func newGlance(label string, m *marker) glance {
	stem := label
	for i := 0; i < len(label); i++ {
		if label[i] == '_' {
			stem = label[:i]
			break
		}
	}
	g := glance{label: label, stem: []byte(stem)}
	for _, word := range strings.Split(label, "_") {
		if len(word) > len(g.word) {
			g.word = []byte(word)
		}
	}
	if pair, ok := pairOf(g.stem); ok && m.has(pair) {
		g.marker, g.pair = m, pair
	}
	for i := range g.stem {
		if rarity(g.stem[i]) > rarity(g.stem[g.rarest]) {
			g.rarest = i
		}
	}
	return g
}

// rarity orders bytes by how seldom logs have them: the letters of English
// text and of JSON logs, the most frequent first. Others are rarer still.
func rarity(c byte) int {
	const often = ` "etaoinsr0123456789-:,dluc./_m{}phfgby=vkwxjqz[]()`
	if i := bytes.IndexByte([]byte(often), c); i >= 0 {
		return i
	}
	return len(often)
}

// object is a line that holds a JSON object, with what several glances share.
type object struct {
	line   []byte
	marks  Marks
	open   int // offset after its first brace
	nested int // offset of the first brace that may open a nested object; len(line) if none; -1 not known yet
}

func newObject(line []byte, m Marks) object {
	return object{line: line, marks: m, open: bytes.IndexByte(line, '{') + 1, nested: -1}
}

// depthKnown reports whether what stands at the offset is surely a part of the
// outermost object.
func (o *object) depthKnown(at int) bool {
	if o.nested < 0 {
		o.nested = len(o.line)
		for i := o.open; i < len(o.line); {
			n := bytes.IndexByte(o.line[i:], '{')
			if n < 0 {
				break
			}
			i += n
			// Inside of a text a brace may stand anywhere; one that opens an object
			// follows a colon, a comma or a bracket.
			switch before := lastNonBlank(o.line[:i]); before {
			case ':', ',', '[', '{':
				o.nested = i
				return at < o.nested
			}
			i++
		}
	}
	return at < o.nested
}

func lastNonBlank(b []byte) byte {
	for i := len(b) - 1; i >= 0; i-- {
		if !isBlank(b[i]) {
			return b[i]
		}
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// in looks for the label. The value is as written: a text without its quotes
// (never one with escapes), a number, true or false.
func (g *glance) in(o *object) (value []byte, s sight) {
	line := o.line
	if len(g.stem) == 0 {
		if len(g.word) > 0 && !bytes.Contains(line, g.word) && !hasEscapedLetters(line) {
			return nil, absent
		}
		return nil, unsure
	}
	for at := o.open; ; {
		start := g.next(o, at)
		if start < 0 {
			if hasEscapedLetters(line) {
				return nil, unsure
			}
			return nil, absent
		}
		at = start + 1
		end := start + len(g.stem)
		switch opens(line[:start]) {
		case no:
			continue
		case broken:
			return nil, unsure
		}
		n := bytes.IndexByte(line[end:], '"')
		if n < 0 {
			return nil, unsure
		}
		close := end + n
		key := line[start:close]
		if key[len(key)-1] == '\\' {
			return nil, unsure
		}
		after := skipBlanks(line, close+1)
		if after >= len(line) || line[after] != ':' {
			at = close + 1 // a value, not a key
			continue
		}
		after = skipBlanks(line, after+1)
		if after >= len(line) {
			return nil, unsure
		}
		switch g.compare(key, line[after] == '{') {
		case no:
			at = close + 1
			continue
		case broken:
			return nil, unsure
		}
		if !o.depthKnown(start) || bytes.IndexByte(line[o.open:start], '\\') >= 0 && hasEscapedLetters(line[:start]) {
			return nil, unsure
		}
		value, s := scalar(line, after)
		if s == absent { // null, an array, an object: other keys may give the label
			at = after
			continue
		}
		return value, s
	}
}

// next returns where the stem stands next, from an offset on, or -1.
func (g *glance) next(o *object, at int) int {
	if g.marker != nil && g.marker == o.marks.of {
		for _, mark := range o.marks.list {
			start := int(mark-o.marks.at) - g.pair.offset
			if end := start + len(g.stem); start >= at && end <= len(o.line) && string(o.line[start:end]) == string(g.stem) {
				return start
			}
		}
		return -1
	}
	for rare := g.stem[g.rarest]; ; at++ {
		n := bytes.IndexByte(o.line[min(at+g.rarest, len(o.line)):], rare)
		if n < 0 {
			return -1
		}
		at += n
		if end := at + len(g.stem); end <= len(o.line) && string(o.line[at:end]) == string(g.stem) {
			return at
		}
	}
}

// opens tells whether a text begins right here: yes, no, or broken where blanks
// that the name loses stand between.
func opens(before []byte) verdict {
	if len(before) == 0 {
		return no
	}
	switch c := before[len(before)-1]; {
	case c == '"':
		if len(before) > 1 && before[len(before)-2] == '\\' {
			return no // a quote inside of a text
		}
		return yes
	case isBlank(c) || c >= 0x80 || c == '\v' || c == '\f':
		if i := bytes.LastIndexByte(before, '"'); i < 0 || len(bytes.TrimSpace(before[i+1:])) > 0 {
			return no
		}
		return broken
	}
	return no
}

// compare tells whether a key gives the label: yes when it is written alike, no,
// or broken when it might: as a parent, or after its name is cleaned.
func (g *glance) compare(key []byte, parent bool) verdict {
	if string(key) == g.label {
		return yes
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		return broken
	}
	name := key
	if !plainName(key) {
		name = appendName(make([]byte, 0, 64), key)
	}
	switch {
	case string(name) == g.label:
		return broken
	case parent && len(name) < len(g.label) && g.label[:len(name)] == string(name) && g.label[len(name)] == '_':
		return broken
	}
	return no
}

// plainName reports whether cleaning leaves a name as it is.
func plainName(key []byte) bool {
	for _, c := range key {
		if !isLetter(c) && !isDigit(c) {
			return false
		}
	}
	return len(key) > 0 && !isDigit(key[0])
}

func skipBlanks(line []byte, i int) int {
	for i < len(line) && isBlank(line[i]) {
		i++
	}
	return i
}

// scalar reads the value at the offset; absent for what gives no label.
func scalar(line []byte, at int) ([]byte, sight) {
	switch c := line[at]; {
	case c == '"':
		n := bytes.IndexByte(line[at+1:], '"')
		if n < 0 {
			return nil, unsure
		}
		value := line[at+1 : at+1+n]
		if bytes.IndexByte(value, '\\') >= 0 {
			return nil, unsure
		}
		return value, seen
	case c == '{' || c == '[' || bytes.HasPrefix(line[at:], []byte("null")):
		return nil, absent
	case c == '-' || isDigit(c) || c == 't' || c == 'f':
		end := at
		for end < len(line) && !isJSONEnd(line[end]) {
			end++
		}
		word := line[at:end]
		if isDigit(c) || c == '-' {
			if end < len(line) && isJSONNumber(word) {
				return word, seen
			}
		} else if string(word) == "true" || string(word) == "false" {
			return word, seen
		}
	}
	return nil, unsure
}

// hasEscapedLetters reports whether a letter or digit of ASCII may be written as
// \u00xx in the text: then a search for letters does not find all there is.
// Loggers escape control signs and what is not ASCII, hardly ever letters.
func hasEscapedLetters(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+4 >= len(text) {
			return false
		}
		if string(text[i+1:i+4]) == "u00" && text[i+4] >= '2' && text[i+4] <= '7' {
			return true
		}
		text = text[i+2:]
	}
}

package logql

import (
	"bytes"
	"sort"
)

// Template is a family of messages that differ only in their variable parts.
type Template struct {
	Text         string // with <*> for what varies
	Count        int    // in the recent part of the window
	Before       int    // in the part before it
	First, Last  int64  // nanoseconds since 1970
	Level        string // the most frequent one, canonical; may be empty
	Samples      []string
	levels       map[string]int
	firstSamples []sampled
}

type sampled struct {
	time int64
	text string
}

// maxTemplates bounds memory: messages beyond it are counted as a whole.
const maxTemplates = 2000

// templateSamples is how many messages of each template are shown: the first
// ones in time, so that the choice does not depend on the order of reading.
const templateSamples = 3

// maxTokens is how many words of a message its template looks at.
const maxTokens = 64

// Miner groups messages into templates: words that hold digits, quoted texts,
// addresses, paths and long hexadecimal are masked, and messages with the same
// masked words are one template. The result does not depend on the order of
// messages as long as there are no more than maxTemplates.
type Miner struct {
	split     int64 // times after it are recent
	templates map[string]*Template
	buffer    []byte
	Overflow  int // messages of templates beyond the bound
	Messages  int
}

// NewMiner returns a miner; messages after split (nanoseconds since 1970) are
// recent, the others before.
func NewMiner(split int64) *Miner {
	return &Miner{split: split, templates: map[string]*Template{}}
}

// Add takes one message and returns the text of its template, or "" for one
// beyond the bound.
func (m *Miner) Add(message []byte, level string, time int64) string {
	m.Messages++
	m.buffer = mask(m.buffer[:0], message)
	t := m.templates[string(m.buffer)]
	if t == nil {
		if len(m.templates) >= maxTemplates {
			m.Overflow++
			return ""
		}
		t = &Template{Text: string(m.buffer), First: time, Last: time, levels: map[string]int{}}
		m.templates[t.Text] = t
	}
	if time > m.split {
		t.Count++
	} else {
		t.Before++
	}
	t.First, t.Last = min(t.First, time), max(t.Last, time)
	t.levels[level]++
	if n := len(t.firstSamples); n < templateSamples || time < t.firstSamples[n-1].time {
		t.sample(sampled{time, cut(message, 300)})
	}
	return t.Text
}

func (t *Template) sample(s sampled) {
	for _, have := range t.firstSamples {
		if have.text == s.text {
			return
		}
	}
	t.firstSamples = append(t.firstSamples, s)
	sort.SliceStable(t.firstSamples, func(a, b int) bool {
		x, y := t.firstSamples[a], t.firstSamples[b]
		return x.time < y.time || x.time == y.time && x.text < y.text
	})
	t.firstSamples = t.firstSamples[:min(len(t.firstSamples), templateSamples)]
}

// Templates returns the templates: those that are new in the recent part first,
// then by count, then by text.
func (m *Miner) Templates() []Template {
	out := make([]Template, 0, len(m.templates))
	for _, t := range m.templates {
		for _, s := range t.firstSamples {
			t.Samples = append(t.Samples, s.text)
		}
		best := 0
		for _, level := range sortedNames(t.levels) {
			if t.levels[level] > best {
				best, t.Level = t.levels[level], level
			}
		}
		out = append(out, *t)
	}
	sort.Slice(out, func(a, b int) bool {
		x, y := out[a], out[b]
		if newX, newY := x.Before == 0, y.Before == 0; newX != newY {
			return newX
		}
		if x.Count != y.Count {
			return x.Count > y.Count
		}
		if x.Before != y.Before {
			return x.Before > y.Before
		}
		return x.Text < y.Text
	})
	return out
}

const hole = "<*>"

// mask writes the template of the first line of a message.
func mask(to, message []byte) []byte {
	tokens := 0
	for i := 0; i < len(message) && message[i] != '\n'; {
		c := message[i]
		if c == ' ' || c == '\t' {
			i++
			continue
		}
		if tokens++; tokens > maxTokens {
			return append(to, " …"...)
		}
		if len(to) > 0 {
			to = append(to, ' ')
		}
		if end := quotedEnd(message, i); end > 0 {
			to = append(append(append(to, c), hole...), c)
			i = end
			continue
		}
		start := i
		for i < len(message) && message[i] > ' ' && !(i > start && (message[i-1] == '=' || message[i-1] == ':' || message[i-1] == '(') && quotedEnd(message, i) > 0) {
			i++
		}
		to = maskWord(to, message[start:i])
		// key="a text with blanks"
		if end := quotedEnd(message, i); i > start && i < len(message) && end > 0 {
			to = append(append(append(to, message[i]), hole...), message[i])
			i = end
		}
	}
	return to
}

// quotedEnd returns the offset after the quoted text that begins at i, or 0.
func quotedEnd(message []byte, i int) int {
	if i >= len(message) || message[i] != '"' && message[i] != '\'' && message[i] != '`' {
		return 0
	}
	for j := i + 1; j < len(message) && message[j] != '\n'; j++ {
		switch message[j] {
		case '\\':
			j++
		case message[i]:
			return j + 1
		}
	}
	return 0
}

// maskWord masks the variable pieces of a word. The pieces are what stands
// between punctuation; one with a digit is variable, as is long hexadecimal.
// Paths keep their constant segments.
func maskWord(to, word []byte) []byte {
	for i := 0; i < len(word); {
		if !isPiece(word[i]) {
			to = append(to, word[i])
			i++
			continue
		}
		if isUUID(word[i:]) {
			to = append(to, hole...)
			i += uuidLength
			continue
		}
		start, digit, hex := i, false, true
		for i < len(word) && (isPiece(word[i]) || joins(word, i)) {
			digit = digit || isDigit(word[i])
			hex = hex && (isDigit(word[i]) || word[i]|0x20 >= 'a' && word[i]|0x20 <= 'f')
			i++
		}
		if digit || hex && i-start >= 16 {
			if !bytes.HasSuffix(to, []byte(hole)) {
				to = append(to, hole...)
			}
			continue
		}
		to = append(to, word[start:i]...)
	}
	return to
}

func isPiece(c byte) bool { return isLetter(c) || isDigit(c) || c >= 0x80 }

// joins keeps 10.0.0.1, 1.5, 12:30:00 and dates in one piece: punctuation
// between two digits.
func joins(word []byte, i int) bool {
	switch word[i] {
	case '.', ':', '-', '+':
	default:
		return false
	}
	return i > 0 && i+1 < len(word) && isDigit(word[i-1]) && isDigit(word[i+1])
}

const uuidLength = 36

func isUUID(word []byte) bool {
	if len(word) < uuidLength || len(word) > uuidLength && isPiece(word[uuidLength]) {
		return false
	}
	for i, c := range word[:uuidLength] {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

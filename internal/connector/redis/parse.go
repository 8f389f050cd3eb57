package redis

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// A line is one command of a fence, split into words.
type line struct {
	words  []word
	offset int // of the command's first byte in the fence
}

// A word is one argument. Holes inside of it are filled as they stand: their
// values can hold spaces, quotes or line ends and stay one argument.
type word struct {
	pieces []probe.Part
	offset int
}

// maxLines bounds a fence: a probe is a question, not a script.
const maxLines = 20

// split reads a fence: one command a line, words separated by blanks, quoted
// with ' or " as in a shell, comments after # at the start of a line.
func split(text probe.Template) ([]line, []connector.Problem) {
	s := splitter{}
	at := 0
	for _, part := range text.Parts {
		if part.Hole != "" {
			s.hole(part, at)
			at += len("${" + part.Hole + "}")
			continue
		}
		for i := 0; i < len(part.Literal); i++ {
			s.byte(part.Literal[i], at)
			at++
			if strings.HasPrefix(part.Literal[i:], "${") {
				at++ // Template.Source writes a literal ${ as $${
			}
		}
	}
	s.end(at)
	if len(s.lines) > maxLines {
		s.fail(s.lines[maxLines].offset, fmt.Sprintf("a fence may hold %d commands, this has %d", maxLines, len(s.lines)))
	}
	if len(s.lines) == 0 && len(s.problems) == 0 {
		s.fail(0, "the fence holds no command")
	}
	return s.lines, s.problems
}

type splitter struct {
	lines    []line
	problems []connector.Problem
	cur      line
	word     *word
	quote    byte
	quoteAt  int
	escaped  bool
	comment  bool
}

func (s *splitter) fail(offset int, text string) {
	s.problems = append(s.problems, connector.Problem{Offset: offset, Text: text})
}

func (s *splitter) open(at int) *word {
	if s.word == nil {
		s.word = &word{offset: at}
		if len(s.cur.words) == 0 {
			s.cur.offset = at
		}
	}
	return s.word
}

func (s *splitter) add(b byte, at int) {
	w := s.open(at)
	if n := len(w.pieces); n > 0 && w.pieces[n-1].Hole == "" {
		w.pieces[n-1].Literal += string(b)
		return
	}
	w.pieces = append(w.pieces, probe.Part{Literal: string(b)})
}

func (s *splitter) hole(part probe.Part, at int) {
	if s.comment {
		return
	}
	s.escaped = false
	w := s.open(at)
	w.pieces = append(w.pieces, part)
}

func (s *splitter) byte(b byte, at int) {
	switch {
	case b == '\n':
		if s.quote != 0 {
			s.fail(s.quoteAt, "this quote is not closed on its line")
		}
		s.endLine()
	case s.comment:
	case s.escaped:
		s.escaped = false
		s.add(unescape(b), at)
	case s.quote != 0 && b == s.quote:
		s.quote = 0
	case s.quote == '"' && b == '\\':
		s.escaped = true
	case s.quote != 0:
		s.add(b, at)
	case b == '\'' || b == '"':
		s.quote, s.quoteAt = b, at
		s.open(at)
	case b == ' ' || b == '\t' || b == '\r':
		s.endWord()
	case b == '#' && s.word == nil && len(s.cur.words) == 0:
		s.comment = true
	default:
		s.add(b, at)
	}
}

func unescape(b byte) byte {
	switch b {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	}
	return b
}

func (s *splitter) endWord() {
	if s.word != nil {
		s.cur.words = append(s.cur.words, *s.word)
		s.word = nil
	}
}

func (s *splitter) endLine() {
	s.endWord()
	if len(s.cur.words) > 0 {
		s.lines = append(s.lines, s.cur)
	}
	s.cur, s.quote, s.escaped, s.comment = line{}, 0, false, false
}

func (s *splitter) end(at int) {
	if s.quote != 0 {
		s.fail(s.quoteAt, "this quote is never closed")
	}
	_ = at
	s.endLine()
}

// literal is the word's text; ok is false where a hole stands in it.
func (w word) literal() (text string, ok bool) {
	for _, p := range w.pieces {
		if p.Hole != "" {
			return "", false
		}
		text += p.Literal
	}
	return text, true
}

// fill returns the arguments that the word stands for: one, or, where it is a
// lone hole with a list, as many as the list has.
func (w word) fill() ([]string, error) {
	if len(w.pieces) == 1 && w.pieces[0].Hole != "" {
		switch list := w.pieces[0].Value.(type) {
		case []string:
			return list, nil
		case []any:
			out := make([]string, 0, len(list))
			for _, v := range list {
				s, err := argument(v)
				if err != nil {
					return nil, err
				}
				out = append(out, s)
			}
			return out, nil
		}
	}
	var b strings.Builder
	for _, p := range w.pieces {
		if p.Hole == "" {
			b.WriteString(p.Literal)
			continue
		}
		s, err := argument(p.Value)
		if err != nil {
			return nil, fmt.Errorf("${%s}: %w", p.Hole, err)
		}
		b.WriteString(s)
	}
	return []string{b.String()}, nil
}

// argument writes a hole's value as Redis wants it: durations in seconds.
func argument(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case time.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64), nil
	case nil:
		return "", fmt.Errorf("it has no value")
	}
	return "", fmt.Errorf("a %T cannot stand inside of an argument", v)
}

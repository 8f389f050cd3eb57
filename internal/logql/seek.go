package logql

import (
	"bytes"
	"strings"
)

// needles are texts of which every wanted record holds at least one, as they
// stand in the file, within one line.
type needles struct {
	texts []needle
	block []byte
}

// needle is a text with its byte that logs have least of.
type needle struct {
	text   []byte
	rarest int
}

// mostNeedles bounds how often a block is searched.
const mostNeedles = 4

// needlesOf takes the texts from the line filters that come before anything
// changes the line: of the filter whose shortest text is the longest.
func needlesOf(log *Log) *needles {
	var best *needles
	for _, stage := range log.Stages {
		switch s := stage.(type) {
		case *LineFilter:
			if l := needlesIn(s); l != nil && (best == nil || l.shortest() > best.shortest()) {
				best = l
			}
		case *Parser:
			if s.Kind != parseJSON && s.Kind != parseLogfmt && s.Kind != parseRegexp && s.Kind != parsePattern {
				return best
			}
		case *LabelFilter:
		default:
			return best
		}
	}
	return best
}

func needlesIn(f *LineFilter) *needles {
	var words []string
	switch f.Op {
	case "|=":
		words = f.Values
	case "|~":
		for _, pattern := range f.Values {
			plain, fold, ok := plainWords(pattern)
			if !ok || fold {
				return nil
			}
			words = append(words, plain...)
		}
	}
	if len(words) == 0 || len(words) > mostNeedles {
		return nil
	}
	var l needles
	for _, w := range words {
		if len(w) < shortestWord || strings.ContainsFunc(w, func(r rune) bool { return r < ' ' }) {
			return nil
		}
		one := needle{text: []byte(w)}
		for i := range one.text {
			if rarity(one.text[i]) > rarity(one.text[one.rarest]) {
				one.rarest = i
			}
		}
		l.texts = append(l.texts, one)
	}
	return &l
}

func (l *needles) shortest() int {
	n := len(l.texts[0].text)
	for _, t := range l.texts {
		n = min(n, len(t.text))
	}
	return n
}

// over begins a block.
func (l *needles) over(block []byte) bool {
	l.block = block
	return true
}

// next returns the offset of the first of the texts from an offset on, or the
// length of the block.
func (l *needles) next(from int) int {
	first := len(l.block)
	for i := range l.texts {
		end := min(len(l.block), first+len(l.texts[i].text)-1)
		if at := l.texts[i].index(l.block[from:end]); at >= 0 {
			first = min(first, from+at)
		}
	}
	return first
}

// index is bytes.Index by the rarest byte instead of the first.
func (t *needle) index(block []byte) int {
	for at := 0; ; {
		if at+t.rarest >= len(block) {
			return -1
		}
		n := bytes.IndexByte(block[at+t.rarest:], t.text[t.rarest])
		if n < 0 {
			return -1
		}
		at += n
		if len(block)-at < len(t.text) {
			return -1
		}
		if bytes.Equal(block[at:at+len(t.text)], t.text) {
			return at
		}
		at++
	}
}

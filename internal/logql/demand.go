package logql

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// demand is what a text must hold for a regular expression to match it: a word,
// all of some demands, or any of them. It is necessary and not enough: what
// meets it is given to the expression itself.
type demand struct {
	word     int // place in the list of words, where all and any are empty
	all, any []demand
}

// mostWords bounds the words of one expression: a bit for each.
const mostWords = 256

// wordSet has a bit for each word that stands in a text.
type wordSet [mostWords / 64]uint64

func (s *wordSet) add(n int)      { s[n>>6] |= 1 << (n & 63) }
func (s *wordSet) has(n int) bool { return s[n>>6]&(1<<(n&63)) != 0 }

func (d demand) met(by *wordSet) bool {
	switch {
	case d.all != nil:
		for i := range d.all {
			if !d.all[i].met(by) {
				return false
			}
		}
		return true
	case d.any != nil:
		for i := range d.any {
			if d.any[i].met(by) {
				return true
			}
		}
		return false
	}
	return by.has(d.word)
}

// demandsOf reads the demand of an expression and its words, which are in lower
// case. known is false where nothing, or too much, can be told.
func demandsOf(pattern string) (d demand, words []string, known bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return demand{}, nil, false
	}
	d, known = demandOf(re.Simplify(), &words)
	return d, words, known && len(words) <= mostWords
}

func demandOf(re *syntax.Regexp, words *[]string) (demand, bool) {
	if texts, ok := textsOf(re); ok {
		return anyWord(texts, words)
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return demandOf(re.Sub[0], words)
	case syntax.OpConcat:
		var parts []demand
		note := func(d demand, ok bool) {
			if ok {
				parts = append(parts, d)
			}
		}
		run := []string{""} // what the last parts come to, one behind the other
		for _, sub := range re.Sub {
			texts, ok := textsOf(sub)
			if ok && len(run)*len(texts) <= mostTexts {
				run = joined(run, texts)
				continue
			}
			note(anyWord(run, words))
			if run = []string{""}; ok {
				run = texts
				continue
			}
			note(demandOf(sub, words))
		}
		note(anyWord(run, words))
		return demand{all: parts}, parts != nil
	case syntax.OpAlternate:
		var parts []demand
		for _, sub := range re.Sub {
			d, ok := demandOf(sub, words)
			if !ok {
				return demand{}, false
			}
			parts = append(parts, d)
		}
		return demand{any: parts}, true
	}
	return demand{}, false
}

// anyWord demands any of the texts; nothing where one of them is too short to
// be worth a search.
func anyWord(texts []string, words *[]string) (demand, bool) {
	var parts []demand
	for _, text := range texts {
		if len(text) < shortestWord {
			return demand{}, false
		}
		at := slices.Index(*words, text)
		if at < 0 {
			at = len(*words)
			*words = append(*words, text)
		}
		parts = append(parts, demand{word: at})
	}
	return demand{any: parts}, true
}

// shortestWord is the least length of a word that is worth searching for.
const shortestWord = 3

// mostTexts bounds the texts that an expression is written out to.
const mostTexts = 16

// textsOf are all texts that an expression matches, in lower case ASCII, where
// those are few: (re)?start[ed] is starte, startd, restarte, restartd.
func textsOf(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpLiteral:
		text := strings.ToLower(string(re.Rune))
		return []string{text}, !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	case syntax.OpCharClass:
		var texts []string
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if r >= utf8.RuneSelf || len(texts) >= mostTexts {
					return nil, false
				}
				texts = append(texts, strings.ToLower(string(r)))
			}
		}
		return distinct(texts), true
	case syntax.OpCapture:
		return textsOf(re.Sub[0])
	case syntax.OpQuest:
		texts, ok := textsOf(re.Sub[0])
		return distinct(append([]string{""}, texts...)), ok
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range re.Sub {
			texts, ok := textsOf(sub)
			if !ok || len(all)*len(texts) > mostTexts {
				return nil, false
			}
			all = joined(all, texts)
		}
		return all, true
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			texts, ok := textsOf(sub)
			if !ok || len(all)+len(texts) > mostTexts {
				return nil, false
			}
			all = append(all, texts...)
		}
		return distinct(all), true
	}
	return nil, false
}

// joined is each of the one behind each of the other.
func joined(firsts, seconds []string) []string {
	var all []string
	for _, a := range firsts {
		for _, b := range seconds {
			all = append(all, a+b)
		}
	}
	return distinct(all)
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// searched is a regular expression behind a search for what it demands: of one
// that is a list of alternatives, only those are tried whose demands are met.
// Without case, two letters outside of ASCII are s and k, so texts with such letters
// are then always given to the expression itself.
func searched(re *regexp.Regexp, pattern string) textTest {
	whole, words, known := demandsOf(pattern)
	if !known {
		return re.Match
	}
	f := newFinder(words)
	folds := strings.Contains(pattern, "(?")
	parts := branches(pattern, words)
	return func(text []byte) bool {
		var found wordSet
		f.all(text, &found)
		if folds && foldsOutside(text) {
			return re.Match(text)
		}
		if parts == nil {
			return whole.met(&found) && re.Match(text)
		}
		for _, p := range parts {
			if p.demand.met(&found) && p.re.Match(text) {
				return true
			}
		}
		return false
	}
}

// branch is one of several expressions, with what it demands.
type branch struct {
	re     *regexp.Regexp
	demand demand
}

// branches are the alternatives of an expression that is a list of them, with the numbers
// that the words have in the list; nil where it is not.
func branches(pattern string, words []string) []branch {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || tree.Op != syntax.OpAlternate {
		return nil
	}
	var out []branch
	for _, sub := range tree.Sub {
		re, err := regexp.Compile(sub.String())
		if err != nil {
			return nil
		}
		own := slices.Clone(words)
		d, known := demandOf(sub.Simplify(), &own)
		if !known || len(own) > len(words) {
			return nil
		}
		out = append(out, branch{re, d})
	}
	return out
}

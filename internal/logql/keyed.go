package logql

import (
	"bytes"
	"slices"
	"sort"
	"strings"
)

// keyed finds the lines of JSON logs in which a label passes a test, without
// looking at the others at all: it goes from key to key through whole blocks,
// and stops at a value that passes, or that only reading the line can judge.
// The test must fail where the label is missing.
type keyed struct {
	names    []string // the label, and those that stand for it
	stems    []string // each key that gives one of them holds one of these
	test     condition
	within   int  // where the first stem stands in the label
	odd      bool // a line of plain text may pass too
	marker   *marker
	memo     memory
	scratch  *labelSet
	room     room
	block    []byte
	events   []uint32
	from     int     // of the events, the first that is not behind us
	shareOut float64 // of the lines of a sample that it passes over
}

// escapes is the pair by which letters that are written as \u00xx are found.
var escapes = bytePair{first: '\\', second: 'u', gap: 1}

// keyedOf makes one for a condition on a single label; nil where there is none.
func keyedOf(name string, test condition, stream *Stream) *keyed {
	k := &keyed{names: names(name), test: test, scratch: newLabelSet()}
	if !canMark || len(name) > longestKey || test(k.scratch) != no || !fromLine(name, stream) {
		return nil
	}
	for _, n := range k.names {
		longest := slices.MaxFunc(strings.Split(n, "_"), func(a, b string) int { return len(a) - len(b) })
		if !slices.ContainsFunc(k.stems, func(have string) bool { return strings.Contains(longest, have) }) {
			k.stems = append(k.stems, longest)
		}
	}
	pairs := []bytePair{escapes}
	for _, stem := range k.stems {
		pair, ok := pairOf([]byte(stem))
		if !ok || len(pairs) == mostPairs {
			return nil
		}
		pairs = append(pairs, pair)
	}
	k.within = strings.Index(name, k.stems[0])
	// Plain text gives these labels only; in a stream of another format a line
	// that is no object may give any.
	k.odd = stream.Format != JSON || isLevelName(name) || slices.Contains(messageNames, name) || name == "status"
	k.marker = newMarker(pairs, true)
	return k
}

// over begins a block. False where it has too many marks.
func (k *keyed) over(block []byte) bool {
	var ok bool
	k.events, ok = k.marker.mark(block, k.room.fit(block))
	k.block, k.from = block, 0
	return ok
}

// next returns the offset of the next place in a line that may pass.
func (k *keyed) next(at int) int {
	if k.odd && at < len(k.block) && k.block[at] != '{' {
		return at
	}
	k.from += sort.Search(len(k.events)-k.from, func(i int) bool { return int(k.events[k.from+i]) >= at })
	for ; k.from < len(k.events); k.from++ {
		at := int(k.events[k.from])
		switch k.block[at] {
		case '\n':
			if k.odd && at+1 < len(k.block) {
				return at + 1
			}
		case '\\':
			if hasEscapedLetters(k.block[at:min(at+6, len(k.block))]) {
				return at
			}
		default:
			if k.passes(at) {
				return at
			}
		}
	}
	return len(k.block)
}

// longestKey bounds how far from a stem the quotes of its key are looked for.
const longestKey = 64

// passes reports whether the key that a pair may belong to has a value that
// passes the test, or that cannot be judged here.
func (k *keyed) passes(at int) bool {
	for i, pair := range k.marker.pairs[1:] {
		start := at - pair.offset
		end := start + len(k.stems[i])
		if k.block[at] != pair.first || start < 0 || end > len(k.block) || string(k.block[start:end]) != k.stems[i] {
			continue
		}
		if k.judge(start, end) != no {
			return true
		}
	}
	return false
}

// judge looks at the key around a stem, and at its value.
func (k *keyed) judge(start, end int) verdict {
	if after, ok := k.plainKey(start); ok {
		return k.value(after)
	}
	close := bytes.IndexByte(k.block[end:min(end+longestKey, len(k.block))], '"')
	if close < 0 {
		return no
	}
	close += end
	after := skipBlanks(k.block, close+1)
	if after >= len(k.block) {
		return broken
	}
	if k.block[after] != ':' {
		return no // in a text, not in a key
	}
	open := bytes.LastIndexByte(k.block[max(0, start-longestKey):start], '"')
	if open < 0 {
		return broken
	}
	key := k.block[max(0, start-longestKey)+open+1 : close]
	if bytes.IndexByte(key, '\\') >= 0 {
		return broken
	}
	if after = skipBlanks(k.block, after+1); after >= len(k.block) {
		return broken
	}
	parent := k.block[after] == '{'
	switch k.gives(key, parent) {
	case no:
		return no
	case broken:
		return broken
	}
	return k.value(after)
}

// plainKey is the usual case: the label itself in quotes, whose value is neither
// an object nor far away.
func (k *keyed) plainKey(stem int) (value int, ok bool) {
	label := k.names[0]
	start := stem - k.within
	if start < 2 || k.block[start-1] != '"' || k.block[start-2] == '\\' || len(k.block)-start < len(label)+4 {
		return 0, false
	}
	rest := k.block[start:]
	if string(rest[:len(label)]) != label || rest[len(label)] != '"' || rest[len(label)+1] != ':' {
		return 0, false
	}
	value = skipBlanks(k.block, start+len(label)+2)
	return value, value < len(k.block) && k.block[value] != '{'
}

// value tests the value at an offset.
func (k *keyed) value(after int) verdict {
	value, what := scalar(k.block, after)
	switch what {
	case absent:
		return no
	case unsure:
		return broken
	}
	if v, ok := k.memo.of(value); ok {
		return v
	}
	k.scratch.reset()
	k.scratch.add(k.names[0], value, false)
	v := k.test(k.scratch)
	k.memo.keep(value, v)
	return v
}

// gives tells whether a key gives the label: yes with its own value, broken as
// the parent of what does, or no. A nested key gives the end of a label.
func (k *keyed) gives(key []byte, parent bool) verdict {
	if !parent && string(key) == k.names[0] {
		return yes
	}
	name := appendName(make([]byte, 0, 2*longestKey), key)
	for _, n := range k.names {
		if parent {
			if i := strings.Index(n, string(name)); i >= 0 && len(name) > 0 && len(name) < len(n) {
				return broken
			}
			continue
		}
		if rest, ok := strings.CutSuffix(n, string(name)); ok && (rest == "" || strings.HasSuffix(rest, "_") || strings.HasPrefix(string(name), "_")) {
			return yes
		}
	}
	return no
}

// keyedTests makes one for each condition that stands alone: those of the
// selector and of label filters behind a plain json stage, on one label each.
func keyedTests(log *Log, stream *Stream) []*keyed {
	rules := log.rules()
	if !rules.skipFaults {
		return nil
	}
	var out []*keyed
	add := func(name string, test condition, err error) {
		if err != nil {
			return
		}
		if k := keyedOf(name, test, stream); k != nil {
			out = append(out, k)
		}
	}
	for _, m := range log.Matchers {
		test, err := rules.compileSelector(m)
		add(m.Name, func(l *labelSet) verdict {
			value, _ := l.get(m.Name)
			return truth(test(value))
		}, err)
	}
	parsed := false
	for _, stage := range log.Stages {
		switch s := stage.(type) {
		case *LineFilter:
		case *Parser:
			if parsed || s.Kind != parseJSON || len(s.Fields) > 0 {
				return out
			}
			parsed = true
		case *LabelFilter:
			if name, ok := onlyName(s.Cond); ok && parsed {
				test, err := rules.compileCond(s.Cond)
				add(name, test, err)
			}
		default:
			return out
		}
	}
	return out
}

// onlyName is the one label that a condition is about.
func onlyName(c Cond) (name string, ok bool) {
	ok = true
	eachCompare(c, func(one *Compare) {
		ok = ok && one.Kind != Label && (name == "" || one.Name == name)
		name = one.Name
	})
	return name, ok && name != ""
}

// selective returns the one that passes over most lines of a sample, where that
// is most of them.
func selective(tests []*keyed, sample []byte) *keyed {
	var best *keyed
	lines := bytes.Count(sample, []byte("\n"))
	if lines < fewLines {
		return nil
	}
	for _, k := range tests {
		if !k.over(sample) {
			continue
		}
		taken := 0
		for at := 0; at < len(sample); taken++ {
			hit := k.next(at)
			if hit == len(sample) {
				break
			}
			end := bytes.IndexByte(sample[hit:], '\n')
			if end < 0 {
				end = len(sample) - hit - 1
			}
			at = hit + end + 1
		}
		k.shareOut = 1 - float64(taken)/float64(lines)
		if k.shareOut >= keyedWorthwhile && (best == nil || k.shareOut > best.shareOut) {
			best = k
		}
	}
	return best
}

// fewLines are read sooner than a search through them is made ready.
const fewLines = 50

// keyedWorthwhile is the least share of lines that must be passed over: each
// that is not costs as much as if all lines had been looked at.
const keyedWorthwhile = 0.6

package pattern

import (
	"strings"
	"unicode/utf8"
)

const (
	keptSamples = 3
	sampleBytes = 300
	keptHoles   = 8 // holes of a shape whose values are remembered
	maxLevels   = 16
)

// shape is what messages with the same words in the same places have in common,
// and what was counted of them.
type shape struct {
	key    uint64
	family *family
	tokens []piece
	record
}

// piece is a token of a shape.
type piece struct {
	text  string // of words and marks; empty for a hole
	kind  kind
	glued bool
}

// record is what is counted of a shape.
type record struct {
	counts      [2]int // before, recent
	errors      int
	first, last int64
	times       Series
	levels      [maxLevels]uint32 // by number in the miner
	samples     []keptSample      // those of the smallest priority
	holes       []sketch
}

type keptSample struct {
	priority uint64 // hash of the text: the same text is kept once
	time     int64  // the earliest one of this text
	text     string
}

func (r *record) total() int { return r.counts[0] + r.counts[1] }

// add counts a message, all but its holes.
func (r *record) add(m *Message, late, level int, full uint64) {
	r.counts[late]++
	r.levels[level]++
	if m.Error {
		r.errors++
	}
	if m.Time > 0 {
		if r.first == 0 || m.Time < r.first {
			r.first = m.Time
		}
		r.last = max(r.last, m.Time)
		r.times.Add(m.Time)
	}
	if n := len(r.samples); n < keptSamples || full <= r.samples[n-1].priority {
		r.sample(keptSample{priority: full, time: m.Time}, m.Text)
	}
}

// sample keeps a message if it is one of the chosen. Text stands for s.text,
// which is copied only if it stays; nil where s.text is there. Of messages of the
// same priority, which differ in nothing that a shape looks at, the earliest is
// kept.
func (r *record) sample(s keptSample, text []byte) {
	at := 0
	for at < len(r.samples) && r.samples[at].priority < s.priority {
		at++
	}
	if at < len(r.samples) && r.samples[at].priority == s.priority {
		have := &r.samples[at]
		if s.time > have.time {
			return
		}
		if text == nil {
			text = []byte(s.text)
		}
		order := compareCut(text, have.text)
		if s.time == have.time && order >= 0 {
			return
		}
		have.time = s.time
		if order != 0 {
			have.text = cut(text, sampleBytes)
		}
		return
	}
	if at >= keptSamples {
		return
	}
	if text != nil {
		s.text = cut(text, sampleBytes)
	}
	if len(r.samples) < keptSamples {
		r.samples = append(r.samples, keptSample{})
	}
	copy(r.samples[at+1:], r.samples[at:])
	r.samples[at] = s
}

// merge adds the counts of another record; levels says which level here each
// one there is.
func (r *record) merge(o *record, levels *[maxLevels]int) {
	r.counts[0] += o.counts[0]
	r.counts[1] += o.counts[1]
	r.errors += o.errors
	if r.first == 0 || o.first != 0 && o.first < r.first {
		r.first = o.first
	}
	r.last = max(r.last, o.last)
	r.times.Merge(&o.times)
	for i, n := range o.levels {
		if n > 0 {
			r.levels[levels[i]] += n
		}
	}
	for _, s := range o.samples {
		r.sample(s, nil)
	}
}

// mergeHoles adds the values of another record of the same shape.
func (r *record) mergeHoles(o *record) {
	for len(r.holes) < len(o.holes) {
		r.holes = append(r.holes, sketch{})
	}
	for i := range o.holes {
		r.holes[i].merge(&o.holes[i])
	}
}

// cut copies at most n bytes, never half a character.
func cut(text []byte, n int) string {
	if len(text) <= n {
		return string(text)
	}
	return string(text[:shownBytes(text, n)]) + ellipsis
}

// compareCut orders a text, as cut would leave it, and one that was cut.
func compareCut(text []byte, have string) int {
	n := shownBytes(text, sampleBytes)
	switch {
	case n == len(text) && string(text) == have:
		return 0
	case n < len(text) && len(have) > n && have[:n] == string(text[:n]) && have[n:] == ellipsis:
		return 0
	}
	return strings.Compare(cut(text, sampleBytes), have)
}

const ellipsis = "…"

func shownBytes(text []byte, n int) int {
	if len(text) <= n {
		return len(text)
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

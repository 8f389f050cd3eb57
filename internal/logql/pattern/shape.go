package pattern

import "unicode/utf8"

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
// which is copied only if it stays.
func (r *record) sample(s keptSample, text []byte) {
	at := 0
	for at < len(r.samples) && r.samples[at].priority < s.priority {
		at++
	}
	if at < len(r.samples) && r.samples[at].priority == s.priority {
		if have := &r.samples[at]; have.time == 0 || s.time != 0 && s.time < have.time {
			have.time = s.time
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
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return string(text[:n]) + "…"
}

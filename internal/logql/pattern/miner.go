package pattern

// Miner groups messages into templates. It is for one goroutine; several may
// each feed their own and merge them.
type Miner struct {
	config   Config
	cutter   tokenizer
	table    table
	families map[uint64]*family
	levels   []string // by number
	stats    Stats
}

// family are the shapes with the same number of tokens and the same marks in the
// same places: what differs between two of them are words and holes.
type family struct {
	key    uint64
	shapes []*shape
	full   bool   // shapes were left out
	bound  uint64 // the largest key kept, once it is full
	rest   record // messages of shapes that were left out
}

// New returns a miner.
func New(c Config) *Miner {
	c = c.filled()
	return &Miner{config: c, cutter: tokenizer{limit: c.Tokens}, families: map[uint64]*family{}}
}

// Add takes one message.
func (m *Miner) Add(msg Message) { m.add(&msg) }

// add returns the key of the message's shape.
func (m *Miner) add(msg *Message) uint64 {
	m.stats.Messages++
	key := m.cutter.shape(msg.Text)
	late := 0
	if msg.Time > m.config.Split || m.config.Split == 0 {
		late = 1
	}
	level := m.level(msg.Level)
	s := m.table.find(key)
	if s == nil {
		if s = m.meet(key, msg.Text); s == nil {
			m.leftOut(msg, key, late, level)
			return key
		}
	}
	full, n := key, 0
	for i := range m.cutter.tokens {
		t := &m.cutter.tokens[i]
		if t.kind != hole {
			continue
		}
		full = mix(full, t.raw)
		if n < len(s.holes) {
			s.holes[n].add(msg.Text[t.start:t.end], t.raw, msg.Time, late)
			n++
		}
	}
	s.add(msg, late, level, full)
	return key
}

// level returns the number of a level. Unknown ones beyond maxLevels share the last.
func (m *Miner) level(name string) int {
	for i, l := range m.levels {
		if l == name {
			return i
		}
	}
	if len(m.levels) < maxLevels-1 {
		m.levels = append(m.levels, name)
		return len(m.levels) - 1
	}
	return maxLevels - 1
}

// familyKey hashes what the shapes of a family have in common.
func (m *Miner) familyKey() uint64 {
	h := uint64(seed)
	for _, t := range m.cutter.tokens {
		v := uint64(1)
		switch t.kind {
		case mark:
			v = t.raw
		case turn:
			v = 2
		case word, hole:
		}
		h = mix(h^prime, v)
	}
	return h
}

// meet makes room for a shape that was never seen, if it may be kept.
func (m *Miner) meet(key uint64, text []byte) *shape {
	fk := m.familyKey()
	f := m.families[fk]
	if f == nil {
		if m.table.used >= m.config.Shapes {
			return nil
		}
		f = &family{key: fk}
		m.families[fk] = f
	}
	if f.full && key > f.bound {
		return nil
	}
	if m.table.used >= m.config.Shapes && len(f.shapes) < m.config.Family {
		return nil
	}
	s := &shape{key: key, family: f}
	holes := 0
	// One copy for all words, unless the message is far longer than what is kept.
	whole := ""
	if len(text) <= wholeBytes {
		whole = string(text)
	}
	for _, t := range m.cutter.tokens {
		p := piece{kind: t.kind, glued: t.glued}
		switch t.kind {
		case hole:
			holes++
		case turn:
			p.text = turnText
		case word, mark:
			if p.text = marks[text[t.start]]; t.kind == word && whole != "" {
				p.text = whole[t.start:t.end]
			} else if t.kind == word {
				p.text = string(text[t.start:t.end])
			}
		}
		s.tokens = append(s.tokens, p)
	}
	s.holes = make([]sketch, min(holes, keptHoles))
	m.keep(s)
	return m.table.find(key)
}

// wholeBytes is how long a message may be for its words to share one copy of it.
const wholeBytes = 2 << 10

// marks are the texts of marks, made once.
var marks = func() (table [256]string) {
	for c := range table {
		if classes[c]&isMark != 0 {
			table[c] = string(rune(c))
		}
	}
	return table
}()

// keep adds a shape to its family, and throws out the one of the largest key
// where the family is too large then.
func (m *Miner) keep(s *shape) {
	f := s.family
	f.shapes = append(f.shapes, s)
	m.table.put(s)
	for len(f.shapes) > m.config.Family {
		worst := 0
		for i, have := range f.shapes {
			if have.key > f.shapes[worst].key {
				worst = i
			}
		}
		out := f.shapes[worst]
		f.shapes[worst] = f.shapes[len(f.shapes)-1]
		f.shapes = f.shapes[:len(f.shapes)-1]
		m.table.drop(out.key)
		f.rest.merge(&out.record, &sameLevels)
		m.stats.Guessed += out.counts[0] + out.counts[1]
		f.full, f.bound = true, 0
		for _, have := range f.shapes {
			f.bound = max(f.bound, have.key)
		}
	}
}

var sameLevels = func() (same [maxLevels]int) {
	for i := range same {
		same[i] = i
	}
	return same
}()

// leftOut counts a message whose shape is not kept.
func (m *Miner) leftOut(msg *Message, key uint64, late, level int) {
	f := m.families[m.familyKey()]
	if f == nil || !f.full {
		m.stats.Lost++
		return
	}
	m.stats.Guessed++
	f.rest.add(msg, late, level, m.cutter.text(key))
}

// Stats says what the miner looked at.
func (m *Miner) Stats() Stats {
	s := m.stats
	s.Shapes = m.table.used
	return s
}

// Merge adds all that another miner of the same configuration saw; the other one
// must not be used afterwards.
func (m *Miner) Merge(other *Miner) {
	m.stats.Messages += other.stats.Messages
	m.stats.Guessed += other.stats.Guessed
	m.stats.Lost += other.stats.Lost
	var levels [maxLevels]int
	for i := range levels {
		levels[i] = maxLevels - 1
		if i < len(other.levels) {
			levels[i] = m.level(other.levels[i])
		}
	}
	for _, key := range sortedKeys(other.families) {
		m.mergeFamily(other.families[key], &levels)
	}
}

func (m *Miner) mergeFamily(o *family, levels *[maxLevels]int) {
	f := m.families[o.key]
	if f == nil {
		f = &family{key: o.key}
		m.families[o.key] = f
	}
	if o.full && (!f.full || o.bound < f.bound) {
		f.full, f.bound = true, o.bound
	}
	f.rest.merge(&o.rest, levels)
	for _, s := range o.shapes {
		mine := m.table.find(s.key)
		switch {
		case mine != nil:
			mine.merge(&s.record, levels)
			mine.mergeHoles(&s.record)
		case f.full && s.key > f.bound:
			m.stats.Guessed += s.counts[0] + s.counts[1]
			f.rest.merge(&s.record, levels)
		case m.table.used >= m.config.Shapes:
			m.stats.Lost += s.counts[0] + s.counts[1]
		default:
			fresh := &shape{key: s.key, family: f, tokens: s.tokens}
			fresh.holes = make([]sketch, len(s.holes))
			fresh.merge(&s.record, levels)
			fresh.mergeHoles(&s.record)
			m.keep(fresh)
		}
	}
	// What is kept here beyond the other's bound was thrown out there.
	if f.full {
		m.tighten(f)
	}
}

// tighten throws out what lies beyond the bound of a full family.
func (m *Miner) tighten(f *family) {
	kept := f.shapes[:0]
	for _, s := range f.shapes {
		if s.key <= f.bound {
			kept = append(kept, s)
			continue
		}
		m.table.drop(s.key)
		f.rest.merge(&s.record, &sameLevels)
		m.stats.Guessed += s.counts[0] + s.counts[1]
	}
	f.shapes = kept
}

package logql

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Sieve tells cheaply which lines of a source a query cannot want, so that they
// are neither split off, nor dated, nor parsed. It is sound: what it refuses the
// query would have dropped. It is made from what all wanted lines must have in
// common: the texts of line filters, and labels that stand in JSON.
type Sieve struct {
	log     *Log
	needles *needles // one of them stands in every wanted record; nil: not known
	marker  *marker  // of the keys that the query looks at; nil where this processor cannot
}

// newSieve makes the sieve of a query; more are labels that it looks at beside
// those of its filters.
func newSieve(log *Log, more ...string) *Sieve {
	return &Sieve{log: log, needles: needlesOf(log), marker: markerOf(log, more)}
}

// markerOf finds the keys of a query's labels, in the order in which it names
// them, as many as one pass can.
func markerOf(log *Log, more []string) *marker {
	if !canMark || !log.rules().skipFaults {
		return nil
	}
	var pairs []bytePair
	add := func(label string) {
		pair, ok := pairOf(newGlance(label, nil).stem)
		if ok && len(pairs) < mostPairs && !slices.Contains(pairs, pair) {
			pairs = append(pairs, pair)
		}
	}
	for _, m := range log.Matchers {
		add(m.Name)
	}
	for _, stage := range log.Stages {
		if f, ok := stage.(*LabelFilter); ok {
			eachCompare(f.Cond, func(c *Compare) {
				for _, name := range c.labels() {
					add(name)
				}
			})
		}
	}
	for _, label := range more {
		add(label)
	}
	return newMarker(pairs, false)
}

// On makes the sieve ready for the lines of a stream, by a sample of them: tests
// that refuse hardly any line are left to the pipeline, the others come in the
// order of how many they refuse. A Screen is for one goroutine. A nil Sieve
// refuses nothing.
func (s *Sieve) On(stream *Stream, sample []byte) *Screen {
	if s == nil {
		return &Screen{}
	}
	screen := &Screen{tests: compileLooks(s.log, stream, s.marker).tests, marker: s.marker}
	screen.order(sample)
	if s.needles != nil {
		screen.seek = &needles{texts: s.needles.texts}
	} else if k := selective(keyedTests(s.log, stream), sample); k != nil {
		screen.seek = k
	}
	return screen
}

// Screen is a sieve for the lines of one stream.
type Screen struct {
	seek   seeker // nil where every line must be looked at
	tests  []look
	object object
	marker *marker
	room   room
}

// seeker finds the places in a block that a wanted record holds one of.
type seeker interface {
	// over begins a block; false where it cannot be searched.
	over(block []byte) bool
	// next returns the first place from an offset on, where a line begins, or
	// the length of the block.
	next(from int) int
}

// marksRoom is how many marks one block may have: beyond it, lines of a dozen
// bytes, they are searched one by one.
const marksRoom = 1 << 17

// leastRoom is what is made at least, so that the next block finds room too.
const leastRoom = 1 << 14

// room is where the marks of a block are put. Rooms are used again: a diagnosis
// asks a hundred queries of a dozen files.
type room []uint32

var rooms sync.Pool

// fit makes room for the marks of a block: of a short one, for all there can be.
func (r *room) fit(block []byte) []uint32 {
	want := min(marksRoom, len(block)/4+1024)
	if len(*r) >= want {
		return *r
	}
	r.leave()
	if old, ok := rooms.Get().(*room); ok && len(*old) >= want {
		*r = *old
	} else {
		*r = make(room, max(want, leastRoom))
	}
	return *r
}

// leave gives the room to the next one who needs it.
func (r *room) leave() {
	if len(*r) > 0 {
		old := *r
		rooms.Put(&old)
		*r = nil
	}
}

// Close ends the use of a screen, and of the marks that it made.
func (s *Screen) Close() {
	if s == nil {
		return
	}
	s.room.leave()
	if k, ok := s.seek.(*keyed); ok {
		k.room.leave()
	}
}

// Over begins a block. It reports whether Next skips anything in it.
func (s *Screen) Over(block []byte) bool { return s.seek != nil && s.seek.over(block) }

// Next returns the offset of a place in the next line that a wanted record may
// hold, from the beginning of a line on; the length of the block where there is
// none. A record that spans blocks is found in the one that holds the place.
func (s *Screen) Next(from int) int { return s.seek.next(from) }

// Marks marks the lines of a block in which Next skips nothing; nil where that
// would not pay. What it returns is valid until the next call.
func (s *Screen) Marks(block []byte) *BlockMarks {
	if s.marker == nil {
		return nil
	}
	list, ok := s.marker.mark(block, s.room.fit(block))
	if !ok {
		return nil
	}
	return &BlockMarks{of: s.marker, block: block, list: list}
}

// Refuses reports whether no query can want a record that is this line of JSON,
// which begins with a brace and is not wrapped in another format.
func (s *Screen) Refuses(line []byte, m Marks) bool {
	if len(s.tests) == 0 {
		return false
	}
	s.object = newObject(line, m)
	for _, test := range s.tests {
		if test(&s.object) == no {
			return true
		}
	}
	return false
}

// worthwhile is the least share of lines that a test must refuse.
const worthwhile = 0.3

// order sorts the tests by what they refuse of a sample. Which lines a query
// sees must not depend on how fast anyone reads, so it is done once.
func (s *Screen) order(sample []byte) {
	refused, lines := make([]int, len(s.tests)), 0
	for len(sample) > 0 && len(s.tests) > 0 {
		line, rest, _ := bytes.Cut(sample, []byte("\n"))
		if sample = rest; len(line) == 0 || line[0] != '{' {
			continue
		}
		lines++
		for i, test := range s.tests {
			s.object = newObject(line, Marks{})
			if test(&s.object) == no {
				refused[i]++
			}
		}
	}
	if lines == 0 {
		return
	}
	order := make([]int, 0, len(s.tests))
	for i, n := range refused {
		if float64(n) >= worthwhile*float64(lines) {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return refused[order[a]] > refused[order[b]] })
	tests := make([]look, len(order))
	for i, n := range order {
		tests[i] = s.tests[n]
	}
	s.tests = tests
}

// look tests a line of JSON: yes, no, or broken where only the pipeline tells.
type look func(*object) verdict

// looks are the tests of a query's stages, in order.
type looks struct {
	tests []look
	// whole says that a line that passes all of them passes the query, and comes
	// out of it as it went in, with the labels that json gave it.
	whole bool
}

// compileLooks makes tests of the selector and of the first stages: of line
// filters, and of label filters behind a plain json stage.
func compileLooks(log *Log, stream *Stream, mark *marker) looks {
	var out looks
	rules := log.rules()
	if !rules.skipFaults {
		return out // faults are labels, which only the pipeline makes
	}
	for _, m := range log.Matchers {
		test, ok := rules.lookAtMatcher(m, stream, mark)
		if !ok {
			return out
		}
		out.tests = append(out.tests, test)
	}
	parsed := false
	for _, stage := range log.Stages {
		switch s := stage.(type) {
		case *LineFilter:
			step, err := rules.compileStage(s)
			if err != nil {
				return out
			}
			// The line is still the one that came in: no stage so far changes it.
			scratch := &pipeline{}
			out.tests = append(out.tests, func(o *object) verdict {
				scratch.line = o.line
				return step(scratch)
			})
		case *Parser:
			if parsed || s.Kind != parseJSON || len(s.Fields) > 0 {
				return out
			}
			parsed = true
		case *LabelFilter:
			test, ok := rules.lookAtCond(s.Cond, stream, mark)
			if !parsed || !ok {
				return out
			}
			out.tests = append(out.tests, test)
		case *Unwrap: // whoever wants the sample reads it
		default:
			return out
		}
	}
	out.whole = parsed
	return out
}

func (r rules) lookAtMatcher(m Matcher, stream *Stream, mark *marker) (look, bool) {
	test, err := r.compileSelector(m)
	if err != nil {
		return nil, false
	}
	if value, ok := stream.Labels[m.Name]; ok {
		is := truth(test([]byte(value)))
		return func(*object) verdict { return is }, true
	}
	return remember(newSearch(m.Name, mark), func(l *labelSet) verdict {
		value, _ := l.get(m.Name)
		return truth(test(value))
	}), true
}

func (r rules) lookAtCond(c Cond, stream *Stream, mark *marker) (look, bool) {
	switch c := c.(type) {
	case *Both:
		left, ok := r.lookAtCond(c.Left, stream, mark)
		if !ok {
			return nil, false
		}
		right, ok := r.lookAtCond(c.Right, stream, mark)
		if !ok {
			return nil, false
		}
		if c.Op == "or" {
			return func(o *object) verdict {
				a := left(o)
				if a == yes {
					return yes
				}
				if b := right(o); b != no {
					return b
				}
				return a
			}, true
		}
		return func(o *object) verdict {
			a := left(o)
			if a == no {
				return no
			}
			if b := right(o); b != yes {
				return b
			}
			return a
		}, true
	case *Compare:
		test, err := r.compileCond(c)
		if err != nil || !fromLine(c.Name, stream) {
			return nil, false
		}
		if c.Kind != Label {
			return remember(newSearch(c.Name, mark), test), true
		}
		if !fromLine(c.Text, stream) {
			return nil, false
		}
		left, right, scratch := newSearch(c.Name, mark), newSearch(c.Text, mark), newLabelSet()
		return func(o *object) verdict {
			scratch.reset()
			if !left.into(o, scratch) || !right.into(o, scratch) {
				return broken
			}
			return test(scratch)
		}, true
	}
	return nil, false
}

// fromLine reports whether a label filter on the name reads what json found in
// the line, and nothing that the stream brought.
func fromLine(name string, stream *Stream) bool {
	if strings.HasSuffix(name, "_extracted") {
		return false
	}
	for _, n := range names(name) {
		if _, ok := stream.Labels[n]; ok {
			return false
		}
	}
	return true
}

// names are the name and those that stand for it.
func names(name string) []string {
	out := []string{name}
	for _, alias := range aliases(name) {
		if alias != name {
			out = append(out, alias)
		}
	}
	return out
}

// search glances for a label under all its names.
type search []glance

func newSearch(name string, m *marker) search {
	var s search
	for _, n := range names(name) {
		s = append(s, newGlance(n, m))
	}
	return s
}

// in returns the value of the first name that the line has.
func (s search) in(o *object) (name string, value []byte, what sight) {
	for i := range s {
		if value, what = s[i].in(o); what != absent {
			return s[i].label, value, what
		}
	}
	return "", nil, absent
}

// into adds the label to a set; false where the glance is unsure.
func (s search) into(o *object, labels *labelSet) bool {
	name, value, what := s.in(o)
	if what == seen {
		labels.add(name, value, false)
	}
	return what != unsure
}

// remember tests one label, and keeps the verdicts on values that come again
// and again: levels and names of services.
func remember(find search, test condition) look {
	scratch := newLabelSet()
	var memo memory
	return func(o *object) verdict {
		label, value, what := find.in(o)
		if what == unsure {
			return broken
		}
		if what == seen {
			if v, ok := memo.of(value); ok {
				return v
			}
		}
		scratch.reset()
		if what == seen {
			scratch.add(label, value, false)
		}
		v := test(scratch)
		if what == seen {
			memo.keep(value, v)
		}
		return v
	}
}

// memory holds the verdicts on the last few values. It gives up where values
// hardly ever come again.
type memory struct {
	values       [memorySize][]byte
	verdicts     [memorySize]verdict
	next         int
	hits, misses int
}

const (
	memorySize     = 8
	memoryPatience = 256
	memoryLongest  = 64
)

func (m *memory) useless() bool { return m.misses > memoryPatience && m.hits < m.misses }

func (m *memory) of(value []byte) (verdict, bool) {
	if m.useless() {
		return no, false
	}
	for i := range m.values {
		if string(m.values[i]) == string(value) && m.values[i] != nil {
			m.hits++
			return m.verdicts[i], true
		}
	}
	m.misses++
	return no, false
}

func (m *memory) keep(value []byte, v verdict) {
	if len(value) > memoryLongest || m.useless() {
		return
	}
	m.values[m.next] = append(m.values[m.next][:0], value...)
	m.verdicts[m.next] = v
	m.next = (m.next + 1) % memorySize
}

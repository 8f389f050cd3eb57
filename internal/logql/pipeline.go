package logql

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// pipeline is a log query made ready to run. It is used by one goroutine.
type pipeline struct {
	log      *Log
	rules    rules
	matchers []matcher
	steps    []step
	names    []string // of the steps, for counts
	counts   Counts

	labels  *labelSet
	promote *labelSet
	want    map[string]bool // labels that anyone looks at; nil: all
	enough  int             // so many labels found end the reading of a line; 0: none does
	noNeed  bool            // nobody looks at any label: parsers have nothing to do
	quiet   bool            // a line goes through again: count nothing
	line    []byte
	value   float64 // of the sample, where the query unwraps one
	record  *Record

	stream       *Stream // whose labels are at hand as bytes
	streamNames  []string
	streamValues [][]byte
}

// Counts says what became of the lines that a query looked at.
type Counts struct {
	Selected int // lines of the window that the selector took
	Matched  int // lines that passed every stage
	Passed   []int
	Broken   map[string]int // stage → lines that it could not read, skipped
	Fallback map[string]int // format → lines whose own format was read instead of the one asked for
	Unusable int            // lines whose unwrapped label is no number, skipped
}

func (c *Counts) merge(o *Counts) {
	c.Selected += o.Selected
	c.Matched += o.Matched
	for i, n := range o.Passed {
		c.Passed[i] += n
	}
	for name, n := range o.Broken {
		c.Broken[name] += n
	}
	for name, n := range o.Fallback {
		c.Fallback[name] += n
	}
}

// meet takes over the values that another worker's selectors met.
func (p *pipeline) meet(o *pipeline) {
	for i := range p.matchers {
		for value := range o.matchers[i].seen {
			p.matchers[i].seen[value] = true
		}
	}
}

type matcher struct {
	Matcher
	test textTest
	find search
	seen map[string]bool // values met, for the hint when nothing matches
}

// step passes a line on (yes), drops it (no) or could not read it (broken).
type step func(*pipeline) verdict

func compilePipeline(log *Log) (*pipeline, error) {
	rules := log.rules()
	p := &pipeline{log: log, rules: rules, labels: rules.newLabelSet(), promote: newLabelSet(),
		counts: Counts{Broken: map[string]int{}, Fallback: map[string]int{}}}
	for _, m := range log.Matchers {
		test, err := rules.compileSelector(m)
		if err != nil {
			return nil, err
		}
		p.matchers = append(p.matchers, matcher{Matcher: m, test: test, seen: map[string]bool{}, find: newSearch(m.Name, nil)})
	}
	for _, stage := range log.Stages {
		if err := p.addStage(stage); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compileSelector makes the test of a matcher of the selector: anchored in every
// dialect, and levels are compared as everywhere in their dialect.
func (r rules) compileSelector(m Matcher) (textTest, error) {
	if !r.aliases || !isLevelName(m.Name) {
		return m.compile(true)
	}
	if !strings.HasSuffix(m.Op, "~") {
		want, negative := canonicalLevel([]byte(m.Value)), m.Op == "!="
		return func(v []byte) bool { return (canonicalLevel(v) == want) != negative }, nil
	}
	negative := m.Op == "!~"
	m.Op, m.Value = "=~", "(?i)"+m.Value
	match, err := m.compile(true)
	return func(v []byte) bool { return (match(v) || match([]byte(canonicalLevel(v)))) != negative }, err
}

// compile makes the test of a matcher. With whole a regular expression must
// match all of the value.
func (m Matcher) compile(whole bool) (textTest, error) {
	want, negative := m.Value, strings.HasPrefix(m.Op, "!")
	if !strings.HasSuffix(m.Op, "~") {
		return func(v []byte) bool { return (string(v) == want) != negative }, nil
	}
	match, err := compileRegexp(want, whole)
	if err != nil {
		return nil, &Error{Offset: m.Offset, Reason: err.Error()}
	}
	return func(v []byte) bool { return match(v) != negative }, nil
}

func (p *pipeline) addStage(stage Stage) error {
	s, err := p.rules.compileStage(stage)
	if err != nil {
		return err
	}
	var out printer
	stage.text(&out)
	p.steps = append(p.steps, s)
	p.names = append(p.names, out.String())
	p.counts.Passed = append(p.counts.Passed, 0)
	return nil
}

// run passes one record through. Afterwards line and labels hold the result.
func (p *pipeline) run(r *Record) bool {
	p.record = r
	if !p.selects() {
		return false
	}
	p.counts.Selected++
	if !p.stages() {
		return false
	}
	p.counts.Matched++
	return true
}

func (p *pipeline) stages() bool {
	p.line = p.record.Line
	p.labels.reset()
	if p.stream != p.record.Stream {
		p.stream, p.streamNames, p.streamValues = p.record.Stream, nil, nil
		for name, value := range p.record.Stream.Labels {
			p.streamNames = append(p.streamNames, name)
			p.streamValues = append(p.streamValues, []byte(value))
		}
	}
	p.labels.settled = p.streamNames
	for i, name := range p.streamNames {
		p.labels.add(name, p.streamValues[i], true)
	}
	for i := range p.promote.names {
		if p.labels.index(p.promote.names[i]) < 0 {
			p.labels.add(p.promote.names[i], p.promote.values[i], true)
		}
	}
	for i, s := range p.steps {
		v := s(p)
		if !p.quiet && v == yes {
			p.counts.Passed[i]++
		}
		if !p.quiet && v == broken {
			p.counts.Broken[p.names[i]]++
		}
		if v != yes {
			return false
		}
	}
	return true
}

// full runs the stages again with all labels kept, for a line that is shown.
func (p *pipeline) full() {
	want := p.want
	p.want, p.quiet = nil, true
	p.stages()
	p.want, p.quiet = want, false
}

// selects tests the stream selector. A label that the stream lacks is taken
// from the line's own fields.
func (p *pipeline) selects() bool {
	p.promote.reset()
	promoted := false
	for i := range p.matchers {
		m := &p.matchers[i]
		value, ok := p.record.Stream.Labels[m.Name]
		b := []byte(value)
		if !ok && p.rules.lineSelect {
			if !promoted {
				p.promoteFields()
				promoted = true
			}
			b, _ = p.promote.get(m.Name)
		}
		if len(m.seen) < maxSeen && len(b) > 0 && len(b) < 100 && !m.seen[string(b)] {
			m.seen[string(b)] = true
		}
		if !m.test(b) {
			return false
		}
	}
	return true
}

// maxSeen is how many values of a selector's label are kept for the hint.
const maxSeen = 10

// promoteFields takes the fields that the selector asks for from the line.
func (p *pipeline) promoteFields() {
	if p.glanceFields() {
		return
	}
	p.promote.reset()
	want := func(name []byte) bool {
		for i := range p.matchers {
			if p.matchers[i].Name == string(name) {
				return true
			}
			for _, alias := range aliases(p.matchers[i].Name) {
				if alias == string(name) {
					return true
				}
			}
		}
		return false
	}
	parseOwn(p.record, p.record.Line, want, p.promote)
}

// glanceFields is promoteFields for a line of JSON that looks whole; false where
// only reading all of it tells.
func (p *pipeline) glanceFields() bool {
	if !looksWhole(p.record.Line) {
		return false
	}
	o := newObject(p.record.Line, Marks{})
	for i := range p.matchers {
		if !p.matchers[i].find.into(&o, p.promote) {
			return false
		}
	}
	return true
}

// parseOwn reads a line in the format that it has.
func parseOwn(r *Record, line []byte, want func([]byte) bool, labels *labelSet) Format {
	if isObject(line) && parseJSONLine(line, want, labels) == nil {
		return JSON
	}
	if r.Stream.Format == Logfmt && parseLogfmtLine(line, want, labels) == nil {
		return Logfmt
	}
	parsePlainLine(line, labels)
	return Plain
}

func isObject(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && line[0] == '{'
}

func (p *pipeline) wanted() func([]byte) bool {
	if p.want == nil {
		return nil
	}
	return func(name []byte) bool { return p.want[string(name)] }
}

func (r rules) compileStage(stage Stage) (step, error) {
	switch s := stage.(type) {
	case *LineFilter:
		return compileLineFilter(s)
	case *AddressFilter:
		return compileAddressFilter(s)
	case *Parser:
		return r.compileParser(s)
	case *Decolorize:
		return func(p *pipeline) verdict { p.line = decolorize(p.line); return yes }, nil
	case *LabelFilter:
		c, err := r.compileCond(s.Cond)
		return func(p *pipeline) verdict { return c(p.labels) }, err
	case *LineFormat:
		return r.compileLineFormat(s)
	case *LabelFormat:
		return r.compileLabelFormat(s)
	case *Select:
		return r.compileSelect(s)
	case *Unwrap:
		return r.compileUnwrap(s), nil
	}
	return nil, fmt.Errorf("unknown stage %T", stage)
}

func compileLineFilter(f *LineFilter) (step, error) {
	negative := strings.HasPrefix(f.Op, "!")
	tests := make([]textTest, len(f.Values))
	for i, value := range f.Values {
		test, err := compileLineTest(f.Op[1], value)
		if err != nil {
			return nil, err
		}
		tests[i] = test
	}
	return anyOf(tests, negative), nil
}

// compileLineTest makes the test of one value; kind is the operator's last sign.
func compileLineTest(kind byte, value string) (textTest, error) {
	switch kind {
	case '~':
		return compileRegexp(value, false)
	case '>':
		pattern, err := compileLinePattern(value)
		return pattern.match, err
	}
	text := []byte(value)
	return func(line []byte) bool { return bytes.Contains(line, text) }, nil
}

func compileAddressFilter(f *AddressFilter) (step, error) {
	var tests []textTest
	for _, text := range f.Networks {
		n, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		tests = append(tests, n.inside)
	}
	for _, value := range f.Values {
		text := []byte(value)
		tests = append(tests, func(line []byte) bool { return bytes.Contains(line, text) })
	}
	return anyOf(tests, f.Op == "!="), nil
}

// anyOf keeps a line that passes any of the tests, or none where negative.
func anyOf(tests []textTest, negative bool) step {
	return func(p *pipeline) verdict {
		for _, test := range tests {
			if test(p.line) {
				return truth(!negative)
			}
		}
		return truth(negative)
	}
}

func (r rules) compileParser(s *Parser) (step, error) {
	switch s.Kind {
	case parseUnpack:
		return func(p *pipeline) verdict { return p.unpack() }, nil
	case parsePattern:
		pattern, err := compilePattern(s.Pattern)
		return func(p *pipeline) verdict { pattern.apply(p.line, p.labels); return yes }, err
	case parseRegexp:
		re, err := regexp.Compile(s.Pattern)
		if err != nil {
			return nil, err
		}
		names := re.SubexpNames()
		return func(p *pipeline) verdict {
			m := re.FindSubmatchIndex(p.line)
			for i, name := range names {
				if name == "" || m == nil {
					continue
				}
				var value []byte // a group that took no part is empty
				if m[2*i] >= 0 {
					value = p.line[m[2*i]:m[2*i+1]]
				}
				p.labels.parsed(name, value)
			}
			return yes
		}, nil
	}
	if len(s.Fields) > 0 {
		if r.otherFormats {
			return compileFields(s)
		}
		return compileOnlyFields(s)
	}
	if !r.otherFormats {
		return func(p *pipeline) verdict { return p.parseOnly(s, p.wanted(), p.labels) }, nil
	}
	return func(p *pipeline) verdict { return p.parse(s.Kind, p.wanted(), p.labels) }, nil
}

// parse reads json or logfmt. In a stream of another format the lines' own
// format is read instead, so that one playbook serves all; it is counted. A
// line that does not have the format of its own stream is broken.
func (p *pipeline) parse(kind string, want func([]byte) bool, labels *labelSet) verdict {
	var err error
	if kind == parseJSON {
		err = parseJSONLine(p.line, want, labels)
	} else {
		err = parseLogfmtLine(p.line, want, labels)
	}
	format := p.record.Stream.Format
	if err == nil {
		return yes
	}
	if string(format) == kind || kind == parseJSON && isObject(p.line) {
		return broken
	}
	own := parseOwn(p.record, p.line, want, labels)
	if !p.quiet {
		p.counts.Fallback[string(own)]++
	}
	return yes
}

// compileFields is json or logfmt with arguments: only these fields, under new
// names; a field that is not there gives an empty label.
func compileFields(s *Parser) (step, error) {
	paths := make([][]any, len(s.Fields))
	for i, f := range s.Fields {
		steps, err := parsePath(f.Path)
		if err != nil {
			return nil, err
		}
		paths[i] = steps
	}
	scratch := newLabelSet()
	return func(p *pipeline) verdict {
		scratch.reset()
		if v := p.parse(s.Kind, nil, scratch); v != yes {
			return v
		}
		for i, f := range s.Fields {
			value, found := scratch.get(flatName(f.Path))
			if s.Kind == parseJSON && isObject(p.line) {
				value, found = lookup(p.line, paths[i])
			}
			p.labels.extracted(f.Name, append([]byte(nil), value...), found)
		}
		return yes
	}, nil
}

package logql

import "context"

// Promoted gives each line's own fields of these names to its stream as labels,
// as an agent that ships logs to a Loki would have done. A label that the
// stream has already stays.
func Promoted(src Source, names ...string) Source {
	return &promoted{src: src, names: names, scratch: newLabelSet(), streams: map[string]*Stream{}}
}

type promoted struct {
	src     Source
	names   []string
	scratch *labelSet
	streams map[string]*Stream // by the values, within parent
	parent  *Stream
	batch   []Record
}

// maxPromoted bounds how many streams are kept at hand.
const maxPromoted = 4096

// Read implements Source.
func (p *promoted) Read(ctx context.Context, w Window, emit func([]Record) error) ([]string, error) {
	want := func(name []byte) bool { return contains(p.names, string(name)) }
	return p.src.Read(ctx, w, func(batch []Record) error {
		p.batch = append(p.batch[:0], batch...)
		for i := range p.batch {
			r := &p.batch[i]
			p.scratch.reset()
			parseOwn(r, r.Line, want, p.scratch)
			r.Stream = p.stream(r.Stream)
		}
		return emit(p.batch)
	})
}

func (p *promoted) stream(of *Stream) *Stream {
	if p.parent != of || len(p.streams) > maxPromoted {
		p.parent = of
		clear(p.streams)
	}
	key := ""
	for _, name := range p.names {
		v, _ := p.scratch.get(name)
		key += string(v) + "\x00"
	}
	if s, ok := p.streams[key]; ok {
		return s
	}
	s := &Stream{Name: of.Name, Format: of.Format, Labels: map[string]string{}}
	for _, name := range p.names {
		if v, ok := p.scratch.get(name); ok && len(v) > 0 {
			s.Labels[name] = string(v)
		}
	}
	for name, v := range of.Labels {
		s.Labels[name] = v
	}
	p.streams[key] = s
	return s
}

// SelectorLabels are the names that the selectors of a query look at.
func (q Query) SelectorLabels() []string {
	var names []string
	logs := []*Log{}
	if log, ok := q.Root.(*Log); ok {
		logs = append(logs, log)
	}
	for _, r := range rangesOf(q.Root) {
		logs = append(logs, r.Log)
	}
	for _, log := range logs {
		for _, m := range log.Matchers {
			names = append(names, m.Name)
		}
	}
	return unique(names)
}

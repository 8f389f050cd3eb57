package logql

import (
	"bytes"
	"regexp"
	"strings"
)

// parseOnly reads json or logfmt and nothing else.
func (p *pipeline) parseOnly(s *Parser, want func([]byte) bool, labels *labelSet) verdict {
	if p.noNeed {
		return yes
	}
	if s.Kind == parseJSON {
		scanner := jsonScanner{line: p.line, want: want, labels: labels, enough: p.enough}
		if err := scanner.document(); err != nil {
			return p.rules.unreadable(p.labels, faultJSON, err.Error())
		}
		return yes
	}
	err := parseLogfmtPairs(p.line, s.Strict, s.KeepEmpty, func(key, value []byte) {
		if name := labels.intern(appendName(nil, key)); want == nil || p.want[name] {
			labels.parsed(name, value)
		}
	})
	if err != nil {
		return p.rules.unreadable(p.labels, faultLogfmt, err.Error())
	}
	return yes
}

// compileOnlyFields is json or logfmt with arguments where nothing else is read.
func compileOnlyFields(s *Parser) (step, error) {
	if s.Kind == parseLogfmt {
		return compileLogfmtFields(s), nil
	}
	paths := make([][]any, len(s.Fields))
	for i, f := range s.Fields {
		steps, err := parsePath(f.Path)
		if err != nil {
			return nil, err
		}
		paths[i] = steps
	}
	return func(p *pipeline) verdict {
		if len(p.line) == 0 || p.line[0] != '{' && p.line[0] != '[' {
			return p.rules.unreadable(p.labels, faultJSON, "")
		}
		for i, f := range s.Fields {
			value, found := lookup(p.line, paths[i])
			p.labels.extracted(f.Name, value, found)
		}
		return yes
	}, nil
}

func compileLogfmtFields(s *Parser) step {
	return func(p *pipeline) verdict {
		found := make([][]byte, len(s.Fields))
		err := parseLogfmtPairs(p.line, s.Strict, true, func(key, value []byte) {
			for i, f := range s.Fields {
				if string(key) == f.Path { // the last one counts
					found[i] = append([]byte{}, value...)
				}
			}
		})
		for i, f := range s.Fields {
			p.labels.extracted(f.Name, found[i], found[i] != nil)
		}
		if err != nil {
			return p.rules.unreadable(p.labels, faultLogfmt, err.Error())
		}
		return yes
	}
}

// unpack takes the labels and the line out of a packed line, as agents pack
// them to have fewer streams. An object that packs no line stays as it is.
func (p *pipeline) unpack() verdict {
	scratch := newLabelSet()
	err := errJSON
	if len(p.line) > 0 && p.line[0] == '{' {
		err = (&jsonScanner{line: p.line, labels: scratch, textsOnly: true}).document()
	}
	if err != nil {
		return p.rules.unreadable(p.labels, faultJSON, err.Error())
	}
	if scratch.index(packedEntry) < 0 {
		return yes
	}
	for i, name := range scratch.names {
		if name == packedEntry {
			p.line = scratch.values[i]
			continue
		}
		p.labels.parsed(name, scratch.values[i])
	}
	return yes
}

// packedEntry is the key under which the line itself is packed.
const packedEntry = "_entry"

// endEarly lets parsers end where all labels that anyone looks at are found,
// and do nothing where nobody looks at any. Metric queries only: what they miss
// of a line, nobody sees. A fault that stands after the last label is not seen
// either, as in Loki.
func (p *pipeline) endEarly() {
	if p.rules.skipFaults || p.want == nil {
		return
	}
	for name := range p.want {
		if name == errorLabel || name == detailsLabel || strings.HasSuffix(name, "_extracted") {
			return
		}
	}
	p.enough, p.noNeed = len(p.want), len(p.want) == 0
}

// colour is an escape sequence of terminals (ECMA-48): CSI with parameters, or
// a two-byte one.
var colour = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

func decolorize(line []byte) []byte {
	if bytes.IndexByte(line, 0x1b) < 0 {
		return line
	}
	return colour.ReplaceAll(line, nil)
}

// compileUnwrap reads the sample's value. A line without the label, or with an
// empty one, is no sample.
func (r rules) compileUnwrap(u *Unwrap) step {
	read := u.reader()
	return func(p *pipeline) verdict {
		text, ok := p.labels.get(u.Label)
		if !ok || len(text) == 0 {
			return no
		}
		if p.value, ok = read(text); ok {
			return yes
		}
		if r.skipFaults {
			if !p.quiet {
				p.counts.Unusable++
			}
			return no
		}
		return r.unreadable(p.labels, faultSample, "unwrap wants a number, and the label "+u.Label+" is none")
	}
}

// reader is how the label's text becomes a number.
func (u *Unwrap) reader() func([]byte) (float64, bool) {
	switch u.Convert {
	case "duration", "duration_seconds":
		return reader(Duration)
	case "bytes":
		return reader(Bytes)
	}
	return reader(Number)
}

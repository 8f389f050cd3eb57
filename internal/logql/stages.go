package logql

import (
	"bytes"
	"regexp"
)

// parseOnly reads json or logfmt and nothing else.
func (p *pipeline) parseOnly(s *Parser, want func([]byte) bool, labels *labelSet) verdict {
	if s.Kind == parseJSON {
		if err := parseJSONLine(p.line, want, labels); err != nil {
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
	scratch := newLabelSet()
	nothing := func([]byte) bool { return false }
	return func(p *pipeline) verdict {
		scratch.reset()
		if err := parseJSONLine(p.line, nothing, scratch); err != nil {
			return p.rules.unreadable(p.labels, faultJSON, err.Error())
		}
		for i, f := range s.Fields {
			value, _ := follow(p.line, paths[i])
			p.labels.parsed(f.Name, append([]byte(nil), value...))
		}
		return yes
	}, nil
}

func compileLogfmtFields(s *Parser) step {
	return func(p *pipeline) verdict {
		found := make([][]byte, len(s.Fields))
		err := parseLogfmtPairs(p.line, s.Strict, true, func(key, value []byte) {
			for i, f := range s.Fields {
				if string(key) == f.Path && found[i] == nil {
					found[i] = append([]byte{}, value...)
				}
			}
		})
		if err != nil {
			return p.rules.unreadable(p.labels, faultLogfmt, err.Error())
		}
		for i, f := range s.Fields {
			p.labels.parsed(f.Name, found[i])
		}
		return yes
	}
}

// unpack takes the labels and the line out of a packed line, as agents pack
// them to have fewer streams.
func (p *pipeline) unpack() verdict {
	scratch := newLabelSet()
	scratch.exact = true
	if err := (&jsonScanner{line: p.line, labels: scratch, textsOnly: true}).document(); err != nil {
		return p.rules.unreadable(p.labels, faultJSON, err.Error())
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
	kind := Number
	switch u.Convert {
	case "duration", "duration_seconds":
		kind = Duration
	case "bytes":
		kind = Bytes
	}
	read := reader(kind)
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

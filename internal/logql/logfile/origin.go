package logfile

import (
	"maps"

	"github.com/quellhq/quell/internal/logql"
)

// maxOrigins bounds how many sets of labels the frames of one file may name;
// lines of further ones bear the labels of the file only.
const maxOrigins = 2000

type pair struct {
	name  string
	value []byte
}

// origin is who wrote a line, as its frame says.
type origin struct {
	lane   string // lines of one lane may go on from one another
	labels map[string]string
	stream *logql.Stream // made by whoever reads, at the first line
}

// origins keeps the origins of a file, so that lines of the same one share it.
type origins struct {
	known map[string]*origin
	key   []byte
	lost  int // lines whose labels were too many to keep
}

func newOrigins() *origins { return &origins{known: map[string]*origin{}} }

// of returns the origin with these labels. The level tells no lanes apart: a
// program writes its lines of all levels in one row.
func (o *origins) of(pairs []pair, lane []byte) *origin {
	key := o.key[:0]
	for _, p := range pairs {
		key = append(append(append(append(key, p.name...), 1), p.value...), 2)
	}
	key = append(key, lane...)
	o.key = key
	if known, ok := o.known[string(key)]; ok {
		return known
	}
	if len(o.known) >= maxOrigins {
		o.lost++
		return nil
	}
	at := &origin{labels: make(map[string]string, len(pairs))}
	row := make([]byte, 0, len(key))
	for _, p := range pairs {
		if _, has := at.labels[p.name]; !has {
			at.labels[p.name] = string(p.value)
		}
		if p.name != "level" {
			row = append(append(append(append(row, p.name...), 1), p.value...), 2)
		}
	}
	at.lane = string(append(row, lane...))
	o.known[string(key)] = at
	return at
}

// streamOf is the stream of an origin: the labels of the file and its own. What
// the settings say of all lines goes first.
func streamOf(base *logql.Stream, settings map[string]string, from *origin, fields map[string]bool) *logql.Stream {
	if from == nil {
		return base
	}
	if from.stream == nil {
		s := &logql.Stream{Name: base.Name, Format: base.Format, Labels: maps.Clone(base.Labels)}
		for name, value := range from.labels {
			if name == "service" && fields["service"] {
				continue // the lines name their service themselves
			}
			if _, set := settings[name]; !set {
				s.Labels[name] = value
			}
		}
		from.stream = s
	}
	return from.stream
}

// labelName is a name as a label may have it.
func labelName(name []byte) string {
	out := make([]byte, 0, len(name)+1)
	for i, c := range name {
		if isDigit(c) && i == 0 {
			out = append(out, '_')
		}
		if !isLetter(c) && !isDigit(c) && c != '_' {
			c = '_'
		}
		out = append(out, c)
	}
	return string(out)
}

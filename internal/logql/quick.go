package logql

import "bytes"

// looksWhole reports whether a line of JSON has its end, and a closing quote for
// each opening one: half lines, and lines that two processes wrote into one
// another, are the pipeline's. A fault elsewhere, in what a metric query does not
// need, goes unseen, as it does in Loki.
func looksWhole(line []byte) bool {
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return false
	}
	quotes := bytes.Count(line, quote)
	for rest := line; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 >= len(rest) {
			return quotes%2 == 0
		}
		if rest[i+1] == '"' {
			quotes--
		}
		rest = rest[i+2:]
	}
}

var quote = []byte{'"'}

// quick takes the sample of a line of JSON without the pipeline, where the query
// only filters and the labels that it needs stand in the line as they are
// written. It never guesses: what it is unsure of goes through the pipeline.
type quick struct {
	tests  []look
	group  []search // of the labels that name a series, those of constant are nil
	fixed  [][]byte // their values, where the stream brings them
	unwrap search
	read   func([]byte) (float64, bool)
	object object
}

// newQuick returns nil where the pipeline must do it.
func newQuick(j *rangeJob, stream *Stream, m *marker) *quick {
	looks := compileLooks(j.pipe.log, stream, m)
	if !looks.whole || j.perLine || j.node.Op == "bytes_over_time" || j.node.Op == "bytes_rate" {
		return nil
	}
	q := &quick{tests: looks.tests, group: make([]search, len(j.group)), fixed: make([][]byte, len(j.group))}
	for i, name := range j.group {
		if value, ok := stream.Labels[name]; ok {
			q.fixed[i] = []byte(value)
			continue
		}
		if !fromLine(name, stream) {
			return nil
		}
		q.group[i] = newSearch(name, m)
	}
	if u := j.node.Unwrap; u != nil {
		if !fromLine(u.Label, stream) {
			return nil
		}
		q.unwrap, q.read = newSearch(u.Label, m), u.reader()
	}
	return q
}

// take looks at a line: no where the query drops it, yes with the sample's
// value and the values of its group, broken where the pipeline must look.
func (q *quick) take(line []byte, m Marks, values [][]byte) (float64, verdict) {
	if !looksWhole(line) {
		return 0, broken
	}
	q.object = newObject(line, m)
	o := &q.object
	for _, test := range q.tests {
		if v := test(o); v != yes {
			return 0, v
		}
	}
	value := 1.0
	if q.unwrap != nil {
		_, text, what := q.unwrap.in(o)
		if what != seen || len(text) == 0 {
			return 0, broken
		}
		v, ok := q.read(text)
		if !ok {
			return 0, broken
		}
		value = v
	}
	for i, search := range q.group {
		if search == nil {
			values[i] = q.fixed[i]
			continue
		}
		_, text, what := search.in(o)
		if what == unsure {
			return 0, broken
		}
		values[i] = text
	}
	return value, yes
}

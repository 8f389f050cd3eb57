package request

import "bytes"

// Halves joins requests that a logger tells in two structured lines, as Fastify
// does: one with method and address as it begins, and one with status and
// duration as it ends, under one request id. It is used by one goroutine, which
// sees the lines of a file in their order.
type Halves map[string]half

// half is what the first line told. Under one id that stands for two requests at
// once nobody can tell which of them ends.
type half struct {
	fields []Field
	at     int64
	twice  bool
}

// Whole gives a line that ends a request the fields of the one that began it.
// Any other line is returned as it is.
func (h Halves) Whole(l Line) Line {
	id, process := []byte(nil), []byte(nil)
	var target, method, status, took bool
	for _, f := range l.Fields {
		switch {
		case IsRequestID(f.Name):
			id = f.Value
		case isProcess(f.Name):
			process = f.Value
		}
		switch PartOf(f.Name) {
		case Target:
			target = true
		case Method:
			method = true
		case Status:
			status = true
		}
		if !took {
			_, took = tookOf(f)
		}
	}
	if len(id) == 0 || len(id) > 200 {
		return l
	}
	switch {
	case target && method && !status && !took:
		h.begin(string(process)+" "+string(id), l)
	case status && took && !target:
		key := string(process) + " " + string(id)
		b, known := h[key]
		delete(h, key)
		if known && !b.twice && l.At-b.at <= longest {
			l.Fields = append(append(make([]Field, 0, len(l.Fields)+len(b.fields)), l.Fields...), b.fields...)
		}
	}
	return l
}

func (h Halves) begin(key string, l Line) {
	if len(h) >= maxPairs {
		clear(h)
	}
	old, open := h[key]
	b := half{at: l.At, twice: open && l.At-old.at <= longest}
	for _, f := range l.Fields {
		part := PartOf(f.Name)
		if part == Target || part == Method || isAddress(f.Name) || isAgent(f.Name) {
			b.fields = append(b.fields, Field{Name: bytes.Clone(f.Name), Value: bytes.Clone(f.Value[:min(len(f.Value), 1000)])})
		}
	}
	h[key] = b
}

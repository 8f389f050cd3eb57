package request

import (
	"bytes"
	"regexp"
)

// Rails and Phoenix tell of a request in two lines: one as it begins, with
// method and path, and one as it ends, with status and duration. What both bear
// (a request's id, a tag, the number of the process) joins them.
var (
	tags   = `^((?:\[[^\]]{1,80}\] ?){0,4})`
	begins = regexp.MustCompile(tags + `(?:Started )?(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) "?(/[^\s"]{0,1000})"?(?: for \S{1,60}(?: at .{0,40})?)?$`)
	ends   = regexp.MustCompile(tags + `(?:Completed|Sent) ([1-5][0-9]{2})\b.{0,60}\bin [0-9.]+ ?[mµμu]?s\b`)
	before = regexp.MustCompile(`^[A-Z], \[.{0,40}#([0-9]{1,10})\] +[A-Z]+ -- [^:]{0,60}: `) // Ruby's Logger
)

// pairs are requests that have begun. Where two under one key are open at once,
// nobody can tell which of them ends.
type pairs map[string]begun

type begun struct {
	target string
	open   int
	at     int64
}

const (
	maxPairs = 10_000
	longest  = 600_000_000_000 // nanoseconds; after so long its end was not written
)

// read takes a request out of two lines: false where a line is neither, or is
// the first of both.
func (p pairs) read(l Line) (Request, bool) {
	message, process := l.Message, []byte(nil)
	if !hasVerb(message) && !bytes.Contains(message, []byte("Completed ")) && !bytes.Contains(message, []byte("Sent ")) {
		return Request{}, false
	}
	if m := before.FindSubmatchIndex(message); m != nil {
		process, message = message[m[2]:m[3]], message[m[1]:]
	} else if m := before.FindSubmatchIndex(l.Text); m != nil {
		process = l.Text[m[2]:m[3]]
	}
	message = bytes.TrimSpace(message[:min(len(message), 2048)])
	if m := begins.FindSubmatch(message); m != nil {
		if len(p) >= maxPairs {
			clear(p)
		}
		key := joins(l, m[1], process)
		b := p[key]
		if l.At-b.at > longest {
			b.open = 0
		}
		p[key] = begun{target: string(m[3]), open: b.open + 1, at: l.At}
		return Request{}, false
	}
	m := ends.FindSubmatchIndex(message)
	if m == nil {
		return Request{}, false
	}
	r := Request{Target: []byte(others), Status: number(message[m[4]:m[5]]), Bytes: -1, Database: Database{Statements: -1}}
	for _, f := range l.Fields {
		r.Database.field(f)
		if t, ok := tookOf(f); ok {
			r.Took = t
		}
	}
	if r.Took.Unit == None {
		r.Took = tookFrom(message, m[5])
	}
	r.Database.text(message)
	key := joins(l, message[m[2]:m[3]], process)
	if b := p[key]; b.open == 1 && l.At-b.at <= longest {
		r.Target = []byte(b.target)
	}
	delete(p, key)
	return r, true
}

// joins is what the two lines of a request have in common.
func joins(l Line, tags, process []byte) string {
	for _, f := range l.Fields {
		if IsRequestID(f.Name) {
			return string(f.Value)
		}
	}
	if tags = bytes.TrimSpace(tags); len(tags) > 0 {
		return string(process) + string(tags)
	}
	for _, f := range l.Fields {
		if isProcess(f.Name) {
			return string(f.Value)
		}
	}
	return string(process)
}

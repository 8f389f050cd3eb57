package nginx

import (
	"slices"
	"strings"
	"time"
)

// layout is a log_format taken apart: variables with the text between them. A
// line is read by that text, so that JSON, combined and a team's own format are
// all the same here.
type layout struct {
	before string // what a line begins with
	parts  []part
}

// part is one variable and the text behind it.
type part struct {
	name  string
	until string // "" for the last one
}

// readLayout takes a format apart; nil where two variables touch, since no line
// of it could be.
func readLayout(format string) *layout {
	l := &layout{}
	text := &l.before
	for len(format) > 0 {
		i := strings.IndexByte(format, '$')
		if i < 0 {
			*text += format
			break
		}
		*text += format[:i]
		name, rest := variable(format[i+1:])
		if name == "" { // a lone dollar
			*text += "$"
			format = format[i+1:]
			continue
		}
		if len(l.parts) > 0 && l.parts[len(l.parts)-1].until == "" {
			return nil
		}
		l.parts = append(l.parts, part{name: name})
		text = &l.parts[len(l.parts)-1].until
		format = rest
	}
	if len(l.parts) == 0 {
		return nil
	}
	return l
}

// variable cuts the name of a variable off: name, or {name}.
func variable(s string) (name, rest string) {
	if strings.HasPrefix(s, "{") {
		if name, rest, ok := strings.Cut(s[1:], "}"); ok {
			return name, rest
		}
		return "", s
	}
	i := 0
	for i < len(s) && (s[i] == '_' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	return s[:i], s[i:]
}

// has reports whether a format writes a variable.
func (l *layout) has(name string) bool {
	return slices.ContainsFunc(l.parts, func(p part) bool { return p.name == name })
}

// telling are the variables that make one format say more than another.
var telling = []string{"upstream_addr", "upstream_status", "upstream_response_time", "request_time", "status"}

// richer reports whether a format says more than another.
func (l *layout) richer(than *layout) bool {
	score := func(l *layout) int {
		n := 0
		for _, name := range telling {
			if l.has(name) {
				n++
			}
		}
		return n
	}
	return score(l) > score(than)
}

// read gives the values of a line by their variables; false where the line is
// not of this format.
func (l *layout) read(line string, into map[string]string) bool {
	line = strings.TrimRight(line, "\r\n")
	rest, ok := strings.CutPrefix(line, l.before)
	if !ok {
		return false
	}
	for _, p := range l.parts {
		if p.until == "" {
			into[p.name] = rest
			return true
		}
		end := strings.Index(rest, p.until)
		if end < 0 {
			// The last text may have been cut off with the line's end.
			return false
		}
		// What several servers were asked for stands in a list, with blanks that may
		// be what ends the variable as well.
		for strings.HasPrefix(p.name, "upstream_") && strings.HasPrefix(p.until, " ") && listGoesOn(rest, end) {
			from := end + 1
			if strings.HasPrefix(rest[end:], " : ") {
				from = end + 3
			}
			more := strings.Index(rest[from:], p.until)
			if more < 0 {
				return false
			}
			end = from + more
		}
		into[p.name] = rest[:end]
		rest = rest[end+len(p.until):]
	}
	return true
}

// listGoesOn reports whether the blank at i stands inside of a list.
func listGoesOn(s string, i int) bool {
	return i > 0 && s[i-1] == ',' || strings.HasPrefix(s[i:], " : ")
}

// timeOf is the time of a line; the one that is given where its format tells none.
func (l *layout) timeOf(line string, otherwise time.Time) time.Time {
	values := map[string]string{}
	if !l.read(line, values) {
		return otherwise
	}
	return lineTime(values, otherwise)
}

package promtext

import "strings"

// A place is where in a query a hole stands, as far as the text before it tells.
type place struct {
	quote    byte   // the quote of the string it stands in; 0 outside of strings
	opener   string // the text before that string, without the space at its end
	comment  bool   // in a # comment
	bracket  bool   // between [ and ]
	offset   bool   // right after the word offset
	stage    string // in LogQL, the first word after the last | outside of strings and selectors
	selector bool   // between { and }
}

// locate reads the text before a hole. It knows strings, comments and brackets
// and nothing more: the parser judges the whole once it is filled.
func locate(before string) place {
	var p place
	start, pipe := 0, -1
	for i := 0; i < len(before); i++ {
		c := before[i]
		switch {
		case p.comment:
			p.comment = c != '\n'
		case p.quote != 0:
			if c == '\\' && p.quote != '`' {
				i++
			} else if c == p.quote {
				p.quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			p.quote, start = c, i
		case c == '#':
			p.comment = true
		case c == '[':
			p.bracket = true
		case c == ']':
			p.bracket = false
		case c == '{':
			p.selector = true
		case c == '}':
			p.selector, pipe = false, -1
		case c == '|' && !p.selector:
			pipe = i + 1
		}
	}
	if p.quote != 0 {
		p.opener = strings.TrimRight(before[:start], " \t\r\n")
	} else {
		fields := strings.Fields(before)
		p.offset = len(fields) > 0 && strings.EqualFold(fields[len(fields)-1], "offset")
	}
	if pipe >= 0 {
		if fields := strings.Fields(before[pipe:]); len(fields) > 0 {
			p.stage = fields[0]
		}
	}
	return p
}

// A string takes part in a query as a pattern, as a text to compare with, or
// as something else (an argument of label_replace, a template of LogQL).
type role int

const (
	roleOther role = iota
	roleText
	rolePattern
)

// logqlReshapes are the stages of LogQL whose strings are small languages of
// their own (templates, patterns, paths): a value there could become syntax.
var logqlReshapes = map[string]bool{
	"json": true, "logfmt": true, "label_format": true, "line_format": true,
	"regexp": true, "pattern": true, "unpack": true, "drop": true, "keep": true,
}

func (p place) role() role {
	if logqlReshapes[p.stage] && !p.selector {
		return roleOther
	}
	for _, op := range []string{"=~", "!~", "|~"} {
		if strings.HasSuffix(p.opener, op) {
			return rolePattern
		}
	}
	if strings.HasSuffix(p.opener, "=") {
		return roleText
	}
	return roleOther
}

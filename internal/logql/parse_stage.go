package logql

import (
	"fmt"
	"regexp"
	"strings"
)

// stage reads what follows a "|".
func (p *parser) stage() (Stage, error) {
	t := p.peek()
	if t.kind == tokIdent {
		next := p.peek2()
		compared := next.kind == tokOp && strings.ContainsAny(next.text[:1], "=!<>") && next.text != "!>"
		// "json", "drop" and the rest are label names where a comparison follows,
		// but "| json != "x"" is the parser and then a line filter.
		switch word := strings.ToLower(t.text); {
		case word == "json" || word == "logfmt" || word == "unpack" || word == "decolorize":
			if compared && next.text != "!=" && next.text != "!~" {
				break
			}
			p.take()
			switch word {
			case "unpack":
				return &Parser{Kind: parseUnpack, Offset: t.offset}, nil
			case "decolorize":
				return &Decolorize{}, nil
			}
			return p.fieldParser(word, t)
		case compared:
		case word == "regexp" || word == "pattern":
			p.take()
			return p.patternParser(word, t)
		case word == "line_format":
			p.take()
			return p.lineFormat()
		case word == "label_format":
			p.take()
			return p.labelFormat()
		case word == "keep" || word == "drop":
			p.take()
			return p.selectLabels(word)
		case word == "distinct":
			return nil, refuse(t, word, "")
		case next.kind != tokOp && next.kind != tokIdent || next.kind == tokOp && next.text != "(":
			if guess := nearest(t.text, stageWords); guess != "" {
				return nil, &Error{Offset: t.offset, Reason: fmt.Sprintf("there is no stage %q", t.text), Suggestion: "did you mean " + guess + "?"}
			}
		}
	}
	cond, err := p.cond()
	if err != nil {
		return nil, err
	}
	return &LabelFilter{Cond: cond}, nil
}

var stageWords = []string{"json", "logfmt", "regexp", "pattern", "line_format", "label_format", "keep", "drop", "unwrap", "unpack", "decolorize"}

func (p *parser) fieldParser(kind string, at token) (Stage, error) {
	s := &Parser{Kind: kind, Offset: at.offset}
	if err := p.flags(s); err != nil {
		return nil, err
	}
	for p.at(tokIdent, "") {
		name, err := p.name("a label name")
		if err != nil {
			return nil, err
		}
		field := Extract{Name: name.text, Path: p.tokens[p.next-1].text}
		if p.accept("=") {
			path, err := p.str("with the path of a field")
			if err != nil {
				return nil, err
			}
			if _, err := parsePath(path.text); err != nil {
				return nil, &Error{Offset: path.offset, Reason: err.Error(), Suggestion: `write a path like "details.pool.size" or "servers[0]"`}
			}
			field.Path = path.text
		}
		s.Fields = append(s.Fields, field)
		if !p.accept(",") {
			break
		}
		if !p.at(tokIdent, "") {
			return nil, p.unexpected("expected a label name after the comma")
		}
	}
	return s, nil
}

// flags reads --strict and --keep-empty.
func (p *parser) flags(s *Parser) error {
	for p.at(tokOp, "--") {
		at := p.take()
		word := ""
		for t := p.peek(); t.offset == p.tokens[p.next-1].end && (t.kind == tokIdent || t.text == "-"); t = p.peek() {
			word += strings.ToLower(p.take().text)
		}
		switch {
		case s.Kind != parseLogfmt:
			return &Error{Offset: at.offset, Reason: s.Kind + " takes no flags"}
		case word == "strict":
			s.Strict = true
		case word == "keep-empty":
			s.KeepEmpty = true
		default:
			return &Error{Offset: at.offset, Reason: fmt.Sprintf("logfmt has no flag --%s", word), Suggestion: "it has --strict and --keep-empty"}
		}
	}
	return nil
}

func (p *parser) patternParser(kind string, at token) (Stage, error) {
	text, err := p.str("after " + kind)
	if err != nil {
		return nil, err
	}
	s := &Parser{Kind: kind, Pattern: text.text, Offset: at.offset}
	if kind == parsePattern {
		if _, err := compilePattern(text.text); err != nil {
			return nil, &Error{Offset: text.offset, Reason: err.Error(), Suggestion: `write text and names in turn, like "<ip> - <_> [<time>]"`}
		}
		return s, nil
	}
	re, err := regexp.Compile(text.text)
	if err != nil {
		return nil, checkRegexp("~", text)
	}
	for _, name := range re.SubexpNames() {
		if name != "" {
			return s, nil
		}
	}
	return nil, &Error{Offset: text.offset, Reason: "the regular expression names no group", Suggestion: "write (?P<name>…)"}
}

func (p *parser) lineFormat() (Stage, error) {
	text, err := p.str("after line_format")
	if err != nil {
		return nil, err
	}
	if err := p.checkTemplate(text); err != nil {
		return nil, err
	}
	return &LineFormat{Template: text.text, Offset: text.offset}, nil
}

func (p *parser) labelFormat() (Stage, error) {
	f := &LabelFormat{}
	seen := map[string]bool{}
	for {
		name, err := p.name("a label name after label_format")
		if err != nil {
			return nil, err
		}
		if seen[name.text] {
			return nil, &Error{Offset: name.offset, Reason: fmt.Sprintf("label_format sets %s twice", name.text)}
		}
		seen[name.text] = true
		if err := p.expect("=", "in label_format"); err != nil {
			return nil, err
		}
		set := LabelSet{Name: name.text, Offset: name.offset}
		if p.at(tokString, "") {
			text := p.take()
			if err := p.checkTemplate(text); err != nil {
				return nil, err
			}
			set.Template = text.text
		} else {
			from, err := p.name("a label name or a template in label_format")
			if err != nil {
				return nil, err
			}
			set.From = from.text
		}
		f.Sets = append(f.Sets, set)
		if !p.accept(",") {
			return f, nil
		}
	}
}

func (p *parser) checkTemplate(text token) error {
	_, err := p.rules.compileTemplate(text.text)
	if err == nil {
		return nil
	}
	if cut := endedByQuote(text); cut != nil && p.peek().offset == text.end {
		return cut
	}
	at := &Error{Offset: text.offset, Reason: err.Error()}
	if name := unknownFunction(err); name != "" {
		if place := wordIn(text.text, name); place >= 0 && text.end-text.offset == len(text.text)+2 { // no escapes before it
			at.Offset += 1 + place
		}
		at.Reason = fmt.Sprintf("templates have no function %q", name)
		if name == "now" {
			at.Suggestion = "an answer must not depend on when the question is asked"
		} else if guess := nearest(name, templateFunctions()); guess != "" {
			at.Suggestion = "did you mean " + guess + "?"
		}
	}
	return at
}

// wordIn is where a word stands in the actions of a template, or -1.
func wordIn(text, word string) int {
	for _, action := range templateAction.FindAllStringIndex(text, -1) {
		if at := regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).FindStringIndex(text[action[0]:action[1]]); at != nil {
			return action[0] + at[0]
		}
	}
	return -1
}

func (p *parser) selectLabels(verb string) (Stage, error) {
	s := &Select{Verb: verb}
	for {
		name, err := p.name("a label name after " + verb)
		if err != nil {
			return nil, err
		}
		m := Matcher{Name: name.text, Offset: name.offset}
		if t := p.peek(); t.kind == tokOp && (t.text == "=" || t.text == "=~" || t.text == "!=" || t.text == "!~") {
			if m, err = p.matcher(name); err != nil {
				return nil, err
			}
		}
		s.Labels = append(s.Labels, m)
		if !p.accept(",") {
			return s, nil
		}
	}
}

// cond reads label filters. "and", "or", a comma and plain juxtaposition bind
// alike, from left to right, as in LogQL; parentheses group.
func (p *parser) cond() (Cond, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.condTerm()
	if err != nil {
		return nil, err
	}
	for {
		op := "and"
		switch {
		case p.word("and") || p.accept(","):
		case p.word("or"):
			op = "or"
		case p.at(tokIdent, "") && !isSetWord(p.peek().text), p.at(tokOp, "("):
		default:
			return left, nil
		}
		right, err := p.condTerm()
		if err != nil {
			return nil, err
		}
		left = &Both{Op: op, Left: left, Right: right}
	}
}

func isSetWord(word string) bool {
	return strings.EqualFold(word, "unless") || strings.EqualFold(word, "offset")
}

func (p *parser) condTerm() (Cond, error) {
	if p.accept("(") {
		c, err := p.cond()
		if err != nil {
			return nil, err
		}
		return c, p.expect(")", "to close the condition")
	}
	name, err := p.name("a stage or a label filter")
	if err != nil {
		return nil, err
	}
	op := p.peek()
	if op.kind != tokOp || !strings.Contains(" = == != > >= < <= =~ !~ ", " "+op.text+" ") {
		if other := otherOperator(name, op); other != nil && op.kind != tokEnd {
			return nil, other
		}
		if guess := nearest(name.text, stageWords); guess != "" {
			return nil, &Error{Offset: name.offset, Reason: fmt.Sprintf("there is no stage %q", name.text), Suggestion: "did you mean " + guess + "?"}
		}
		return nil, p.unexpected(fmt.Sprintf("expected a comparison after %s", name.text))
	}
	p.take()
	c, err := p.comparison(name, op)
	p.mark(c, name.offset)
	return c, err
}

func (p *parser) comparison(name, op token) (Cond, error) {
	c := &Compare{Name: name.text, Op: op.text, Offset: name.offset}
	sign := ""
	if p.at(tokOp, "-") || p.at(tokOp, "+") {
		sign = strings.TrimPrefix(p.take().text, "+")
	}
	value := p.peek()
	regex := strings.HasSuffix(op.text, "~")
	switch {
	case regex && value.kind != tokString:
		return nil, p.unexpected("expected a text after " + op.text)
	case value.kind == tokString && sign == "":
		if strings.ContainsAny(op.text, "<>") || op.text == "==" {
			return nil, &Error{Offset: value.offset, Reason: fmt.Sprintf("%s compares numbers, and this is a text", op.text),
				Suggestion: "use = for texts, or write the number without quotes"}
		}
		if err := checkRegexp(op.text, value); err != nil {
			return nil, err
		}
		c.Kind, c.Text = Text, value.text
	case value.kind == tokNumber, value.kind == tokHole:
		c.Kind = Number
	case value.kind == tokDuration:
		c.Kind = Duration
	case value.kind == tokBytes:
		c.Kind = Bytes
	case value.kind == tokIdent && sign == "" && strings.EqualFold(value.text, "ip") && p.peek2().text == "(":
		return p.addressComparison(c, op)
	case value.kind == tokIdent && sign == "" && op.text == "=":
		// Almost always a text whose quotes were forgotten: read as a label it
		// would match nothing, without a word.
		return nil, &Error{Offset: value.offset, Reason: fmt.Sprintf("%s without quotes is a label, and = compares with a text", value.text),
			Suggestion: fmt.Sprintf("write %q in quotes; two labels are compared with ==", value.text)}
	case value.kind == tokIdent && sign == "":
		if !p.rules.labelPairs {
			compared, _ := pairInStrict(name.text, op.text, flatName(value.text))
			return nil, &Error{Offset: value.offset, Reason: fmt.Sprintf("LogQL compares a label with a text or a number, not with the label %s", value.text),
				Suggestion: "compare them in a template first: | " + compared}
		}
		c.Kind, c.Text = Label, flatName(value.text)
	default:
		return nil, p.unexpected("expected a text, a number, a duration, a size or a label after " + op.text)
	}
	p.take()
	if c.Kind == Number || c.Kind == Duration || c.Kind == Bytes {
		c.Number, c.Written = value.number, sign+value.text
		if sign == "-" {
			c.Number = -c.Number
		}
	}
	if c.Op == "=" && c.Kind != Text {
		c.Op = "=="
	}
	return c, nil
}

func (p *parser) addressComparison(c *Compare, op token) (Cond, error) {
	switch op.text {
	case "=", "==":
		c.Op = "="
	case "!=":
	default:
		return nil, &Error{Offset: op.offset, Reason: "ip(…) goes with = and != only, not with " + op.text}
	}
	network, err := p.network()
	c.Kind, c.Text = Address, network
	return c, err
}

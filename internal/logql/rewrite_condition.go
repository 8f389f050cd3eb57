package logql

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// cond rewrites a condition. Below an "or", a comparison of numbers must not
// make the line a faulty one, since the other side may still take it: there it
// stands behind a test of the text.
func (w *rewriter) cond(c Cond, belowOr bool) Cond {
	switch c := c.(type) {
	case *Both:
		below := belowOr || c.Op == "or"
		return &Both{Op: c.Op, Left: w.cond(c.Left, below), Right: w.cond(c.Right, below)}
	case *Compare:
		return w.compare(c, belowOr)
	}
	return c
}

func (w *rewriter) compare(c *Compare, belowOr bool) Cond {
	out := *c
	switch c.Kind {
	case Label:
		w.cannot("Loki cannot compare two labels: " + c.Name + " " + c.Op + " " + c.Text)
	case Text:
		switch {
		case isLevelName(c.Name):
			return w.level(c)
		case strings.HasSuffix(c.Op, "~"):
			out.Text = w.contains(c.Text)
		}
	case Number, Duration, Bytes:
		if belowOr {
			return &Both{Op: "and", Left: &Compare{Name: c.Name, Op: "=~", Kind: Text, Text: readable(c.Kind)}, Right: &out}
		}
	}
	return &out
}

// readable matches the texts that the readers of condition.go take.
func readable(kind ValueKind) string {
	switch kind {
	case Duration:
		return `-?([0-9]+(\.[0-9]+)?(ns|us|µs|μs|ms|s|m|h|d|w|y))+|0`
	case Bytes:
		return `(?i)[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*([kmgtp]?i?b?|e[-+]?[0-9]+)`
	}
	return `[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?`
}

// contains makes a regular expression that may match anywhere into one that
// must match the whole value and means the same.
func (w *rewriter) contains(pattern string) string {
	w.note("=~ on a label may match anywhere here and must match the whole value in Loki: .* stands around it")
	return containing(pattern)
}

func containing(pattern string) string {
	body, flags := pattern, ""
	if rest, ok := strings.CutPrefix(body, "(?i)"); ok {
		body, flags = rest, "i"
	}
	switch {
	case loose(body):
		return "(?" + flags + "s)" + body
	case strings.ContainsAny(body, ".") || strings.Contains(body, "(?"):
		if flags != "" {
			flags = "(?" + flags + ")"
		}
		return flags + "(?s:.*)(?:" + body + ")(?s:.*)"
	case strings.Contains(body, "|"):
		return "(?" + flags + "s).*(?:" + body + ").*"
	}
	return "(?" + flags + "s).*" + body + ".*"
}

// loose reports whether each alternative has .* at both its ends and no other
// dot, so that it may match anywhere in a value of one line already.
func loose(pattern string) bool {
	if strings.ContainsAny(pattern, `()[]\^$`) {
		return false
	}
	for _, part := range strings.Split(pattern, "|") {
		inner, front := strings.CutPrefix(part, ".*")
		inner, back := strings.CutSuffix(inner, ".*")
		if !front || !back || strings.Contains(inner, ".") {
			return false
		}
	}
	return true
}

// level rewrites a comparison of a level: without case, under all spellings.
func (w *rewriter) level(c *Compare) Cond {
	w.note("levels compare without case and under their other spellings: warn is warning, 50 is error")
	out := *c
	if !strings.HasSuffix(c.Op, "~") {
		out.Op = strings.TrimSuffix(c.Op, "=") + "=~"
		if c.Op == "!=" {
			out.Op = "!~"
		}
		out.Text = spelled(canonicalLevel([]byte(c.Text)))
		return &out
	}
	pattern := c.Text
	if !strings.HasPrefix(pattern, "(?i)") {
		pattern = "(?i)" + pattern
	}
	out.Text = containing(pattern)
	match, err := regexp.Compile(pattern)
	if err != nil {
		return &out
	}
	// Spellings whose canonical form matches although they do not themselves.
	var more []string
	for _, canonical := range canonicalLevels() {
		if !match.MatchString(canonical) {
			continue
		}
		for _, s := range spellingsOf(canonical) {
			if !match.MatchString(s) {
				more = append(more, s)
			}
		}
	}
	if len(more) > 0 {
		out.Text += "|" + strings.Join(more, "|")
	}
	return &out
}

// spelled matches every text that is this level.
func spelled(canonical string) string {
	words := append([]string{canonical}, spellingsOf(canonical)...)
	for i, s := range words {
		words[i] = regexp.QuoteMeta(s)
	}
	return `(?i)\s*(?:` + strings.Join(unique(words), "|") + `)\s*`
}

func canonicalLevels() []string {
	return []string{"warning", "error", "critical", "fatal", "info", "debug", "trace", "emergency"}
}

// spellingsOf turns canonicalLevel round.
func spellingsOf(canonical string) []string {
	switch canonical {
	case "warning":
		return []string{"warn", "wrn", "40"}
	case "error":
		return []string{"err", "eror", "50"}
	case "critical":
		return []string{"crit"}
	case "fatal":
		return []string{"60"}
	case "info":
		return []string{"information", "inf", "30"}
	case "debug":
		return []string{"dbg", "20"}
	case "trace":
		return []string{"10"}
	case "emergency":
		return []string{"emerg"}
	}
	return nil
}

// literals are the texts that a regular expression of plain words matches, or
// nothing where it is more than that.
func literals(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	re = re.Simplify()
	return literalTexts(re)
}

func literalTexts(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCapture:
		return literalTexts(re.Sub[0])
	case syntax.OpCharClass:
		var out []string
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if out = append(out, string(r)); len(out) > 16 {
					return nil
				}
			}
		}
		return out
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			texts := literalTexts(sub)
			if texts == nil {
				return nil
			}
			out = append(out, texts...)
		}
		return out
	case syntax.OpConcat:
		out := []string{""}
		for _, sub := range re.Sub {
			texts := literalTexts(sub)
			if texts == nil || len(out)*len(texts) > 64 {
				return nil
			}
			var next []string
			for _, a := range out {
				for _, b := range texts {
					next = append(next, a+b)
				}
			}
			out = next
		}
		return out
	}
	return nil
}

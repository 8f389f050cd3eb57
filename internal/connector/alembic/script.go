package alembic

import (
	"regexp"
	"strings"
)

// script is the SQL that a migration would run, by revision.
type script struct {
	steps []scriptStep
}

// scriptStep is what one revision does.
type scriptStep struct {
	revision   string
	statements []string // without those that begin, end and count
	// alone are statements that run outside of a transaction: what they did
	// stays when a later one fails.
	alone int
}

// step is what a revision does; an empty one where it does nothing.
func (s script) step(id string) scriptStep {
	for _, step := range s.steps {
		if step.revision == id {
			return step
		}
	}
	return scriptStep{revision: id}
}

// running begins the part of one revision in what --sql prints.
var running = regexp.MustCompile(`(?m)^-- Running (upgrade|downgrade) (.*) -> (.*?)\s*$`)

// bookkeeping are Alembic's own statements, and those around a transaction.
var bookkeeping = regexp.MustCompile(`(?i)^(BEGIN|COMMIT|ROLLBACK|START TRANSACTION)\b|^(INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|DROP TABLE) ("?[\w$]+"?\.)?"?alembic_version\b`)

// readScript reads what `alembic upgrade … --sql` prints.
func readScript(text string) script {
	var s script
	places := running.FindAllStringSubmatchIndex(text, -1)
	if len(places) == 0 {
		return s
	}
	inside := walk(text[:places[0][0]], false, nil)
	for i, p := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		id := text[p[6]:p[7]]
		if text[p[2]:p[3]] == "downgrade" {
			id = text[p[4]:p[5]]
		}
		step := scriptStep{revision: id}
		inside = walk(text[p[1]:end], inside, &step)
		s.steps = append(s.steps, step)
	}
	return s
}

// walk adds statements to a step, and says whether a transaction is open after them.
func walk(text string, inside bool, step *scriptStep) bool {
	for _, statement := range statements(text) {
		first, _, _ := strings.Cut(strings.ToUpper(statement), " ")
		switch {
		case first == "BEGIN" || first == "START":
			inside = true
		case first == "COMMIT" || first == "ROLLBACK":
			inside = false
		case step != nil && !bookkeeping.MatchString(statement):
			step.statements = append(step.statements, statement)
			if !inside {
				step.alone++
			}
		}
	}
	return inside
}

// statements splits SQL at its semicolons, by the rules of Postgres: not within
// quotes of any kind nor within comments. Comments go, blanks become one.
func statements(sql string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if text := strings.TrimSpace(b.String()); text != "" {
			out = append(out, text)
		}
		b.Reset()
	}
	for i := 0; i < len(sql); {
		n, what := chunk(sql[i:])
		switch what {
		case blank:
			if s := b.String(); s != "" && !strings.HasSuffix(s, " ") {
				b.WriteByte(' ')
			}
		case semicolon:
			flush()
		default:
			b.WriteString(sql[i : i+n])
		}
		i += n
	}
	flush()
	return out
}

// kinds of a chunk of SQL.
const (
	plain = iota
	blank // a comment too
	semicolon
)

// chunk is the length of what stands at the beginning of sql, at least 1.
func chunk(sql string) (n, what int) {
	until := func(end string, from int) int {
		if at := strings.Index(sql[min(from, len(sql)):], end); at >= 0 {
			return from + at + len(end)
		}
		return len(sql)
	}
	switch c := sql[0]; {
	case c == ';':
		return 1, semicolon
	case strings.IndexByte(" \t\r\n", c) >= 0:
		return 1, blank
	case strings.HasPrefix(sql, "--"):
		return until("\n", 2), blank
	case strings.HasPrefix(sql, "/*"):
		return comment(sql), blank
	case c == '"':
		return until(`"`, 1), plain
	case c == '\'':
		return quotedEnd(sql, 1, false), plain
	case (c == 'e' || c == 'E') && strings.HasPrefix(sql[1:], "'"):
		return quotedEnd(sql, 2, true), plain
	case c == '$':
		if tag := dollarTag.FindString(sql); tag != "" {
			return until(tag, len(tag)), plain
		}
	case isWord(c):
		for n = 1; n < len(sql) && (isWord(sql[n]) || sql[n] == '$'); n++ {
		}
		return n, plain
	}
	return 1, plain
}

var dollarTag = regexp.MustCompile(`^\$([A-Za-z_]\w*)?\$`)

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quotedEnd is where a constant ends; doubled quotes are read as two constants
// beside each other, which comes to the same.
func quotedEnd(sql string, from int, escapes bool) int {
	for i := from; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && escapes:
			i++
		case sql[i] == '\'' && escapes && strings.HasPrefix(sql[i+1:], "'"):
			i++
		case sql[i] == '\'':
			return i + 1
		}
	}
	return len(sql)
}

// comment is the length of a comment; they nest.
func comment(sql string) int {
	depth := 0
	for i := 0; i < len(sql); i++ {
		switch {
		case strings.HasPrefix(sql[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(sql[i:], "*/"):
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(sql)
}

package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// defaultFenceRows is how many rows a fence keeps where it does not say limit=.
const defaultFenceRows = 500

// fenceText is a fence as it is sent: each hole is a bind parameter.
type fenceText struct {
	sql    string
	tokens []token
	holes  []probe.Part
	starts []int // where each hole's $n stands in sql
	pieces []piece
}

// piece maps a stretch of sql back to the source of the fence.
type piece struct{ at, source int }

// read joins a fence and checks all that can be checked without a server.
func read(text probe.Template) (fenceText, *connector.Problem) {
	f := fenceText{}
	var b strings.Builder
	for _, p := range text.Parts {
		f.pieces = append(f.pieces, piece{at: b.Len(), source: p.Offset})
		if p.Hole == "" {
			b.WriteString(p.Literal)
			continue
		}
		f.holes, f.starts = append(f.holes, p), append(f.starts, b.Len())
		b.WriteString("$" + strconv.Itoa(len(f.holes)))
	}
	f.sql = b.String()
	tokens, syntax := lex(f.sql)
	if syntax != nil {
		if p := f.misplacedHole(tokens); p != nil {
			return f, p
		}
		return f, &connector.Problem{Offset: f.source(syntax.at), Text: syntax.text}
	}
	f.tokens = tokens
	if p := f.misplacedHole(tokens); p != nil {
		return f, p
	}
	if p := readonlyStatement(tokens); p != nil {
		return f, &connector.Problem{Offset: f.source(p.at), Text: p.text}
	}
	if tokens[0].is(word, "show") && len(f.holes) > 0 {
		return f, &connector.Problem{Offset: f.holes[0].Offset, Text: "SHOW takes no parameters: use current_setting()"}
	}
	f.sql = strings.TrimRight(strings.TrimSpace(f.sql), "; \t\n\r")
	return f, nil
}

// source turns an offset in sql into one in the fence.
func (f fenceText) source(at int) int {
	best := piece{}
	for _, p := range f.pieces {
		if p.at <= at {
			best = p
		}
	}
	return best.source + at - best.at
}

// misplacedHole finds a hole that does not stand where a value may stand, and
// parameters that the author numbered himself.
func (f fenceText) misplacedHole(tokens []token) *connector.Problem {
	next := 0
	for _, t := range tokens {
		if t.kind != param {
			continue
		}
		if next < len(f.starts) && t.at == f.starts[next] {
			next++
			continue
		}
		if next < len(f.starts) && t.at > f.starts[next] {
			break
		}
		return &connector.Problem{Offset: f.source(t.at), Text: t.text + " is no parameter here: write ${name}"}
	}
	if next >= len(f.starts) {
		return nil
	}
	hole, name := f.holes[next], "${"+f.holes[next].Hole+"}"
	before := strings.TrimRight(f.sql[:f.starts[next]], " ")
	message := fmt.Sprintf("%s stands inside quotes or a name, where it would become text of the query: write it as a value of its own, %s; for a part of a pattern, '%%' || %s || '%%'", name, name, name)
	if lower := strings.ToLower(before); strings.HasSuffix(lower, "interval '") {
		message = fmt.Sprintf("%s stands inside quotes: write %s::interval", name, name)
	}
	return &connector.Problem{Offset: hole.Offset, Text: message}
}

// Check reads the text of a fence without any system; it is what lint shows.
func Check(text probe.Template, options map[string]string) []connector.Problem {
	var problems []connector.Problem
	if limit, ok := options["limit"]; ok {
		if n, err := strconv.Atoi(limit); err != nil || n < 1 {
			problems = append(problems, connector.Problem{Text: fmt.Sprintf("limit=%s: write a number of rows from 1 on", limit)})
		}
	}
	if _, p := read(text); p != nil {
		problems = append(problems, *p)
	}
	return problems
}

// fence answers a SQL fence: one statement, proved to be read-only, in a
// read-only transaction, with its holes as bind parameters.
func (t *Target) fence(ctx context.Context, q probe.Question) (evidence.Answer, error) {
	f, problem := read(q.Text)
	if problem != nil {
		return evidence.Not(evidence.Refused, problem.Text, ""), nil
	}
	params := make([][]byte, len(f.holes))
	for i, hole := range f.holes {
		value, err := bind(hole.Value)
		if err != nil {
			return evidence.Not(evidence.Invalid, fmt.Sprintf("${%s}: %v", hole.Hole, err), ""), nil
		}
		params[i] = value
	}
	caps := t.caps()
	caps.rows = min(caps.rows, fenceRows(q.Options["limit"]))
	r, err := t.transaction(ctx, fencePath, func(ctx context.Context, s *session) (result, error) {
		if err := t.prove(ctx, s, f.tokens); err != nil {
			return result{}, err
		}
		return caps.read(s.conn.ExecParams(ctx, Mark+f.sql, params, nil, nil, nil), func() { s.cancel(ctx) })
	})
	if err != nil {
		return evidence.Answer{}, err
	}
	return evidence.Of(r.list(), append(r.notes(), hiddenNote(r.rows)...)...), nil
}

func fenceRows(limit string) int {
	if n, err := strconv.Atoi(limit); err == nil && n > 0 {
		return n
	}
	return defaultFenceRows
}

// bind is the text that the server reads for a hole's value. Durations are
// intervals (${d}::interval), lists are arrays (= ANY (${list})).
func bind(value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case bool:
		return []byte(strconv.FormatBool(v)), nil
	case int:
		return []byte(strconv.Itoa(v)), nil
	case int64:
		return []byte(strconv.FormatInt(v, 10)), nil
	case float64:
		return []byte(strconv.FormatFloat(v, 'f', -1, 64)), nil
	case time.Duration:
		return []byte(strconv.FormatFloat(v.Seconds(), 'f', -1, 64) + " seconds"), nil
	case []string:
		return []byte(arrayText(v)), nil
	}
	return nil, fmt.Errorf("a value of type %T cannot stand in SQL", value)
}

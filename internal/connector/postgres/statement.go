package postgres

import (
	"fmt"
	"strings"
)

// statementProblem is what is wrong with a statement as a question.
type statementProblem struct {
	at   int
	text string
}

// readonlyStatement checks, without any server, that tokens are one statement
// that can only read: its first word, no change inside of it, no row locks, and
// no function that is known to do something. What depends on the database
// (functions, views, operators, casts of its own) is checked against it, in
// prove.go.
func readonlyStatement(tokens []token) *statementProblem {
	for len(tokens) > 0 && tokens[len(tokens)-1].is(punct, ";") {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return &statementProblem{0, "there is no statement"}
	}
	for _, t := range tokens {
		if t.is(punct, ";") {
			return &statementProblem{t.at, "one statement per question: this ; begins another"}
		}
	}
	body, p := opening(tokens)
	if p != nil || body == nil {
		return p
	}
	return readonlyBody(body)
}

// opening checks how a statement begins and returns the part that selects; nil
// for SHOW, which selects nothing.
func opening(tokens []token) ([]token, *statementProblem) {
	first := tokens[0]
	if beginsQuery(tokens) {
		return tokens, nil
	}
	if first.kind != word {
		return nil, &statementProblem{first.at, "a question begins with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN"}
	}
	switch first.text {
	case "show":
		for _, t := range tokens[1:] {
			if !t.name() && !t.is(punct, ".") {
				return nil, &statementProblem{t.at, "SHOW takes the name of one setting"}
			}
		}
		return nil, nil
	case "explain":
		return explained(tokens)
	}
	return nil, &statementProblem{first.at, fmt.Sprintf("%s is not a question: a probe begins with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN", strings.ToUpper(first.text))}
}

// explained returns the statement behind EXPLAIN. ANALYZE would run it, with
// all the time that takes, and is refused in every spelling.
func explained(tokens []token) ([]token, *statementProblem) {
	explain, rest := tokens[0], tokens[1:]
	if len(rest) > 0 && rest[0].is(punct, "(") && !beginsQuery(rest[1:]) {
		depth := 0
		for i, t := range rest {
			switch {
			case t.is(punct, "("):
				depth++
			case t.is(punct, ")"):
				depth--
			case t.name() && (strings.EqualFold(t.text, "analyze") || strings.EqualFold(t.text, "analyse")):
				return nil, &statementProblem{t.at, "EXPLAIN ANALYZE runs the statement: leave ANALYZE out"}
			}
			if depth == 0 {
				rest = rest[i+1:]
				break
			}
		}
	}
	for len(rest) > 0 && rest[0].kind == word {
		switch rest[0].text {
		case "analyze", "analyse":
			return nil, &statementProblem{rest[0].at, "EXPLAIN ANALYZE runs the statement: leave ANALYZE out"}
		case "verbose":
			rest = rest[1:]
			continue
		case "select", "with", "values", "table":
			return rest, nil
		}
		break
	}
	if len(rest) > 0 && rest[0].is(punct, "(") && beginsQuery(rest) {
		return rest, nil
	}
	return nil, &statementProblem{explain.at, "only a SELECT, WITH, VALUES or TABLE can be explained here"}
}

// beginsQuery reports whether tokens begin a query, opening brackets left out.
func beginsQuery(tokens []token) bool {
	for _, t := range tokens {
		if t.is(punct, "(") {
			continue
		}
		return t.kind == word && (t.text == "select" || t.text == "with" || t.text == "values" || t.text == "table")
	}
	return false
}

// secretRelations hold password hashes, connection strings or raw data.
var secretRelations = map[string]bool{
	"pg_authid": true, "pg_shadow": true, "pg_largeobject": true, "pg_user_mapping": true,
	"pg_user_mappings": true, "pg_subscription": true,
}

// readonlyBody looks for the words that make a query change something. They
// may stand as names only behind a dot or in double quotes.
func readonlyBody(tokens []token) *statementProblem {
	for i, t := range tokens {
		if !t.name() {
			continue
		}
		if secretRelations[t.text] {
			return &statementProblem{t.at, t.text + " holds secrets or raw data: a probe does not read it"}
		}
		if next(tokens, i).is(punct, "(") {
			if why := dangerous(t.text); why != "" {
				return &statementProblem{t.at, why}
			}
		}
		if t.kind == word && (i == 0 || !tokens[i-1].is(punct, ".")) {
			if p := keyword(tokens, i); p != nil {
				return p
			}
		}
	}
	return nil
}

func next(tokens []token, i int) token {
	if i+1 < len(tokens) {
		return tokens[i+1]
	}
	return token{kind: punct}
}

// keyword checks an unquoted word that does not stand behind a dot.
func keyword(tokens []token, i int) *statementProblem {
	t, after := tokens[i], next(tokens, i)
	problem := func(format string, args ...any) *statementProblem {
		return &statementProblem{t.at, fmt.Sprintf(format, args...)}
	}
	switch t.text {
	case "insert", "update", "delete", "merge":
		return problem("%s changes data: a probe only reads (a column of that name stands in double quotes)", strings.ToUpper(t.text))
	case "into":
		return problem("SELECT INTO makes a table: a probe only reads")
	case "for":
		if after.is(word, "update") || after.is(word, "share") || after.is(word, "no") || after.is(word, "key") {
			return problem("FOR %s locks rows: a probe only reads", strings.ToUpper(after.text))
		}
	case "tablesample":
		if !after.is(word, "system") && !after.is(word, "bernoulli") {
			return problem("TABLESAMPLE takes SYSTEM or BERNOULLI here")
		}
	}
	return nil
}

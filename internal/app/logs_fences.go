package app

import (
	"fmt"
	"os"
	"strings"

	"github.com/quellhq/quell/internal/logql"
)

// FenceQuery is a query that stands in a Markdown file.
type FenceQuery struct {
	File string
	Line int // of the query's first line, from 1
	Text string
}

// FenceQueries finds the LogQL of a runbook or playbook: fences marked logql,
// and unmarked ones that hold a query. Several queries in a fence stand apart
// by a blank line.
func FenceQueries(file string) ([]FenceQuery, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(text) > maxRunbook {
		return nil, fmt.Errorf("%s: larger than %d MiB, so it is no runbook", file, maxRunbook>>20)
	}
	var out []FenceQuery
	var body []string
	fence, word, begin, quotes := "", "", 0, 0
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, "\r")
		trimmed := strings.TrimLeft(line, " \t>")
		mark := fenceMark(trimmed)
		switch {
		case fence == "" && mark != "":
			fence, begin, body = mark, i+2, nil
			quotes = strings.Count(line[:len(line)-len(trimmed)], ">")
			word, _, _ = strings.Cut(strings.TrimSpace(strings.TrimLeft(trimmed, "`~")), " ")
		case fence != "" && strings.HasPrefix(mark, fence) && strings.Trim(trimmed, "`~ ") == "":
			out = append(out, inFence(file, word, begin, body)...)
			fence = ""
		case fence != "":
			body = append(body, unquoted(line, quotes))
		}
	}
	if fence != "" {
		out = append(out, inFence(file, word, begin, body)...)
	}
	return out, nil
}

// maxRunbook bounds a runbook, in bytes.
const maxRunbook = 8 << 20

// unquoted takes the marks of the block quotes off in which a fence stands.
func unquoted(line string, quotes int) string {
	for range quotes {
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), ">")
		if !ok {
			break
		}
		line = strings.TrimPrefix(rest, " ")
	}
	return line
}

// fenceMark is the run of backticks or tildes that a line begins with.
func fenceMark(line string) string {
	for _, c := range []string{"`", "~"} {
		n := len(line) - len(strings.TrimLeft(line, c))
		if n >= 3 {
			return line[:n]
		}
	}
	return ""
}

func inFence(file, word string, begin int, body []string) []FenceQuery {
	word = strings.ToLower(strings.Trim(word, "{.}"))
	if word != "logql" && word != "" {
		return nil
	}
	var out []FenceQuery
	take := func(from, to int) {
		text := strings.Join(body[from:to], "\n")
		if strings.TrimSpace(text) != "" && (word == "logql" || hasQuery(text)) {
			out = append(out, FenceQuery{file, begin + from, text})
		}
	}
	if whole := strings.Join(body, "\n"); reads(whole) {
		take(0, len(body))
		return out
	}
	from := 0
	for i := 0; i <= len(body); i++ {
		if i == len(body) || strings.TrimSpace(body[i]) == "" {
			take(from, i)
			from = i + 1
		}
	}
	return out
}

// reads reports whether a text is a query, holes of playbooks left open.
func reads(text string) bool {
	for _, f := range logql.Lint(text, logql.LintOptions{}) {
		if f.Rule == "syntax" {
			return false
		}
	}
	return true
}

// hasQuery is for unmarked fences: only what reads is taken for a query.
func hasQuery(text string) bool { return strings.Contains(text, "{") && reads(text) }

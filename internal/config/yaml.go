package config

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/connector"
)

// reader walks the document and collects what is wrong.
type reader struct {
	path   string
	kinds  []connector.Kind
	refs   *references
	config Config
	errors Errors
	limits connector.Limits // for all targets
	behind []behind
}

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.errors = append(r.errors, Problem{r.path, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (r *reader) odd(n *yaml.Node, format string, args ...any) {
	r.config.Warnings = append(r.config.Warnings, Problem{r.path, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (e Errors) sort() {
	sort.SliceStable(e, func(a, b int) bool {
		if e[a].Line != e[b].Line {
			return e[a].Line < e[b].Line
		}
		return e[a].Col < e[b].Col
	})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// yamlError brings the library's message into our form.
func yamlError(path string, err error) error {
	m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return Errors{{Path: path, Text: "not YAML: " + err.Error()}}
	}
	line, _ := strconv.Atoi(m[1])
	text := "not YAML: " + m[2]
	if strings.Contains(m[2], "cannot start any token") {
		text += ": indent with blanks, and put texts with special characters in quotes"
	}
	return Errors{{Path: path, Line: line, Col: 1, Text: text}}
}

// pair is one key of a mapping.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs reads a mapping; what is none, or has a key twice, is wrong.
func (r *reader) pairs(n *yaml.Node, what string) ([]pair, bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s is a list of `name: value`, not %s", what, kindOf(n))
		return nil, false
	}
	var out []pair
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			r.wrong(key, "%s: a name is a plain word", what)
			continue
		}
		if line, again := seen[key.Value]; again {
			r.wrong(key, "%s stands twice: first in line %d", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		out = append(out, pair{key.Value, key, n.Content[i+1]})
	}
	return out, true
}

// maxDepth of nesting; a configuration needs six levels.
const maxDepth = 50

// plain refuses aliases, with which a short text can stand for an endless one,
// and nesting without end.
func (r *reader) plain(n *yaml.Node, depth int) {
	switch {
	case len(r.errors) > 0:
	case n.Kind == yaml.AliasNode:
		r.wrong(n, "an alias (*%s): write the value out", n.Value)
	case depth > maxDepth:
		r.wrong(n, "nested deeper than %d levels", maxDepth)
	default:
		for _, c := range n.Content {
			r.plain(c, depth+1)
		}
	}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "`name: value`"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}

// text reads a scalar.
func (r *reader) text(p pair) (string, bool) {
	if p.value.Kind != yaml.ScalarNode || p.value.Tag == "!!null" {
		r.wrong(p.value, "%s needs a text, not %s", p.name, kindOf(p.value))
		return "", false
	}
	return p.value.Value, true
}

// item is one text of a list, with its place.
type item struct {
	text string
	node *yaml.Node
}

// list reads a list of texts; a single text is a list of one.
func (r *reader) list(p pair) []item {
	if p.value.Kind == yaml.ScalarNode && p.value.Tag != "!!null" {
		return []item{{p.value.Value, p.value}}
	}
	if p.value.Kind != yaml.SequenceNode {
		r.wrong(p.value, "%s is a list like [a, b], not %s", p.name, kindOf(p.value))
		return nil
	}
	var out []item
	for _, n := range p.value.Content {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			r.wrong(n, "%s is a list of texts, and this is %s", p.name, kindOf(n))
			continue
		}
		out = append(out, item{n.Value, n})
	}
	return out
}

// unknown says that a key is not known, and which was meant.
func (r *reader) unknown(p pair, where string, known []string) {
	if guess := nearest(p.name, known); guess != "" {
		r.wrong(p.key, "%s has no key %q: did you mean %s?", where, p.name, guess)
		return
	}
	sort.Strings(known)
	r.wrong(p.key, "%s has no key %q: it has %s", where, p.name, strings.Join(known, ", "))
}

// nearest returns the word that was probably meant, or "".
func nearest(word string, words []string) string {
	best, distance := "", max(len(word)/3, 1)+1
	for _, w := range words {
		if d := editDistance(strings.ToLower(word), strings.ToLower(w)); d < distance {
			best, distance = w, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours.
func editDistance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := 1; j <= len(b); j++ {
			if i == 0 {
				rows[0][j] = j
				continue
			}
			cost := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				cost++
			}
			rows[i][j] = min(cost, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

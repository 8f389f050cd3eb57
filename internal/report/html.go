package report

import (
	"bytes"
	_ "embed" // the page and its style
	"fmt"
	"html/template"
	"strings"

	"github.com/quellhq/quell/internal/incident"
)

//go:embed postmortem.gohtml
var pageText string

//go:embed postmortem.css
var pageStyle string

// HTML is the report as one page that needs nothing besides itself: no script,
// no font, no other file. It follows the reader's choice of dark or light, and
// prints.
func (p Postmortem) HTML() ([]byte, error) {
	t, err := template.New("postmortem").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(pageStyle) }, //nolint:gosec // our own file
		"svg":    func(f Figure) template.HTML { return template.HTML(f.Chart.SVG()) },
		"upper":  upper,
		"plain":  func(text string) string { return markdownLink.ReplaceAllString(text, "$1") },
		"prose":  prose,
		"blind":  blindText,
		"note":   itemNote,
		"join":   func(list []string) string { return strings.Join(list, ", ") },
		"count":  count,
		"plus":   func(a, b int) int { return a + b },
		"unique": uniqueNumbers,
		"tone":   func(s incident.Standing) string { return string(standingTone(s)) },
		"state":  statusTone,
		"or":     or,
	}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page of the report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("write the report of %s: %w", p.ID, err)
	}
	return []byte(visible(b.String())), nil
}

// prose is text in which what stands between backticks is code.
func prose(text string) template.HTML {
	var b strings.Builder
	parts := strings.Split(text, "`")
	for n, part := range parts {
		part = template.HTMLEscapeString(part)
		switch {
		case n%2 == 0:
			b.WriteString(part)
		case n == len(parts)-1:
			b.WriteString("`" + part) // one that is never closed is just a sign
		default:
			b.WriteString("<code>" + part + "</code>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

func statusTone(s incident.Status) string {
	if s == incident.Resolved {
		return string(incident.Good)
	}
	return string(incident.Bad)
}

// uniqueNumbers are numbers in their order, each once.
func uniqueNumbers(list []int) []int {
	var out []int
	seen := map[int]bool{}
	for _, n := range list {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/report"
)

// evils are what somebody may make a service log or a person write.
var evils = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `--><svg onload=alert(1)>`, `]]>`, `{{.}}`,
	`a | b || c`, "`code` and ``more", "```\nbreak out", "~~~", `[x](http://evil.example)`, `![x](http://evil.example/p.png)`, `<http://evil.example>`,
	`https://evil.example/a_b`, `www.evil.example`, `mailto:a@b.c`, `[x]: http://evil.example`, "\n# heading\n", "\n\n---\n\n===\n", "- item", "1. item", "> quote", "$x$", "&lt;b&gt;",
	`**bold** __bold__ *x* _x_ ~~x~~`, `<!-- x -->`, `\`, `\\`, `<details>`, "\x1b[2J\x1b]0;pwn\x07", "\u202egnp.exe\u202c", "\u2066x\u2069", "\u200b", "a\x00b", "\u2028line",
}

// spoilt is an incident with a text put into everything that systems and people
// say in its record.
func spoilt(t *testing.T, of *story, evil string) incident.Incident {
	t.Helper()
	s := &story{t: t, id: of.id, events: slices.Clone(of.events)}
	for n := range s.events {
		var data any
		require.NoError(t, json.Unmarshal(s.events[n].Data, &data))
		raw, err := json.Marshal(spoil(data, "", evil))
		require.NoError(t, err)
		s.events[n].Data = raw
		s.events[n].By += evil
	}
	return s.fold()
}

// said are the keys under which texts stand, as opposed to names, words of ours
// and times.
var said = []string{
	"title", "text", "symptom", "alert", "severity", "services", "service", "summary", "means", "why", "reason", "hint", "notes", "question", "query", "evidence",
	"check_why", "felt_why", "items", "does", "target", "targets", "value", "name", "usename", "instance", "conditions", "approved", "approver", "undo", "sign", "verify", "blocked",
}

func spoil(v any, key, evil string) any {
	switch v := v.(type) {
	case string:
		if slices.Contains(said, key) {
			return v + " " + evil
		}
	case []any:
		for n := range v {
			v[n] = spoil(v[n], key, evil)
		}
	case map[string]any:
		for k := range v {
			v[k] = spoil(v[k], k, evil)
		}
	}
	return v
}

func TestNoTextOfTheRecordIsReadAsMarkdown(t *testing.T) {
	t.Parallel()
	for _, s := range []*story{recoveredStory(t), unclearStory(t)} {
		plain := markdownShape(report.NewPostmortem(spoilt(t, s, "harmless"), seal).Markdown())
		for _, evil := range evils {
			t.Run(evil, func(t *testing.T) {
				t.Parallel()
				got := report.NewPostmortem(spoilt(t, s, evil), seal).Markdown()
				require.Equal(t, plain, markdownShape(got), string(got))
				require.Empty(t, steering(string(got)))
			})
		}
	}
}

// markdownShape is what a viewer sees in a page besides its text: how many of
// each kind of block and of what is dangerous. Breaks and text differ freely.
func markdownShape(page []byte) map[string]int {
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(page))
	out := map[string]int{}
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.Text, *ast.String, *ast.CodeSpan:
			return ast.WalkContinue, nil
		case *east.TableCell:
			return ast.WalkContinue, nil // counted by its row
		}
		if entering {
			out[fmt.Sprintf("%T", n)]++
		}
		return ast.WalkContinue, nil
	})
	return out
}

// A bar in a text does not end the cell that it stands in.
func TestATextStaysInItsCell(t *testing.T) {
	t.Parallel()
	s := recoveredStory(t)
	s.at("14:50:00", incident.KindNoted, "alice|bob", "", incident.Note{Text: "a | b || `c|d`"})
	page := report.NewPostmortem(s.fold(), seal).Markdown()
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(page))
	var cells []string
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if cell, ok := n.(*east.TableCell); ok && entering {
			var b strings.Builder
			for c := cell.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					b.Write(t.Value(page))
				}
			}
			cells = append(cells, strings.ReplaceAll(b.String(), `\`, ""))
		}
		return ast.WalkContinue, nil
	})
	require.Contains(t, cells, "note: a | b || `c|d`")
	require.Contains(t, cells, "alice|bob")
}

var (
	tag       = regexp.MustCompile(`<(/?[a-zA-Z!][a-zA-Z0-9-]*)([^>]*)>`)
	attribute = regexp.MustCompile(`([a-zA-Z-:]+)(="[^"]*")?`)
)

func TestNoTextOfTheRecordIsReadAsHTML(t *testing.T) {
	t.Parallel()
	for _, s := range []*story{recoveredStory(t), unclearStory(t)} {
		page, err := report.NewPostmortem(spoilt(t, s, "harmless"), seal).HTML()
		require.NoError(t, err)
		plain := htmlShape(t, page)
		for _, evil := range evils {
			t.Run(evil, func(t *testing.T) {
				t.Parallel()
				got, err := report.NewPostmortem(spoilt(t, s, evil), seal).HTML()
				require.NoError(t, err)
				shape := htmlShape(t, got)
				// Text between backticks is shown as code, and nothing else changes.
				delete(shape, "<code>")
				want := map[string]int{}
				for k, v := range plain {
					if k != "<code>" && k != "</code>" {
						want[k] = v
					}
				}
				delete(shape, "</code>")
				require.Equal(t, want, shape)
				require.Empty(t, steering(string(got)))
				require.NotContains(t, string(got), "href=\"http")
			})
		}
	}
}

// htmlShape counts tags with the names of their attributes.
func htmlShape(t *testing.T, page []byte) map[string]int {
	t.Helper()
	out := map[string]int{}
	style := regexp.MustCompile(`(?s)<style>.*</style>`)
	for _, m := range tag.FindAllStringSubmatch(string(style.ReplaceAll(page, nil)), -1) {
		var names []string
		for _, a := range attribute.FindAllStringSubmatch(m[2], -1) {
			names = append(names, a[1])
		}
		if strings.HasPrefix(m[1], "path") || strings.HasPrefix(m[1], "line") {
			continue // how many depends on the length of labels
		}
		out["<"+strings.Join(append([]string{m[1]}, names...), " ")+">"]++
	}
	require.NotEmpty(t, out)
	return out
}

func TestNoTextOfTheRecordSteersATerminal(t *testing.T) {
	t.Parallel()
	for _, s := range []*story{recoveredStory(t), unclearStory(t)} {
		for _, evil := range evils {
			i := spoilt(t, s, evil)
			var b bytes.Buffer
			require.NoError(t, report.WriteIncident(&b, i, day("23:00:00"), report.Style{Full: true}))
			require.NoError(t, report.WriteIncidents(&b, []incident.Incident{i}, day("23:00:00"), report.Style{}))
			require.Empty(t, steering(b.String()), evil)
		}
	}
}

// steering lists the characters of a text that do something instead of being
// seen.
func steering(text string) (out []string) {
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028') {
			out = append(out, fmt.Sprintf("%U", r))
		}
	}
	return out
}

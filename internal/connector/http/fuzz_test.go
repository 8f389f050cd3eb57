package http_test

import (
	"testing"

	"github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/probe"
)

// FuzzCheck holds that no text of a fence makes its check panic, and that each
// problem lies within the text.
func FuzzCheck(f *testing.F) {
	f.Add("GET /health\nAccept: */*")
	f.Add("POST /")
	f.Add("GET http://other/")
	f.Add("HEAD /a?b=${c}\n\nbody")
	f.Add("GET /\nHost: x")
	check := http.Kind().Languages[0].Check
	f.Fuzz(func(t *testing.T, text string) {
		template := probe.Literal(text)
		for _, p := range check(template, nil) {
			if p.Offset < 0 || p.Offset > len(template.Source()) || p.Text == "" {
				t.Errorf("problem %+v of %q", p, text)
			}
		}
	})
}

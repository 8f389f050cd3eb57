package tls_test

import (
	"testing"

	"github.com/quellhq/quell/internal/connector/tls"
	"github.com/quellhq/quell/internal/probe"
)

// FuzzCheck holds that no text of a fence makes its check panic, and that each
// problem lies within the text.
func FuzzCheck(f *testing.F) {
	f.Add("name www.example.org")
	f.Add("name")
	f.Add("name https://x")
	f.Add("# y\nname ${service.host}")
	check := tls.Kind().Languages[0].Check
	f.Fuzz(func(t *testing.T, text string) {
		template := probe.Literal(text)
		for _, p := range check(template, nil) {
			if p.Offset < 0 || p.Offset > len(template.Source()) || p.Text == "" {
				t.Errorf("problem %+v of %q", p, text)
			}
		}
	})
}

package dns_test

import (
	"testing"

	"github.com/quellhq/quell/internal/connector/dns"
	"github.com/quellhq/quell/internal/probe"
)

// FuzzCheck holds that no text of a fence makes its check panic, and that each
// problem lies within the text.
func FuzzCheck(f *testing.F) {
	f.Add("www.example.org A @10.0.0.2")
	f.Add("x ANY")
	f.Add("${service.host} AAAA")
	f.Add("a A @")
	f.Add(". NS")
	check := dns.Kind().Languages[0].Check
	f.Fuzz(func(t *testing.T, text string) {
		template := probe.Literal(text)
		for _, p := range check(template, nil) {
			if p.Offset < 0 || p.Offset > len(template.Source()) || p.Text == "" {
				t.Errorf("problem %+v of %q", p, text)
			}
		}
	})
}

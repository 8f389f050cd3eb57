package secret

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/secret/shape"
)

// A Redactor removes known secrets, and text that looks like a secret or like
// personal data, from anything that is about to be stored or shown. What is
// found by shape stands in package shape. The zero value, and nil, know the
// shapes alone. It may be used by many at once.
type Redactor struct {
	known    []needle
	patterns []*regexp.Regexp
	key      []byte
	options  shape.Options
}

// Masking says what a Redactor removes besides what it knows by itself.
type Masking struct {
	Known []String // removed wherever they stand, from four bytes on
	// Key makes the masks of the same secret the same; see the method mask. It
	// belongs to a store and never leaves it. Empty: all masks are alike.
	Key      []byte
	patterns []*regexp.Regexp
	options  shape.Options
}

// Kinds of what is found besides the shapes.
const (
	Known shape.Kind = "known" // a secret of quell.yaml, by its text
	Own   shape.Kind = "own"   // a pattern of quell.yaml
)

// addressKind is the rule that asks for public addresses of people.
const addressKind = "kind:address"

// Rule adds an operator's rule: a regular expression (RE2), of which the groups
// are removed where it has any and all of the match otherwise, or the name of a
// kind that is off by default, kind:address.
func (m *Masking) Rule(text string) error {
	if name, ok := strings.CutPrefix(text, "kind:"); ok {
		if text != addressKind {
			return fmt.Errorf("there is no kind %q to ask for: only %s is off by default", name, addressKind)
		}
		m.options.Addresses = true
		return nil
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("%q is no regular expression: %w", text, err)
	}
	if pattern.MatchString("") {
		return fmt.Errorf("%q matches the empty text: it would match everywhere", text)
	}
	m.patterns = append(m.patterns, pattern)
	return nil
}

// Redactor returns the redactor.
func (m Masking) Redactor() *Redactor {
	return &Redactor{known: needles(m.Known), patterns: m.patterns, key: m.Key, options: m.options}
}

// NewRedactor returns a redactor that also removes the given secrets by text.
func NewRedactor(known ...String) *Redactor { return Masking{Known: known}.Redactor() }

// Text returns s without secrets. Bytes outside of the secrets stay as they
// are, valid UTF-8 or not. A text that went through once goes through again
// unchanged.
func (r *Redactor) Text(s string) string { return r.replace(s, r.places(s)) }

// Find returns what Text would remove.
func (r *Redactor) Find(s string) []shape.Span {
	var spans []shape.Span
	for _, p := range r.places(s) {
		spans = append(spans, shape.Span{From: p.from, To: p.to, Kind: p.kind})
	}
	return spans
}

// place is where something is removed.
type place struct {
	from, to int
	kind     shape.Kind
	plain    string // the secret as it is when nothing encodes it
	quote    string // put around the mask
}

// under returns s, the value of a name, without secrets.
func (r *Redactor) under(name, s string) string {
	return r.replace(s, r.merged(s, shape.FindUnder(name, s, r.shapes())))
}

func (r *Redactor) places(s string) []place { return r.merged(s, shape.Find(s, r.shapes())) }

func (r *Redactor) shapes() shape.Options {
	if r == nil {
		return shape.Options{}
	}
	return r.options
}

// merged joins what was found by shape with what is found by text and by the
// operator's patterns, in order and without overlaps.
func (r *Redactor) merged(s string, spans []shape.Span) []place {
	var list []place
	for _, span := range spans {
		list = append(list, place{span.From, span.To, span.Kind, span.Plain(s), span.Quote})
	}
	if r == nil || len(r.known)+len(r.patterns) == 0 {
		return list
	}
	masked := masksIn(s)
	for _, p := range r.byText(s) {
		var left bool
		if p.from, p.to, left = masked.around(p.from, p.to); left {
			list = append(list, p)
		}
	}
	sort.SliceStable(list, func(a, b int) bool {
		if list[a].from != list[b].from {
			return list[a].from < list[b].from
		}
		return list[a].to > list[b].to
	})
	return united(s, list)
}

// byText finds the known secrets and the matches of the operator's patterns.
func (r *Redactor) byText(s string) []place {
	var list []place
	for _, n := range r.known {
		list = append(list, n.places(s)...)
	}
	for _, p := range r.patterns {
		for _, m := range p.FindAllStringSubmatchIndex(s, -1) {
			if len(m) > 2 {
				m = m[2:]
			}
			for ; len(m) > 0; m = m[2:] {
				if m[0] < m[1] {
					list = append(list, place{from: m[0], to: m[1], kind: Own, plain: s[m[0]:m[1]]})
				}
			}
		}
	}
	return list
}

// united makes one place of those that overlap.
func united(s string, list []place) []place {
	var out []place
	for _, p := range list {
		n := len(out) - 1
		if n < 0 || p.from >= out[n].to {
			out = append(out, p)
			continue
		}
		last := &out[n]
		switch {
		case p.from == last.from && p.to == last.to:
			if p.kind == Known {
				last.plain = p.plain
			}
		case p.to > last.to:
			last.to, last.plain = p.to, s[last.from:p.to]
		}
	}
	return out
}

func (r *Redactor) replace(s string, list []place) string {
	if len(list) == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	at := 0
	for _, p := range list {
		b.WriteString(s[at:p.from])
		b.WriteString(p.quote)
		b.WriteString(r.mask(p.plain))
		b.WriteString(p.quote)
		at = p.to
	}
	b.WriteString(s[at:])
	return b.String()
}

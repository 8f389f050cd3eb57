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
func (r *Redactor) Text(s string) string { return r.settled(r.replace(s, r.places(s)), s) }

// passes bounds how often a text is read. Two are the rule where anything was
// found, and the second finds nothing.
const passes = 10

// settled reads a text again until nothing more is found: what stood beside a
// secret may read otherwise when that is gone.
func (r *Redactor) settled(now, before string) string {
	for n := 1; n < passes && now != before; n++ {
		now, before = r.replace(now, r.places(now)), now
	}
	return now
}

// Find returns what Text would remove.
func (r *Redactor) Find(s string) []shape.Span {
	var spans []shape.Span
	for _, p := range r.places(s) {
		spans = append(spans, p.Span)
	}
	return spans
}

// place is where something is removed.
type place struct {
	shape.Span
	plain string // the secret, where it is written in a way that its place does not tell
}

// under returns s, the value of a name, without secrets.
func (r *Redactor) under(name, s string) string {
	return r.settled(r.replace(s, r.merged(s, shape.FindUnder(name, s, r.shapes()))), s)
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
	byText := r.byText(s)
	if len(spans)+len(byText) == 0 {
		return nil
	}
	var list []place
	masked := masksIn(s)
	for _, p := range byText {
		var left bool
		if p.From, p.To, left = masked.around(p.From, p.To); left {
			list = append(list, p)
		}
	}
	plain := map[[2]int]string{}
	for _, p := range list {
		plain[[2]int{p.From, p.To}] = p.plain
		spans = append(spans, p.Span)
	}
	list = list[:0]
	for _, span := range shape.KeepJSON(s, united(spans)) {
		p := place{span, span.Plain(s)}
		if known := plain[[2]int{span.From, span.To}]; known != "" {
			p.plain = known
		}
		list = append(list, p)
	}
	return list
}

// byText finds the known secrets and the matches of the operator's patterns.
func (r *Redactor) byText(s string) []place {
	if r == nil {
		return nil
	}
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
					list = append(list, place{shape.Span{From: m[0], To: m[1], Kind: Own}, s[m[0]:m[1]]})
				}
			}
		}
	}
	return list
}

// united puts spans in order and makes one of those that overlap.
func united(spans []shape.Span) []shape.Span {
	sort.SliceStable(spans, func(a, b int) bool {
		if spans[a].From != spans[b].From {
			return spans[a].From < spans[b].From
		}
		return spans[a].To > spans[b].To
	})
	out := spans[:0:0]
	for _, span := range spans {
		if n := len(out) - 1; n >= 0 && span.From < out[n].To {
			out[n].To = max(out[n].To, span.To)
			continue
		}
		out = append(out, span)
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
		b.WriteString(s[at:p.From])
		b.WriteString(p.Quote)
		b.WriteString(r.mask(p.plain))
		b.WriteString(p.Quote)
		at = p.To
	}
	b.WriteString(s[at:])
	return b.String()
}

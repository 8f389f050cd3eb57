package secrettest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/secret/shape"
)

// Score is how well secrets were found.
type Score struct {
	Lines, Harmless    int              // cases, and those of them without a secret
	Kinds              map[string]Tally // by kind
	Bytes, Damaged     int              // outside of secrets, and those of them that were changed
	JSON, Broken       int              // cases that are JSON, and those that no longer are
	Moved              int              // cases that a second pass changed again
	Missed, Wrong, Bad []string         // what went wrong, a line each
}

// Tally counts for one kind. Marked and Found go by the kind of the mark, Right
// and False by that of the rule.
type Tally struct{ Marked, Found, Right, False int }

// Recall is the share of marked secrets of which every byte was found.
func (t Tally) Recall() float64 { return share(t.Found, t.Marked) }

// Precision is the share of findings that lie on a secret.
func (t Tally) Precision() float64 { return share(t.Right, t.Right+t.False) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// Total adds up all kinds.
func (s Score) Total() (sum Tally) {
	for _, t := range s.Kinds {
		sum = Tally{sum.Marked + t.Marked, sum.Found + t.Found, sum.Right + t.Right, sum.False + t.False}
	}
	return sum
}

// Names lists the kinds in order.
func (s Score) Names() []string {
	var names []string
	for name := range s.Kinds {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Damage is the share of the bytes outside of secrets that were changed.
func (s Score) Damage() float64 { return 1 - share(s.Bytes-s.Damaged, s.Bytes) }

// Measure lets a redactor loose on the cases.
func Measure(r *secret.Redactor, cases []Case) Score {
	s := Score{Kinds: map[string]Tally{}}
	for _, c := range cases {
		s.add(r, c)
	}
	return s
}

func (s *Score) add(r *secret.Redactor, c Case) {
	s.Lines++
	if len(c.Marks) == 0 {
		s.Harmless++
	}
	spans := r.Find(c.Text)
	for _, m := range c.Marks {
		t := s.Kinds[m.Kind]
		t.Marked++
		if covered(m, spans) {
			t.Found++
		} else {
			s.Missed = append(s.Missed, fmt.Sprintf("%s: %s %q in %q", c.At, m.Kind, c.Text[m.From:m.To], r.Text(c.Text)))
		}
		s.Kinds[m.Kind] = t
	}
	for _, span := range spans {
		t := s.Kinds[string(span.Kind)]
		if touches(c.Marks, span) {
			t.Right++
		} else {
			t.False++
			s.Wrong = append(s.Wrong, fmt.Sprintf("%s: %s %q in %q", c.At, span.Kind, c.Text[span.From:span.To], c.Text))
		}
		s.Kinds[string(span.Kind)] = t
	}
	s.damage(c, spans)
	s.form(r, c)
}

// damage counts the bytes outside of secrets that would change.
func (s *Score) damage(c Case, spans []shape.Span) {
	secretBytes := map[int]bool{}
	for _, m := range c.Marks {
		for i := m.From; i < m.To; i++ {
			secretBytes[i] = true
		}
	}
	s.Bytes += len(c.Text) - len(secretBytes)
	lost := 0
	for _, span := range spans {
		for i := span.From; i < span.To; i++ {
			if !secretBytes[i] {
				lost++
			}
		}
	}
	if s.Damaged += lost; lost > 0 && len(c.Marks) > 0 {
		s.Bad = append(s.Bad, fmt.Sprintf("%s: %d bytes lost: %q", c.At, lost, c.Text))
	}
}

// form checks that what was JSON still is, and that a second pass does nothing.
func (s *Score) form(r *secret.Redactor, c Case) {
	once := r.Text(c.Text)
	if before, ok := parsed(c.Text); ok {
		s.JSON++
		if after, ok := parsed(once); !ok || !sameForm(before, after) {
			s.Broken++
			s.Bad = append(s.Bad, fmt.Sprintf("%s: no JSON any more: %s", c.At, once))
		}
	}
	if twice := r.Text(once); twice != once {
		s.Moved++
		s.Bad = append(s.Bad, fmt.Sprintf("%s: a second pass makes %q of %q", c.At, twice, once))
	}
}

// parsed returns the object or list that a text is.
func parsed(text string) (doc any, ok bool) {
	if text = strings.TrimSpace(text); text == "" || text[0] != '{' && text[0] != '[' {
		return nil, false
	}
	return doc, json.Unmarshal([]byte(text), &doc) == nil
}

// sameForm reports whether a document has the same fields and lengths as
// before, and JSON in its strings is still JSON where it was not masked whole.
func sameForm(before, after any) bool {
	switch b := before.(type) {
	case map[string]any:
		a, ok := after.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, x := range b {
			if y, ok := a[key]; ok && !sameForm(x, y) {
				return false
			}
		}
	case []any:
		a, ok := after.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range b {
			if !sameForm(b[i], a[i]) {
				return false
			}
		}
	case string:
		inner, ok := parsed(b)
		a, isText := after.(string)
		if !ok || isText && strings.HasPrefix(a, secret.Placeholder) {
			return true
		}
		still, ok := parsed(a)
		return ok && sameForm(inner, still)
	}
	return true
}

func covered(m Mark, spans []shape.Span) bool {
	at := m.From
	for _, span := range spans {
		if span.From <= at && at < span.To {
			at = span.To
		}
	}
	return at >= m.To
}

func touches(marks []Mark, span shape.Span) bool {
	for _, m := range marks {
		if m.From < span.To && span.From < m.To {
			return true
		}
	}
	return false
}

// Package secret holds values that must never be shown: passwords, tokens,
// connection strings. A String prints as a placeholder through every usual
// door (fmt, slog, JSON, YAML); only Reveal gives the text, at the one place
// that hands it to a client library.
package secret

import (
	"encoding/json"
	"log/slog"
)

// Placeholder is what a secret looks like wherever it is printed.
const Placeholder = "•••"

// String is a text that cannot print itself. The zero value is the empty secret.
type String struct{ text string }

// New wraps text. Call it on the first byte that was parsed.
func New(text string) String { return String{text: text} }

// Reveal returns the text. Never log or wrap what it returns.
func (s String) Reveal() string { return s.text }

// Empty reports whether there is no secret at all.
func (s String) Empty() bool { return s.text == "" }

// String implements fmt.Stringer: a placeholder, or nothing where there is no secret.
func (s String) String() string {
	if s.text == "" {
		return ""
	}
	return Placeholder
}

// GoString implements fmt.GoStringer, so that %#v is safe too.
func (s String) GoString() string { return `secret.String("` + s.String() + `")` }

// MarshalText implements encoding.TextMarshaler.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON implements json.Marshaler.
func (s String) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads a plain JSON string.
func (s *String) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &s.text) }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

package shape_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/secret/secrettest"
	"github.com/quellhq/quell/internal/secret/shape"
)

// holds checks what must be true of every text.
func holds(t interface {
	require.TestingT
	Helper()
}, text string,
) {
	t.Helper()
	at := 0
	for _, span := range shape.Find(text, shape.Options{Addresses: true}) {
		require.LessOrEqual(t, at, span.From, "spans overlap in %q", text)
		require.Less(t, span.From, span.To, "an empty span in %q", text)
		require.LessOrEqual(t, span.To, len(text))
		at = span.To
	}
	for _, r := range []*secret.Redactor{secret.NewRedactor(), (secret.Masking{Key: []byte("a key of tests")}).Redactor()} {
		once := r.Text(text)
		require.Equal(t, once, r.Text(once), "a second pass changes %q", text)
		if first := strings.TrimSpace(text); json.Valid([]byte(text)) && (first[0] == '{' || first[0] == '[') {
			require.True(t, json.Valid([]byte(once)), "%s is no JSON any more: %s", text, once)
		}
		if utf8.ValidString(text) {
			require.True(t, utf8.ValidString(once), "a rune of %q was cut: %q", text, once)
		}
	}
}

func FuzzFind(f *testing.F) {
	cases, err := secrettest.Read(os.DirFS("../testdata/corpus"))
	require.NoError(f, err)
	for _, c := range cases {
		f.Add(c.Text)
	}
	f.Fuzz(func(t *testing.T, text string) { holds(t, text) })
}

// words are the pieces of which texts are put together that come near to what
// the rules look for.
var words = []string{
	"password", "token", "Authorization", "Bearer ", "Basic ", "cookie", "Set-Cookie", "AUTH", "requirepass", "--password", "-p ", "name", "value",
	"sid", "://", "@", ":", "=", ": ", " = ", "\"", "\\\"", "\\\\\\\"", "'", "{", "}", "[", "]", "(", ")", ",", ";", "&", " ", "\n", "\\n", "\t", "|", ">", "<",
	"postgres://u:", "example.com", "bob", "hunter2", "4111111111111111", "+49 151 1234 5678", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln1", "•••", "•••3f9a1c", "$1", "%3D", "%40", "\\u0026", "\xff", "ü", "VALUES", "INSERT INTO t (a, password) VALUES ('a', ",
	"identified by '", "is ", "mysql ", "0", "a", "x1", "-", ".", "\\", "\x1b[32m", "https://hooks.slack.com/services/", "/", "T0/B0/x1y2", "123-45-6789",
}

func TestNoTextBreaksTheRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		holds(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 14).Draw(t, "words"), ""))
	})
}

func TestJSONStaysJSON(t *testing.T) {
	t.Parallel()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom(words[:len(words)-1]), 0, 6), func(w []string) any {
			return strings.ToValidUTF8(strings.Join(w, ""), "?")
		})
		number := rapid.Map(rapid.Int64(), func(n int64) any { return n })
		if depth == 0 {
			return rapid.OneOf(text, number, rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](int64(4111111111111111)))
		}
		list := rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return l })
		object := rapid.Map(rapid.MapOfN(rapid.SampledFrom(words), value(depth-1), 0, 4), func(m map[string]any) any { return m })
		nested := rapid.Map(value(depth-1), func(v any) any {
			data, _ := json.Marshal(v)
			return string(data)
		})
		return rapid.OneOf(text, number, list, object, object, nested)
	}
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(value(3).Draw(t, "value"))
		require.NoError(t, err)
		holds(t, string(data))
	})
}

package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
)

func TestASecretDoesNotPrint(t *testing.T) {
	s := secret.New("hunter2hunter2")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "wrapped", struct{ S secret.String }{s})
	asJSON, err := json.Marshal(map[string]any{"s": s})
	require.NoError(t, err)
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), fmt.Sprintf("%v", struct{ S secret.String }{s}),
		log.String(), string(asJSON), fmt.Errorf("bad %v", s).Error(),
	} {
		require.NotContains(t, text, "hunter2")
	}
	require.Equal(t, "hunter2hunter2", s.Reveal())
}

func TestRedactorFindsTheUsualShapes(t *testing.T) {
	r := secret.NewRedactor(secret.New("s3cr3t-known"), secret.New("abc"))
	for in, want := range map[string]string{
		"postgres://app:pa55@db:5432/x":                         "postgres://app:•••@db:5432/x",
		"redis://:pa55@cache:6379":                              "redis://:•••@cache:6379",
		"host=db password=pa55 user=app":                        "host=db password=••• user=app",
		`{"api_key": "k-123", "x": 1}`:                          `{"api_key": "•••", "x": 1}`,
		"ALTER ROLE app PASSWORD 'pa55'":                        "ALTER ROLE app PASSWORD '•••'",
		"Authorization: Bearer abcdefghijkl":                    "Authorization: Bearer •••",
		"the s3cr3t-known one":                                  "the ••• one",
		"abc is too short to be searched for":                   "abc is too short to be searched for",
		"SELECT token_count FROM tokens WHERE secretary = true": "SELECT token_count FROM tokens WHERE secretary = true",
		"key AKIAABCDEFGHIJKLMNOP":                              "key •••",
	} {
		require.Equal(t, want, r.Text(in))
	}
	v := r.Value([]any{map[string]any{"q": "x s3cr3t-known", "n": 1.0}})
	require.Equal(t, []any{map[string]any{"q": "x •••", "n": 1.0}}, v)
}

func TestANilRedactorKnowsTheShapes(t *testing.T) {
	var r *secret.Redactor
	require.Equal(t, "a://b:•••@c", r.Text("a://b:ddddd@c"))
}

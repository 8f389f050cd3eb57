package secret_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
)

type object = map[string]any

func TestValuesAreRedactedByTheirNames(t *testing.T) {
	t.Parallel()
	for about, c := range map[string]struct{ in, want any }{
		"a password, and what only sounds like one": {
			object{"password": "anything at all", "token_count": int64(5), "password_set": true, "secret": nil},
			object{"password": "•••", "token_count": int64(5), "password_set": true, "secret": nil},
		},
		"a number under such a name":            {object{"pin": int64(4711), "password": 12345678.0, "pid": int64(4711)}, object{"pin": "•••", "password": "•••", "pid": int64(4711)}},
		"numbers stay numbers elsewhere":        {object{"id": int64(4111111111111111), "rate": 0.25}, object{"id": int64(4111111111111111), "rate": 0.25}},
		"a list of passwords":                   {object{"passwords": []any{"x"}, "password": []any{"one", "two"}}, object{"passwords": []any{"x"}, "password": []any{"•••", "•••"}}},
		"the object under such a name":          {object{"secret": object{"secretName": "db-credentials"}}, object{"secret": object{"secretName": "db-credentials"}}},
		"a header":                              {object{"Authorization": "Bearer abcdefgh", "Accept": "*/*"}, object{"Authorization": "Bearer •••", "Accept": "*/*"}},
		"headers as Go keeps them":              {object{"Cookie": []any{"sid=abc; theme=dark"}}, object{"Cookie": []any{"sid=•••; theme=•••"}}},
		"a name beside its value":               {object{"name": "DB_PASSWORD", "value": "x"}, object{"name": "DB_PASSWORD", "value": "•••"}},
		"a setting of Postgres beside its name": {[]any{object{"name": "work_mem", "setting": "4MB"}, object{"name": "ssl_passphrase", "setting": "x"}}, []any{object{"name": "work_mem", "setting": "4MB"}, object{"name": "ssl_passphrase", "setting": "•••"}}},
		"a header beside its value":             {object{"name": "Cookie", "value": "sid=abc"}, object{"name": "Cookie", "value": "sid=•••"}},
		"the arguments of a command":            {[]any{"redis-server", "--requirepass", "x", "--port", "6379"}, []any{"redis-server", "--requirepass", "•••", "--port", "6379"}},
		"an argument with its value":            {[]any{"--password=x1", "-v"}, []any{"--password=•••", "-v"}},
		"what CONFIG GET answers":               {[]any{"requirepass", "x", "maxmemory", "0"}, []any{"requirepass", "•••", "maxmemory", "0"}},
		"AUTH in a slow log":                    {[]any{"AUTH", "x"}, []any{"AUTH", "•••"}},
		"AUTH with a user":                      {[]any{"AUTH", "app", "x"}, []any{"AUTH", "app", "•••"}},
		"names of columns":                      {[]any{"id", "password", "token"}, []any{"id", "password", "token"}},
		"a text deep inside":                    {object{"a": []any{object{"q": "x://u:pa55@h"}}}, object{"a": []any{object{"q": "x://u:•••@h"}}}},
		"a key that is a secret itself":         {object{"bob@example.com": int64(3), "n": int64(1)}, object{"•••": int64(3), "n": int64(1)}},
		"two keys of one mask":                  {object{"a@example.com": int64(1), "b@example.com": int64(2)}, object{"•••": int64(1), "••• (2)": int64(2)}},
		"a statement with a place for a value":  {object{"query": "SELECT 1 FROM t WHERE token = $1"}, object{"query": "SELECT 1 FROM t WHERE token = $1"}},
		"a key in PEM keeps its first line":     {object{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----"}, object{"private_key": "-----BEGIN PRIVATE KEY-----•••-----END PRIVATE KEY-----"}},
	} {
		got := secret.NewRedactor().Value(c.in)
		require.Equal(t, c.want, got, about)
		require.Equal(t, c.want, secret.NewRedactor().Value(got), "again: "+about)
	}
}

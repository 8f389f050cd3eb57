package secret_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
)

func TestAnOperatorsRules(t *testing.T) {
	t.Parallel()
	for about, c := range map[string]struct{ rule, in, want string }{
		"all of a match":                          {`\bCUST-\d+\b`, "order of CUST-4711 and CUST-12", "order of ••• and •••"},
		"the group of a match":                    {`tenant=(\w+)`, "tenant=acme region=eu", "tenant=••• region=eu"},
		"two groups":                              {`(\w+)@(\w+)\.lan`, "bob@box.lan", "•••@•••.lan"},
		"a match that overlaps what is found":     {`hunter\d;\w+`, "password=hunter2;x y", "password=••• y"},
		"a match in JSON keeps to its string":     {`acme.*`, `{"t":"acme","u":"bob"}`, `{"t":"•••","u":"bob"}`},
		"a number in JSON becomes a string":       {`\b4711\b`, `{"customer":4711,"n":1}`, `{"customer":"•••","n":1}`},
		"an address that a person may be behind":  {"kind:address", "from 203.0.113.9 and 2a00:1450::5 to 10.0.0.3, 127.0.0.1", "from ••• and ••• to 10.0.0.3, 127.0.0.1"},
		"an address with a port behind it":        {"kind:address", "client 203.0.113.9:51234 x", "client •••:51234 x"},
		"no version is taken for an address":      {"kind:address", "nginx/1.24.0 postgres 15.4", "nginx/1.24.0 postgres 15.4"},
		"a group that took no part in the match":  {`a(b)?c`, "ac abc", "ac a•••c"},
		"a rule that finds nothing leaves things": {`zzz`, "abc", "abc"},
	} {
		var m secret.Masking
		require.NoError(t, m.Rule(c.rule), about)
		got := m.Redactor().Text(c.in)
		require.Equal(t, c.want, got, about)
		require.Equal(t, got, m.Redactor().Text(got), about)
	}
}

func TestARuleThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`(`:          "is no regular expression",
		`x*`:         "matches the empty text",
		`kind:names`: "there is no kind",
	} {
		require.ErrorContains(t, new(secret.Masking).Rule(rule), want)
	}
}

func TestKnownSecretsGoInAllTheirForms(t *testing.T) {
	t.Parallel()
	r := secret.NewRedactor(secret.New("long secret/with+signs\""), secret.New("long"), secret.New("abc"))
	for in, want := range map[string]string{
		`plain long secret/with+signs" end`:      `plain ••• end`,
		`long secret%2Fwith%2Bsigns%22`:          `••• secret%2Fwith%2Bsigns%22`,
		`long+secret%2Fwith%2Bsigns%22`:          `•••`,
		`long%20secret%2Fwith+signs%22`:          `•••`,
		`{"x":"long secret/with+signs\""}`:       `{"x":"•••"}`,
		`data: bG9uZyBzZWNyZXQvd2l0aCtzaWducyI=`: `data: •••=`,
		`longer than long`:                       `•••er than •••`,
		`abc stays`:                              `abc stays`,
	} {
		require.Equal(t, want, r.Text(in))
	}
}

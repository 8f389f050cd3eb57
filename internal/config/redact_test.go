package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
)

func TestRulesOfMasking(t *testing.T) {
	t.Parallel()
	c, err := load(t, `
targets: {here: {kind: host}}
redact:
  - '\bCUST-\d{8}\b'
  - kind:address
  - env:PARTNER_KEY
`, map[string]string{"PARTNER_KEY": "pk9-abcdef"})
	require.NoError(t, err)
	masking := secret.Masking{Known: c.Secrets}
	for _, rule := range c.Redact {
		require.NoError(t, masking.Rule(rule))
	}
	require.Equal(t, "••• from ••• with •••", masking.Redactor().Text("CUST-00004711 from 203.0.113.9 with pk9-abcdef"))
	require.NotContains(t, c.Redact, "env:PARTNER_KEY", "a secret is no pattern")
}

func TestRulesOfMaskingThatCannotBe(t *testing.T) {
	t.Parallel()
	for about, c := range map[string]struct{ rule, want string }{
		"a bracket that is open":       {`"CUST-("`, `quell.yaml:2:10: redact: "CUST-(" is no regular expression`},
		"one that matches everything":  {`".*"`, `quell.yaml:2:10: redact: ".*" matches the empty text`},
		"a kind that there is not":     {`kind:iban`, `quell.yaml:2:10: redact: there is no kind "iban"`},
		"a variable that nobody set":   {`env:NO_SUCH`, "quell.yaml:2:10: redact: the environment variable NO_SUCH is not set"},
		"a mapping in place of a rule": {`{x: y}`, "redact is a list of texts"},
	} {
		_, err := load(t, "targets: {here: {kind: host}}\nredact: ["+c.rule+"]\n", nil)
		require.ErrorContains(t, err, c.want, about)
	}
}

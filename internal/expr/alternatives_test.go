package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/expr"
)

func TestAlternativesOfASign(t *testing.T) {
	t.Parallel()
	env, err := expr.NewEnv(map[string]expr.Type{"a": expr.Number, "b": expr.Number, "s": expr.Text})
	require.NoError(t, err)
	for source, want := range map[string][]string{
		`a > 1.0`:                                  nil,
		`(a > 1.0 || b > 1.0)`:                     nil,
		`a > 1.0 && b > 1.0 || a > seconds(5m)`:    {`a > 1.0 && b > 1.0`, `a > seconds(5m)`},
		`s == "x || y" || s == '\'||' || a > 1.0 `: {`s == "x || y"`, `s == '\'||'`, `a > 1.0`},
		`a > 1.0 ? b > 1.0 : a < 0.0 || b < 0.0`:   nil,
	} {
		p, err := env.CompileSign(source)
		require.NoError(t, err, source)
		var got []string
		for _, one := range p.Alternatives() {
			got = append(got, one.Source())
		}
		require.Equal(t, want, got, source)
	}
}

package declared_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/declared"
)

func TestValuesFillDeclaredHolesOnly(t *testing.T) {
	t.Parallel()
	v, err := declared.NewValues([]string{"zone", "flag", "zone"}, map[string]string{"flag": "[a-z]+|x-1"})
	require.NoError(t, err)
	got, err := v.Read([]any{"flag=checkout", "zone=a=b c"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"flag": "checkout", "zone": "a=b c"}, got)
	require.Equal(t, []any{"flag=checkout", "zone=a=b c"}, v.List(got))
	require.True(t, v.Bounded("flag"))
	require.False(t, v.Bounded("zone"))
	for name, list := range map[string][]any{
		"one is missing":         {"flag=a"},
		"one is unknown":         {"flag=a", "zone=b", "other=c"},
		"one stands twice":       {"flag=a", "zone=b", "zone=c"},
		"no name":                {"flag", "zone=b"},
		"empty":                  {"flag=", "zone=b"},
		"does not match":         {"flag=UPPER", "zone=b"},
		"matches in part":        {"flag=a1", "zone=b"},
		"a line break":           {"flag=a", "zone=b\r\nHost: evil"},
		"a byte that is no text": {"flag=a", "zone=\xff"},
		"too long":               {"flag=a", "zone=" + strings.Repeat("x", 2000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := v.Read(list)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
		})
	}
	_, err = declared.NewValues([]string{"a"}, map[string]string{"b": ".*"})
	require.ErrorContains(t, err, "${b}")
	_, err = declared.NewValues([]string{"a"}, map[string]string{"a": "("})
	require.Error(t, err)
	inner, err := declared.NewValues([]string{"flag", "other"}, nil)
	require.NoError(t, err)
	require.Equal(t, "other", inner.Within(v))
	require.Equal(t, []any{"flag=checkout"}, inner.List(got))
}

func TestARiskCanOnlyBeRaised(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]action.Risk{"": action.R3, "R2": action.R2, "R4": action.R4} {
		got, err := declared.Risk(text, action.R2, action.R3)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"R1", "R9", "low"} {
		_, err := declared.Risk(text, action.R2, action.R3)
		require.Error(t, err, text)
	}
}

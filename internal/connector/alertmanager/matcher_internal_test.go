package alertmanager

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
)

func TestMatchersAreReadAsAlertmanagerWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`alertname="Slow"`:         `alertname="Slow"`,
		` alertname = Slow `:       `alertname="Slow"`,
		`job=~"api-.*"`:            `job=~"api-.*"`,
		`job=~"a\\.b"`:             `job=~"a\\.b"`,
		`job=~"a\.b"`:              `job=~"a\\.b"`,
		`path="say \"no\""`:        `path="say \"no\""`,
		`env!="test"`:              `env!="test"`,
		`env!~"test|dev"`:          `env!~"test|dev"`,
		`query="a=b"`:              `query="a=b"`,
		`instance="10.0.0.1:9100"`: `instance="10.0.0.1:9100"`,
		"text=\"two\nlines\"":      `text="two\nlines"`,
		`instance=10.0.0.1:9100`:   `instance="10.0.0.1:9100"`,
		`empty=""`:                 `empty=""`,
		`alertname="Déjà vu, {a}"`: `alertname="Déjà vu, {a}"`,
	} {
		m, err := parseMatcher(text)
		require.NoError(t, err, text)
		require.Equal(t, want, m.String())
		again, err := parseMatcher(m.String())
		require.NoError(t, err)
		require.Equal(t, m, again)
	}
	for _, text := range []string{"", "alertname", `="x"`, `a b="x"`, `a="x`, `a="x"y"`, `a="x\`, `a=~"("`, `a={x}`, `1a="x"`} {
		_, err := parseMatcher(text)
		require.Error(t, err, text)
	}
}

func TestASilenceOfEverythingIsRefused(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]any{
		"none":                           {},
		"an expression for everything":   {`alertname=~".*"`},
		"for everything that is there":   {`alertname=~".+"`},
		"written in another way":         {`alertname=~"[^~]*|x"`},
		"everything but one":             {`alertname!="Watchdog"`},
		"everything but a few":           {`alertname!~"Watch.*"`, `env!="test"`},
		"a label that need not be there": {`team=""`},
		"or may be empty":                {`team=~"|shop"`},
		"too many":                       make([]any, maxMatchers+1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseMatchers(list)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
		})
	}
	for _, list := range [][]any{{`alertname="Slow"`}, {`job=~"api-.*"`}, {`alertname=~".+"`, `service="shop"`}, {`alertname=~"Slow|Fast"`, `env!="test"`}} {
		_, err := parseMatchers(list)
		require.NoError(t, err, list)
	}
}

package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

func TestHolesAreLeftToTheConnectorThatFillsThem(t *testing.T) {
	t.Parallel()
	kinds := []connector.Kind{{Name: "web", Settings: []connector.Setting{{Name: "calls", Type: probe.Map, Optional: true, Holes: true}}}}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"TOKEN": "t0ken${flag}x"}[name]
		return v, ok
	}
	parse := func(value string) (config.Target, config.Config, error) {
		c, err := config.Parse(config.Options{Kinds: kinds, Env: env}, "quell.yaml", []byte("targets:\n  web: {kind: web, calls: {off: "+value+"}}\n"))
		if err != nil {
			return config.Target{}, c, err
		}
		return c.Targets[0], c, nil
	}
	for name, c := range map[string]struct{ written, want string }{
		"a hole stays":                        {`"PUT /flags/${flag}"`, "PUT /flags/${flag}"},
		"what is no hole stays no hole":       {`"a $${flag}"`, "a $${flag}"},
		"a reference is resolved and no hole": {`"Bearer ${env:TOKEN} ${flag}"`, "Bearer t0ken$${flag}x ${flag}"},
		"a whole one too":                     {`"env:TOKEN"`, "t0ken$${flag}x"},
		"a reference that is doubled is text": {`"$${env:TOKEN}"`, "$${env:TOKEN}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, all, err := parse(c.written)
			require.NoError(t, err)
			require.NoError(t, target.Err)
			require.Equal(t, c.want, target.Settings["calls"].(map[string]any)["off"])
			if name == "a whole one too" {
				require.Equal(t, "•••", secret.NewRedactor(all.Secrets...).Text("t0ken${flag}x"))
			}
		})
	}
	target, _, err := parse(`"${env:NOWHERE}"`)
	require.NoError(t, err)
	require.ErrorContains(t, target.Err, "NOWHERE is not set")
}

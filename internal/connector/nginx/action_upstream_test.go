package nginx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

func TestUpstream(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]map[string]any{
		"a server is taken out":        {"server": "B", "state": "down", "for": "10m"},
		"a server is drained":          {"server": "B", "state": "drain"},
		"a server comes in":            {"server": "C", "state": "up"},
		"a server gets another weight": {"server": "A", "weight": 1.0},
		"both at once":                 {"server": "C", "state": "up", "weight": 3.0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "")
			args["upstream"], args["server"] = "shop", map[string]string{"A": s.a, "B": s.b, "C": s.c}[args["server"].(string)]
			actiontest.Run(t, actiontest.Case{
				Spec: spec(t, "nginx.upstream"), Args: args,
				Open: s.changer, World: s.world, Effects: s.loads, Gone: s.gone, Settles: 5 * time.Second,
			})
			require.Equal(t, 2, s.loads(t), "one load for the change and one for its undo")
		})
	}
}

func TestOnlyTheLineChanges(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	for _, c := range []struct {
		name     string
		args     map[string]any
		from, to string
	}{
		{"taken out, behind the last word of several lines", map[string]any{"server": s.b, "state": "down"}, "fail_timeout=5s;", "fail_timeout=5s down;"},
		{"brought in", map[string]any{"server": s.c, "state": "up"}, s.c + " down;", s.c + ";"},
		{"another weight", map[string]any{"server": s.a, "weight": 2.0}, "weight=5;", "weight=2;"},
		{"a first weight", map[string]any{"server": s.b, "weight": 7.0}, `"` + s.b + `" max_fails`, `"` + s.b + `" weight=7 max_fails`},
	} {
		before := read(t, s.shopFile())
		c.args["upstream"] = "shop"
		d := s.doer(t, "nginx.upstream")
		done, err := d.Apply(t.Context(), order(t, d, change(t, "nginx.upstream", c.args)))
		require.NoError(t, err, c.name)
		require.Equal(t, strings.Replace(before, c.from, c.to, 1), read(t, s.shopFile()), c.name)
		link, err := os.Readlink(filepath.Join(s.Dir, "sites-enabled/shop"))
		require.NoError(t, err, "the link was replaced by a file")
		require.Equal(t, "../sites-available/shop.conf", link)
		undo := s.doer(t, "nginx.restore")
		_, err = undo.Apply(t.Context(), order(t, undo, *done.Inverse))
		require.NoError(t, err, c.name)
		require.Equal(t, before, read(t, s.shopFile()), c.name)
	}
	require.NotContains(t, s.backends(t), "c:")
}

func TestWhatWouldHurtIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	world := s.world(t)
	upstream := func(args map[string]any) action.Change { return change(t, "nginx.upstream", args) }
	for name, c := range map[string]struct {
		change action.Change
		says   string
	}{
		"the last server of an upstream": {upstream(map[string]any{"upstream": "alone", "server": s.a, "state": "down"}), "no server of upstream alone would be left"},
		"an upstream that is not there":  {upstream(map[string]any{"upstream": "shp", "server": s.a, "state": "down"}), "there are: shop, alone"},
		"a server that is not there":     {upstream(map[string]any{"upstream": "shop", "server": "10.9.9.9:1", "state": "down"}), "it has: " + s.a},
		"a state that is none":           {upstream(map[string]any{"upstream": "shop", "server": s.a, "state": "off"}), "down, up or drain"},
		"nothing":                        {upstream(map[string]any{"upstream": "shop", "server": s.a}), "nothing is to be changed"},
		"half a weight":                  {upstream(map[string]any{"upstream": "shop", "server": s.a, "weight": 0.5}), "whole number"},
		"a restore of a file of elsewhere": {
			change(t, "nginx.restore", map[string]any{"file": "/etc/passwd", "written": "none", "former": "none"}), "no file of this configuration",
		},
		"a removal of a file of somebody else": {
			change(t, "nginx.restore", map[string]any{"file": s.shopFile(), "written": "sha256:0", "former": "none"}), "no file of this configuration",
		},
		"a restore of what was never kept": {
			change(t, "nginx.restore", map[string]any{"file": s.shopFile(), "written": "sha256:0", "former": "sha256:1"}), "read the former text",
		},
		"a restore of what is no digest": {
			change(t, "nginx.restore", map[string]any{"file": s.shopFile(), "written": "sha256:0", "former": "sha256:../../passwd"}), "no digest",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := s.doer(t, c.change.Type)
			_, err := d.Preview(t.Context(), c.change)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
			require.ErrorContains(t, err, c.says)
			_, err = d.Apply(t.Context(), action.Order{Change: c.change, Key: "INC-1.1.1-a"})
			require.ErrorAs(t, err, &refusal)
		})
	}
	require.Equal(t, world, s.world(t))
	require.Zero(t, s.loads(t))
}

func TestAFileThatWasChangedSinceIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.upstream")
	o := order(t, d, change(t, "nginx.upstream", map[string]any{"upstream": "shop", "server": s.b, "state": "down"}))
	add := func(text string) {
		require.NoError(t, os.WriteFile(s.shopFile(), []byte(read(t, s.shopFile())+text), 0o644))
	}
	add("# one more line\n")
	_, err := d.Apply(t.Context(), o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.Zero(t, s.loads(t))

	done, err := d.Apply(t.Context(), order(t, d, o.Change))
	require.NoError(t, err)
	add("# and another\n")
	_, err = s.doer(t, "nginx.restore").Preview(t.Context(), *done.Inverse)
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, "+# and another", "it shows what would be lost")
	require.NotContains(t, err.Error(), "one more line")
}

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

// answers counts the statuses of twelve requests in a row.
func (s *site) answers(t *testing.T, path string) map[int]int {
	t.Helper()
	count := map[int]int{}
	for range 12 {
		status, _ := s.get(t, path)
		count[status]++
	}
	return count
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	actiontest.Run(t, actiontest.Case{
		Spec: spec(t, "nginx.rate_limit"), Args: map[string]any{"server": "www.shop.test", "location": "/static/", "rate": "1r/m", "burst": 2.0, "for": "30m"},
		Open: s.changer, World: s.world, Effects: s.loads, Gone: s.gone, Settles: 5 * time.Second,
	})
	require.Equal(t, 2, s.loads(t))
}

func TestALimitHoldsWhereItShould(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.rate_limit")
	o := order(t, d, change(t, "nginx.rate_limit", map[string]any{"server": "shop.test", "location": "/static/", "rate": "1r/m", "burst": 2.0}))
	require.Contains(t, strings.Join(o.Preview.Warnings, " "), "behind a balancer")
	_, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, map[int]int{200: 3, 429: 9}, s.answers(t, "/static/x"), "one, and a burst of two")
	require.Equal(t, map[int]int{200: 12}, s.answers(t, "/"), "elsewhere nothing is limited")

	// Other numbers for the same place take the place of the first.
	o = order(t, d, change(t, "nginx.rate_limit", map[string]any{"server": "shop.test", "location": "/static/", "rate": "1r/m", "burst": 5.0}))
	require.Contains(t, o.Preview.Items[0].Now, "1r/m, burst 2")
	done, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	undo := s.doer(t, "nginx.restore")
	_, err = undo.Apply(t.Context(), order(t, undo, *done.Inverse))
	require.NoError(t, err)
	files, err := filepath.Glob(s.Dir + "/snippets/*.conf")
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Contains(t, read(t, files[0]), "burst=2 ")

	// A second place has a limit of its own, without setting the status twice.
	_, err = d.Apply(t.Context(), order(t, d, change(t, "nginx.rate_limit", map[string]any{"rate": "1r/m"})))
	require.NoError(t, err)
	require.Equal(t, map[int]int{200: 1, 429: 11}, s.answers(t, "/"))
}

func TestALimitThatWouldDoNothingIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, `
limit_req_zone $binary_remote_addr zone=own:1m rate=100r/s;
server { listen 127.0.0.1:PORT; server_name own.test; limit_req zone=own; return 200 own; }
server { listen 127.0.0.1:PORT; server_name partly.test; location = /login { limit_req zone=own; return 200 x; } }
server { listen 127.0.0.1:PORT; server_name "~^(?<who>.+)[.]expr[.]test$" named.test; return 200 x; }`)
	d := s.doer(t, "nginx.rate_limit")
	for name, c := range map[string]struct {
		args map[string]any
		says string
	}{
		"a server with limits of its own":  {map[string]any{"server": "own.test", "rate": "1r/s"}, "limit of its own"},
		"every server, one with its own":   {map[string]any{"rate": "1r/s"}, "limit of its own"},
		"a server that is not there":       {map[string]any{"server": "nobody.test", "rate": "1r/s"}, "shop.test"},
		"no rate":                          {map[string]any{"server": "shop.test", "rate": "fast"}, "10r/s"},
		"a rate that is code":              {map[string]any{"server": "shop.test", "rate": "1r/s; return 200"}, "10r/s"},
		"a path that is code":              {map[string]any{"server": "shop.test", "rate": "1r/s", "location": `/" x; }`}, "plain path"},
		"a server that is an expression":   {map[string]any{"server": "~.*", "rate": "1r/s"}, "without an expression"},
		"a server whose first name is one": {map[string]any{"server": "named.test", "rate": "1r/s"}, "first name"},
		"half a burst":                     {map[string]any{"server": "shop.test", "rate": "1r/s", "burst": 0.5}, "whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.Preview(t.Context(), change(t, "nginx.rate_limit", c.args))
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
			require.ErrorContains(t, err, c.says)
		})
	}
	p, err := d.Preview(t.Context(), change(t, "nginx.rate_limit", map[string]any{"server": "partly.test", "rate": "1r/s"}))
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Warnings, " "), "/login")

	without := s.settings()
	delete(without, "snippets")
	d, _ = open(t, without).(action.Changer).Doer("nginx.rate_limit")
	_, err = d.Preview(t.Context(), change(t, "nginx.rate_limit", map[string]any{"rate": "1r/s"}))
	require.ErrorContains(t, err, "snippets")
	elsewhere := s.settings()
	elsewhere["snippets"] = s.Dir + "/nobody-includes-it"
	require.NoError(t, os.MkdirAll(s.Dir+"/nobody-includes-it", 0o755))
	d, _ = open(t, elsewhere).(action.Changer).Doer("nginx.rate_limit")
	_, err = d.Preview(t.Context(), change(t, "nginx.rate_limit", map[string]any{"rate": "1r/s"}))
	require.ErrorContains(t, err, "not included in http {}")
	require.Zero(t, s.loads(t))
}

func TestRestore(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.rate_limit")
	done, err := d.Apply(t.Context(), order(t, d, change(t, "nginx.rate_limit", map[string]any{"server": "shop.test", "rate": "1000r/s", "burst": 1000.0})))
	require.NoError(t, err)
	before := s.loads(t)
	actiontest.Run(t, actiontest.Case{
		Spec: spec(t, "nginx.restore"), Args: done.Inverse.Args,
		Open: s.changer, World: s.world, Effects: func(t *testing.T) int { return s.loads(t) - before }, Settles: 5 * time.Second,
	})
}

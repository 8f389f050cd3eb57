package http_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	stdhttp "net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/secret"
)

// flags is a server of feature flags: it counts what changes it, remembers
// idempotency keys, and fails as it is told to.
type flags struct {
	*httptest.Server
	mu      sync.Mutex
	values  map[string]any
	keys    map[string]bool
	effects int
	posts   int
	last    *stdhttp.Request
	body    string
	// lose is how many answers to changes are lost after they were made, fail
	// what status changes get before anything is made.
	lose int
	fail []int
}

func newFlags(t *testing.T) *flags {
	t.Helper()
	f := &flags{values: map[string]any{"checkout": true, "a/b": true}, keys: map[string]bool{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *flags) ServeHTTP(w stdhttp.ResponseWriter, r *stdhttp.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/flags/")
	name = strings.ReplaceAll(name, "%2F", "/")
	if r.Method == stdhttp.MethodGet {
		v, known := f.values[name]
		if !ok || !known {
			stdhttp.Error(w, "no such flag", 404)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "enabled": v, "deep": []any{map[string]any{"a/b": 5}}})
		return
	}
	body, _ := io.ReadAll(r.Body)
	f.last, f.body, f.posts = r, string(body), f.posts+1
	if len(f.fail) > 0 {
		status := f.fail[0]
		f.fail = f.fail[1:]
		stdhttp.Error(w, "token=s3cr3t-t0ken is no good", status)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" || !f.keys[key] {
		f.keys[key] = true
		f.change(r.Method, name, body)
	}
	if f.lose > 0 {
		f.lose--
		panic(stdhttp.ErrAbortHandler)
	}
	_, _ = w.Write([]byte("done"))
}

func (f *flags) change(method, name string, body []byte) {
	f.effects++
	if method == stdhttp.MethodDelete {
		delete(f.values, name)
		return
	}
	var asked struct{ Enabled any }
	_ = json.Unmarshal(body, &asked)
	f.values[name] = asked.Enabled
}

func (f *flags) world() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for name, v := range f.values {
		lines = append(lines, fmt.Sprint(name, "=", v))
	}
	sort.Strings(lines)
	return strings.Join(lines, " ")
}

func (f *flags) count() (effects, posts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.effects, f.posts
}

// seen is the last request that changes something, and its body.
func (f *flags) seen() (*stdhttp.Request, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.body
}

// settings as quell.yaml has them: every leaf is a text.
func (f *flags) settings() connector.Settings {
	check := func(want string) map[string]any {
		return map[string]any{"get": "/api/flags/${flag}", "pointer": "/enabled", "equals": want}
	}
	return connector.Settings{
		"url": f.URL, "timeout": "2s", "headers": map[string]any{"Authorization": "Bearer s3cr3t-t0ken"},
		"calls": map[string]any{
			"off": map[string]any{"request": "PUT /api/flags/${flag}", "body": `{"enabled": false, "by": "quell"}`, "repeat": "idempotent", "check": check("false"), "undo": "on"},
			"on":  map[string]any{"request": "PUT /api/flags/${flag}", "body": `{"enabled": true}`, "repeat": "idempotent", "check": check("true")},
			"set": map[string]any{"request": "POST /api/flags/${flag}?note=${note}", "body": `{"enabled": ${to}, "note": "by ${note}"}`, "headers": map[string]any{"X-Note": "n ${note}"},
				"repeat": "key-header", "about": "Switches a flag"},
			"hook":         map[string]any{"request": "POST /api/flags/hook", "body": `{"enabled": true}`},
			"remove":       map[string]any{"request": "DELETE /api/flags/${flag}", "check": map[string]any{"get": "/api/flags/${flag}", "status": "404"}, "risk": "R4"},
			"form":         map[string]any{"request": "POST /api/flags/form", "body": "a=${a}&b=1", "headers": map[string]any{"Content-Type": "application/x-www-form-urlencoded"}},
			"checked-hook": map[string]any{"request": "POST /api/flags/hook", "body": `{"enabled": true}`, "check": map[string]any{"get": "/api/flags/hook", "status": "200", "contains": `"enabled":true`}},
		},
	}
}

func changer(t *testing.T, s connector.Settings) action.Changer {
	t.Helper()
	target, err := http.Kind().Open(s, connector.Tools{Redact: secret.NewRedactor(secret.New("s3cr3t-t0ken"))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target.(action.Changer)
}

func callDoer(t *testing.T, s connector.Settings) action.Doer {
	t.Helper()
	d, ok := changer(t, s).Doer("http.call")
	require.True(t, ok)
	return d
}

func actionSpec(t *testing.T, name string) action.Spec {
	t.Helper()
	for _, s := range http.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatal("no action " + name)
	return action.Spec{}
}

func call(t *testing.T, name string, values ...any) action.Change {
	t.Helper()
	args, err := actionSpec(t, "http.call").Complete(map[string]any{"call": name, "values": values})
	require.NoError(t, err)
	return action.Change{Type: "http.call", Args: args}
}

func orderOf(t *testing.T, d action.Doer, c action.Change) action.Order {
	t.Helper()
	p, err := d.Preview(t.Context(), c)
	require.NoError(t, err)
	return action.Order{Change: c, Preview: p, Key: "INC-1.1.1-a", By: "tester", Intended: time.Now()}
}

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

func TestCall(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]map[string]any{
		"a flag is switched off":      {"call": "off", "values": []any{"flag=checkout"}, "for": "10m"},
		"a value with a slash is one": {"call": "off", "values": []any{"flag=a/b"}},
		"a webhook that is checked":   {"call": "checked-hook"},
		"something is taken away":     {"call": "remove", "values": []any{"flag=checkout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlags(t)
			spec := actionSpec(t, "http.call")
			if args["call"] != "off" {
				spec.Undo = "" // these declare none
			}
			actiontest.Run(t, actiontest.Case{
				Spec:    spec,
				Open:    func(t *testing.T) action.Changer { return changer(t, f.settings()) },
				Args:    args,
				World:   func(*testing.T) string { return f.world() },
				Effects: func(*testing.T) int { n, _ := f.count(); return n },
				Gone: func(t *testing.T) action.Changer {
					s := f.settings()
					s["url"] = nobody(t)
					return changer(t, s)
				},
			})
		})
	}
}

func TestWhatIsNotDeclaredIsNotSent(t *testing.T) {
	t.Parallel()
	f := newFlags(t)
	d := callDoer(t, f.settings())
	bare := callDoer(t, connector.Settings{"url": f.URL})
	for name, c := range map[string]struct {
		doer   action.Doer
		change action.Change
		says   string
	}{
		"a target without calls":      {bare, call(t, "off", "flag=x"), "declare it under calls"},
		"no such call":                {d, call(t, "DELETE /"), "declared are"},
		"a hole that is not there":    {d, call(t, "hook", "flag=x"), "no hole"},
		"a hole without a value":      {d, call(t, "off"), "has no value"},
		"a value that climbs":         {d, call(t, "off", "flag=.."), "leads elsewhere"},
		"a value with a line break":   {d, call(t, "off", "flag=a\r\nHost: evil"), "control character"},
		"a stopgap that nothing ends": {d, action.Change{Type: "http.call", Args: action.Args{"call": "hook", "values": []any{}, "for": "5m"}}, "no undo"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.doer.Preview(t.Context(), c.change)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
			require.ErrorContains(t, err, c.says)
			_, err = c.doer.Apply(t.Context(), action.Order{Change: c.change, Key: "INC-1.1.1-a"})
			require.ErrorAs(t, err, &refusal)
		})
	}
	_, posts := f.count()
	require.Zero(t, posts)
}

func TestValuesNeverBecomeSyntax(t *testing.T) {
	t.Parallel()
	f := newFlags(t)
	d := callDoer(t, f.settings())
	hostile := `x", "enabled": "stolen&to=1#?/é\`
	_, err := d.Apply(t.Context(), orderOf(t, d, call(t, "set", "flag="+hostile, "note="+hostile, "to=0.5")))
	require.NoError(t, err)
	last, body := f.seen()
	require.Equal(t, hostile, last.URL.Query().Get("note"))
	require.Equal(t, 1, strings.Count(last.URL.RawQuery, "="))
	require.Equal(t, "/api/flags/"+hostile, last.URL.Path)
	require.Equal(t, "n "+hostile, last.Header.Get("X-Note"))
	var sent map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &sent))
	require.Equal(t, map[string]any{"enabled": 0.5, "note": "by " + hostile}, sent)
	require.Equal(t, "quell", last.Header.Get("User-Agent"))
	require.Equal(t, "application/json", last.Header.Get("Content-Type"))

	_, err = d.Apply(t.Context(), orderOf(t, d, call(t, "set", "flag=f", "note=n", `to=1, "x": 2`)))
	require.NoError(t, err)
	_, body = f.seen()
	require.JSONEq(t, `{"enabled": "1, \"x\": 2", "note": "by n"}`, body)

	_, err = d.Apply(t.Context(), orderOf(t, d, call(t, "form", "a=1&b=2")))
	require.NoError(t, err)
	_, body = f.seen()
	require.Equal(t, "a=1%26b%3D2&b=1", body)
}

// Each row is a server's behaviour and what may be said afterwards.
func TestWhatIsKnownOfACallThatWentWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call    action.Change
		arrange func(f *flags)
		made    bool
		state   action.State // of the failure; empty with made false: unknown
		effects int
		posts   int
	}{
		"once, answer lost: unknown, and never sent again": {call(t, "hook"), func(f *flags) { f.lose = 1 }, false, "", 1, 1},
		"once, an error of the server: unknown":            {call(t, "hook"), func(f *flags) { f.fail = []int{500} }, false, "", 0, 1},
		"once, refused: not made":                          {call(t, "hook"), func(f *flags) { f.fail = []int{422} }, false, action.NotMade, 0, 1},
		"once, too many requests: not made":                {call(t, "hook"), func(f *flags) { f.fail = []int{429} }, false, action.NotMade, 0, 1},
		"once, sent elsewhere: not made, not followed":     {call(t, "hook"), func(f *flags) { f.fail = []int{307} }, false, action.NotMade, 0, 1},
		"a key, answer lost twice: made once":              {call(t, "set", "flag=f", "note=n", "to=1"), func(f *flags) { f.lose = 2 }, true, "", 1, 3},
		"a key, under way already: asked again":            {call(t, "set", "flag=f", "note=n", "to=1"), func(f *flags) { f.fail = []int{409} }, true, "", 1, 2},
		"idempotent, errors that pass: made":               {call(t, "off", "flag=checkout"), func(f *flags) { f.fail = []int{502, 429} }, true, "", 1, 3},
		"idempotent, lost and then refused: unknown":       {call(t, "off", "flag=checkout"), func(f *flags) { f.fail = []int{500, 403} }, false, "", 0, 2},
		"idempotent, refused: not made":                    {call(t, "off", "flag=checkout"), func(f *flags) { f.fail = []int{403} }, false, action.NotMade, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlags(t)
			d := callDoer(t, f.settings())
			o := orderOf(t, d, c.call)
			f.mu.Lock()
			c.arrange(f)
			f.mu.Unlock()
			_, err := d.Apply(t.Context(), o)
			effects, posts := f.count()
			require.Equal(t, c.effects, effects)
			require.Equal(t, c.posts, posts)
			if c.made {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cr3t")
			var failure *action.Failure
			if c.state == "" {
				require.NotErrorAs(t, err, &failure, "nobody knows whether it happened")
				return
			}
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.state, failure.State)
		})
	}
}

func TestAKeyIsTheOrders(t *testing.T) {
	t.Parallel()
	f := newFlags(t)
	d := callDoer(t, f.settings())
	_, err := d.Apply(t.Context(), orderOf(t, d, call(t, "set", "flag=f", "note=n", "to=1")))
	require.NoError(t, err)
	last, _ := f.seen()
	require.Equal(t, "INC-1.1.1-a", last.Header.Get("Idempotency-Key"))
	require.Equal(t, "Bearer s3cr3t-t0ken", last.Header.Get("Authorization"))
}

func TestWithoutACheckNobodyCanTell(t *testing.T) {
	t.Parallel()
	f := newFlags(t)
	d := callDoer(t, f.settings())
	o := orderOf(t, d, call(t, "hook"))
	require.NotEmpty(t, o.Preview.Warnings)
	s, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.CannotTell, s.State)
	s2 := f.settings()
	s2["url"] = nobody(t)
	_, err = callDoer(t, s2).Preview(t.Context(), o.Change)
	var unavailable *action.Unavailable
	require.ErrorAs(t, err, &unavailable, "there is nobody, which a preview finds out without a check too")
}

func TestAPlanIsStaleWhenTheWorldOrTheDeclarationChanged(t *testing.T) {
	t.Parallel()
	f := newFlags(t)
	d := callDoer(t, f.settings())
	o := orderOf(t, d, call(t, "off", "flag=checkout"))
	s := f.settings()
	s["calls"].(map[string]any)["off"].(map[string]any)["body"] = `{"enabled": false, "all": true}`
	_, err := callDoer(t, s).Apply(t.Context(), o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.Equal(t, action.R4, orderOf(t, d, call(t, "remove", "flag=checkout")).Preview.Risk)
	effects, _ := f.count()
	require.Zero(t, effects)
}

func TestChecksOfCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check map[string]any
		want  action.State
	}{
		"a value is there":            {map[string]any{"get": "/api/flags/checkout", "pointer": "/name", "equals": "checkout"}, action.Made},
		"in a list, with a slash":     {map[string]any{"get": "/api/flags/checkout", "pointer": "/deep/0/a~1b", "equals": "5"}, action.Made},
		"a value is another":          {map[string]any{"get": "/api/flags/checkout", "pointer": "/enabled", "equals": "false"}, action.NotMade},
		"no such value":               {map[string]any{"get": "/api/flags/checkout", "pointer": "/deep/9", "equals": "x"}, action.NotMade},
		"it is there at all":          {map[string]any{"get": "/api/flags/checkout", "pointer": "/enabled"}, action.Made},
		"it must be gone, and is not": {map[string]any{"get": "/api/flags/checkout", "status": "404"}, action.NotMade},
		"it must be gone, and is":     {map[string]any{"get": "/api/flags/none", "status": "404"}, action.Made},
		"nothing to be read from":     {map[string]any{"get": "/api/flags/none", "pointer": "/enabled", "equals": "true"}, action.CannotTell},
		"a text is there":             {map[string]any{"get": "/api/flags/checkout", "contains": "deep"}, action.Made},
		"a text is not there":         {map[string]any{"get": "/api/flags/checkout", "contains": "deeper"}, action.NotMade},
		"a value is there, no text":   {map[string]any{"get": "/api/flags/checkout", "pointer": "/enabled", "contains": "deeper"}, action.NotMade},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlags(t)
			d := callDoer(t, connector.Settings{"url": f.URL, "calls": map[string]any{"x": map[string]any{"request": "POST /x", "check": c.check}}})
			s, err := d.Standing(t.Context(), action.Order{Change: call(t, "x"), Key: "INC-1.1.1-a"})
			require.NoError(t, err)
			require.Equal(t, c.want, s.State, s.Text)
		})
	}
}

func TestDeclarationsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call map[string]any
		says string
	}{
		"no request":                  {map[string]any{}, "request is missing"},
		"no method":                   {map[string]any{"request": "/flags"}, "no method"},
		"a method that is a value":    {map[string]any{"request": "${m} /flags"}, "request is missing"},
		"a method that tunnels":       {map[string]any{"request": "CONNECT /"}, "no method"},
		"another host":                {map[string]any{"request": "PUT //evil.test/x"}, "cannot be read"},
		"a path that climbs":          {map[string]any{"request": "PUT /a/../b"}, "leads elsewhere"},
		"a path without a slash":      {map[string]any{"request": "PUT flags"}, "no path"},
		"a body that is no JSON":      {map[string]any{"request": "PUT /x", "body": `{"a": ${b}`}, "no JSON"},
		"holes in a body of any kind": {map[string]any{"request": "PUT /x", "body": "a ${b}"}, "holes"},
		"a header of ours":            {map[string]any{"request": "PUT /x", "headers": map[string]any{"Host": "x"}}, "may not be set"},
		"an unknown way to repeat":    {map[string]any{"request": "PUT /x", "repeat": "always"}, "repeat is"},
		"a check without a sign":      {map[string]any{"request": "PUT /x", "check": map[string]any{"get": "/x"}}, "what shows it"},
		"a check without a path":      {map[string]any{"request": "PUT /x", "check": map[string]any{"status": "404"}}, "path to read"},
		"a check with a strange hole": {map[string]any{"request": "PUT /x", "check": map[string]any{"get": "/x/${y}", "status": "404"}}, "none of the call's"},
		"an undo that is not there":   {map[string]any{"request": "PUT /x", "undo": "y"}, "not declared"},
		"a risk that is lowered":      {map[string]any{"request": "PUT /x", "risk": "R1"}, "only be raised"},
		"an unknown key":              {map[string]any{"request": "PUT /x", "bodi": "x"}, "bodi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := http.Kind().Open(connector.Settings{"url": "http://127.0.0.1:1", "calls": map[string]any{"x": c.call}}, connector.Tools{})
			require.ErrorContains(t, err, c.says)
		})
	}
}

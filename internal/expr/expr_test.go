package expr_test

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/expr"
)

func env(t testing.TB) *expr.Env {
	t.Helper()
	e, err := expr.NewEnv(map[string]expr.Type{
		"sessions": expr.Rows, "slow": expr.Rows, "waiting": expr.Rows, "errors": expr.Any,
		"locks": expr.Object, "idle_after": expr.Duration, "limit": expr.Number, "who": expr.Text,
	})
	require.NoError(t, err)
	return e
}

func series(values ...float64) []any {
	points := []any{}
	for i, v := range values {
		points = append(points, []any{float64(1000 + 15*i), v})
	}
	return []any{map[string]any{"labels": map[string]any{}, "points": points}}
}

func vars() expr.Vars {
	return expr.Vars{
		"now": 2000.0,
		"sessions": []any{
			map[string]any{"state": "idle in transaction", "idle_s": 400.0, "pid": int64(7)},
			map[string]any{"state": nil, "idle_s": nil, "pid": int64(8)},
		},
		"slow":       &expr.Unknown{Status: "denied", Reason: "permission denied"},
		"waiting":    series(0, 0, 3, 4, 9),
		"locks":      map[string]any{"roots": int64(2)},
		"idle_after": 5 * time.Minute,
		"limit":      100.0,
		"who":        "app",
		"errors":     []any{},
	}
}

func TestSigns(t *testing.T) {
	for source, want := range map[string]expr.Truth{
		`sessions.exists(s, s.state == "idle in transaction" && s.idle_s > seconds(idle_after))`: expr.True,
		`sessions.size() < 5`:                           expr.True,
		`slow.size() > 3`:                               expr.Undecided,
		`slow.size() > 3 || sessions.size() == 2`:       expr.True,  // the answer does not depend on it
		`slow.size() > 3 && sessions.size() == 3`:       expr.False, // nor does this one
		`!(slow.size() > 3)`:                            expr.Undecided,
		`sessions.exists(s, s.idle_s > 500)`:            expr.Undecided, // one row has nothing to compare
		`sessions.exists(s, s.idle_s > 300)`:            expr.True,
		`sessions.all(s, s.idle_s > 500)`:               expr.False,
		`last(waiting) > 0`:                             expr.True,
		`last(waiting) > 3 * median(waiting)`:           expr.False,
		`last(waiting) >= 2.5 * 3`:                      expr.True,
		`at(waiting, -30s) == 3`:                        expr.True,
		`at(waiting, -1h) == 3`:                         expr.Undecided,
		`locks.roots / 4 == 0.5`:                        expr.True, // never cut off
		`locks.roots / 0 > 1`:                           expr.Undecided,
		`locks.nothing > 1`:                             expr.Undecided,
		`has(locks.nothing)`:                            expr.False,
		`sessions[5].pid == 1`:                          expr.Undecided,
		`known(slow)`:                                   expr.False,
		`known(waiting) && failure(slow) == "denied"`:   expr.True,
		`failure(waiting) == ""`:                        expr.True,
		`default(last(errors), 0.0) == 0.0`:             expr.True,
		`last(errors) > 0`:                              expr.Undecided,
		`given(last(waiting) > 0, max(waiting) < 4.0)`:  expr.False,
		`given(last(waiting) > 0, max(waiting) > 4.0)`:  expr.True,
		`given(last(waiting) < 0, max(waiting) > 4.0)`:  expr.Undecided,
		`given(last(errors) > 0, max(waiting) > 4.0)`:   expr.Undecided,
		`given(last(waiting) > 0, last(errors) > 0)`:    expr.Undecided,
		`sum(errors) == 0.0`:                            expr.True,
		`idle_after == 300s && idle_after > 1m30s`:      expr.True,
		`who == "5m" || who.startsWith("a")`:            expr.True,
		`bytes("1.5KiB") == 1536.0`:                     expr.True,
		`max(recent(waiting, 20s)) == 9.0`:              expr.True,
		`max(earlier(waiting, 30s)) < 4.0`:              expr.True,
		`min(sessions.map(s, s.pid)) == 7`:              expr.True,
		`max(2, 3.5) == 3.5`:                            expr.True,
		`count(waiting) == 5.0 && count(errors) == 0.0`: expr.True,
		`now - 500 == 1500.0`:                           expr.True,
		`"a" + "b" == "ab" && -limit < 0`:               expr.True,
		`rate(waiting) == 0.15`:                         expr.True,
		`unix("1970-01-01T00:00:10Z") == 10.0`:          expr.True,
		`onset(waiting) > 0`:                            expr.Undecided,
	} {
		t.Run(source, func(t *testing.T) {
			p, err := env(t).CompileSign(source)
			require.NoError(t, err)
			got, why := p.Test(vars())
			require.Equal(t, want, got, why)
			require.Equal(t, got == expr.Undecided, why != "", "an unknown says why, and only an unknown")
		})
	}
}

func TestMistakesSayWhereAndWhat(t *testing.T) {
	for source, want := range map[string]expr.Error{
		`last(waitin) > 0`:              {Offset: 5, Name: "waitin", Reason: `nothing is called "waitin" here`},
		`idle_after > 5m && nix > 1`:    {Offset: 19, Name: "nix", Reason: `nothing is called "nix" here`},
		`sessions > 3`:                  {Offset: 9, Reason: `> does not work on (rows, number)`},
		`last(waiting)`:                 {Offset: 0, Reason: `a sign is true or false, but this is a number: compare it with something`},
		`"a" * 3 == 3`:                  {Offset: 4, Reason: `* does not work on (text, number)`},
		`who == 3`:                      {Offset: 4, Reason: `== does not work on (text, number)`},
		``:                              {Offset: 0, Reason: `an empty expression`},
		`lats(waiting) > 1`:             {Offset: 4, Name: "lats", Reason: `there is no function "lats" (quell explain --functions lists them)`},
		`sessions.exists(s, s.x > nix)`: {Offset: 25, Name: "nix", Reason: `nothing is called "nix" here`},
	} {
		t.Run(source, func(t *testing.T) {
			_, err := env(t).CompileSign(source)
			var got *expr.Error
			require.ErrorAs(t, err, &got)
			require.Equal(t, want.Reason, got.Reason)
			require.Equal(t, want.Offset, got.Offset)
		})
	}
}

func TestCostIsLimited(t *testing.T) {
	rows := make([]any, 2500)
	for i := range rows {
		rows[i] = map[string]any{"n": int64(i)}
	}
	p, err := env(t).CompileSign(`sessions.all(a, sessions.all(b, a.n + b.n >= 0))`)
	require.NoError(t, err)
	v := vars()
	v["sessions"] = rows
	truth, why := p.Test(v)
	require.Equal(t, expr.Undecided, truth)
	require.Contains(t, why, "cost")
}

func TestTemplates(t *testing.T) {
	for source, want := range map[string]string{
		`idle for over ${idle_after}`:                          "idle for over 5m",
		`${last(waiting)} requests wait`:                       "9 requests wait",
		`${slow.size()} slow`:                                  "(unknown) slow",
		`$${kept} ${"}" + who}`:                                "${kept} }app",
		`${sessions.map(s, s.pid)}`:                            "7, 8",
		`${asBytes(1536.0)}, ${asTime(205)}, ${asPercent(.2)}`: "1.5 KiB, 3m25s, 20 %",
		`${1.0 / 3}`:                                           "0.333",
	} {
		tpl, err := env(t).CompileTemplate(source)
		require.NoError(t, err, source)
		require.Equal(t, want, tpl.Text(vars()))
	}
	_, err := env(t).CompileTemplate(`a ${nix}`)
	var at *expr.Error
	require.True(t, errors.As(err, &at))
	require.Equal(t, 4, at.Offset)
}

func TestReadsAndAccesses(t *testing.T) {
	p, err := env(t).Compile(`locks.roots > 5 && sessions.exists(slow, slow.x == now)`)
	require.NoError(t, err)
	require.Equal(t, []string{"locks", "sessions"}, p.Reads(), "an iteration variable hides a probe of the same name")
	require.Equal(t, []expr.Access{
		{Name: "locks", Field: "roots", Offset: 5}, {Name: "sessions", Field: "x", Row: true, Offset: 45},
	}, p.Accesses())
}

func TestAccessesKnowWhoseRowsAVariableIs(t *testing.T) {
	for source, want := range map[string][]expr.Access{
		`sessions[0].a == 1`: {{Name: "sessions", Field: "a", Row: true, Offset: 11}},
		`sessions.filter(s, s.a > 50).exists(x, x.b)`: {
			{Name: "sessions", Field: "a", Row: true, Offset: 20}, {Name: "sessions", Field: "b", Row: true, Offset: 40},
		},
		`sessions.map(s, s.a).exists(x, x.b)`: {{Name: "sessions", Field: "a", Row: true, Offset: 17}},
		`sessions.exists(s, true) && s.b`:     nil,
		"1 > 0 &&\n  locks.roots > 5":         {{Name: "locks", Field: "roots", Offset: 16}},
	} {
		p, err := env(t).Compile(source)
		if want == nil {
			require.Error(t, err, source)
			continue
		}
		require.NoError(t, err, source)
		require.Equal(t, want, p.Accesses(), source)
	}
	p, err := env(t).Compile(`sessions.exists(slow, slow.x) && slow.exists(s, s.y)`)
	require.NoError(t, err)
	require.Equal(t, []string{"sessions", "slow"}, p.Reads(), "outside of its loop a variable hides nothing")
}

func TestOnsetSeesStepsAndNotNoise(t *testing.T) {
	p, err := env(t).Compile(`onset(waiting)`)
	require.NoError(t, err)
	random := rand.New(rand.NewSource(1))
	falsely := 0
	for range 300 {
		values := make([]float64, 100)
		for i := range values {
			values[i] = 100 + 20*random.NormFloat64()
		}
		if _, unknown := p.Eval(expr.Vars{"waiting": series(values...)}); unknown == nil {
			falsely++
		}
		for i := 60; i < 100; i++ {
			values[i] += 100
		}
		at, unknown := p.Eval(expr.Vars{"waiting": series(values...)})
		require.Nil(t, unknown)
		require.InDelta(t, 1000+15*60, at, 45)
	}
	require.LessOrEqual(t, falsely, 6)
}

func TestFunctionsAreDocumented(t *testing.T) {
	for _, f := range expr.Functions() {
		require.NotEmpty(t, f.Gives, f.Call)
		require.NotEmpty(t, f.Example, f.Call)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`last(waiting) > 5m`, `"${`, `1h30`, `a.b["c"]`, `'''x`} {
		f.Add(s)
	}
	e := env(f)
	f.Fuzz(func(t *testing.T, source string) {
		if p, err := e.Compile(source); err == nil {
			p.Eval(vars())
		}
		if tpl, err := e.CompileTemplate(source); err == nil {
			tpl.Text(vars())
		}
	})
}

func TestFunctionsAreAlsoMethods(t *testing.T) {
	for source, want := range map[string]expr.Truth{
		`waiting.last() > 0`:                    expr.True,
		`waiting.at(-30s) == 3`:                 expr.True,
		`waiting.at("-30s") == 3`:               expr.True,
		`waiting.recent(20s).max() == 9`:        expr.True,
		`recent(waiting, "20s").max() == 9`:     expr.True,
		`waiting.recent("soon").max() > 1`:      expr.Undecided,
		`errors.last().default(0.0) == 0`:       expr.True,
		`slow.failure() == "denied"`:            expr.True,
		`slow.known()`:                          expr.False,
		`waiting.exists(s, s.last() > 0)`:       expr.True,
		`sessions.map(s, s.pid).max() == 8`:     expr.True,
		`who.lower() == "app"`:                  expr.True,
		`seconds("5m") == 300`:                  expr.True,
		`idle_after * 2 == 10m`:                 expr.True,
		`0.5 * idle_after == 150s`:              expr.True,
		`idle_after / 2 == 150s`:                expr.True,
		`idle_after / 1m == 5`:                  expr.True,
		`idle_after / 0 > 1m`:                   expr.Undecided,
		`idle_after * 1000000000000 > 1m`:       expr.Undecided,
		`lower(sessions[0].pid) == "a"`:         expr.Undecided,
		`seconds(locks.roots) > 1`:              expr.Undecided,
		`locks.roots + 9223372036854775807 > 0`: expr.Undecided,
	} {
		t.Run(source, func(t *testing.T) {
			p, err := env(t).CompileSign(source)
			require.NoError(t, err)
			got, why := p.Test(vars())
			require.Equal(t, want, got, why)
			require.NotContains(t, why, "number"+"er", "no word is translated inside of another")
			require.NotContains(t, why, "panic")
			require.NotContains(t, why, "interface conversion")
		})
	}
}

func TestEvidenceHoldsNoDurations(t *testing.T) {
	for _, source := range []string{
		`sessions.exists(s, s.idle_s > idle_after)`, `sessions[0].idle_s >= 5m`, `5m < locks.age_s`, `locks.age_s == 5m`,
	} {
		_, err := env(t).CompileSign(source)
		require.ErrorContains(t, err, "write seconds(5m)", source)
	}
	_, err := env(t).CompileSign(`default(idle_after, 5m) > 1m`)
	require.NoError(t, err)
}

// Ten minutes into an incident its own level is what was there "before": a
// verification looks at the time before the diagnosis.
func TestAnIncidentDoesNotBecomeTheUsualState(t *testing.T) {
	stream := func(name string, values ...float64) map[string]any {
		var points []any
		for i, v := range values {
			points = append(points, []any{float64(10 * i), v})
		}
		return map[string]any{"labels": map[string]any{"path": name}, "points": points}
	}
	env, err := expr.NewEnv(map[string]expr.Type{"p95": expr.Rows, "paths": expr.Rows})
	require.NoError(t, err)
	one := []any{stream("", 1, 1, 1, 9, 9, 9, 9, 9, 9, 9)} // seen at 40, and now is 90
	many := []any{stream("/a", 1, 1, 1, 9, 9, 9, 9, 9, 9, 9), stream("/b", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)}
	for source, then := range map[string]expr.Truth{
		`mean(recent(p95, 20s)) > 3 * median(earlier(p95, 20s))`:                          expr.True,
		`paths.exists(p, mean(recent(p, 20s)) > 3 * median(earlier(p, 20s)))`:             expr.True,
		`paths.exists(p, p.labels.path == "/b" && max(earlier(p, 20s)) > 1)`:              expr.False,
		`median(p95.earlier(20s)) == 1 && last(p95) == 9.0 && count(recent(p95, 1m)) > 5`: expr.True,
	} {
		program, err := env.CompileSign(source)
		require.NoError(t, err)
		got, why := program.Test(expr.Vars{"now": 90.0, "p95": expr.Usual(one, 40), "paths": expr.Usual(many, 40)})
		require.Equal(t, then, got, "%s: %s", source, why)
	}
	drifted, err := env.CompileSign(`mean(recent(p95, 20s)) > 3 * median(earlier(p95, 20s))`)
	require.NoError(t, err)
	got, _ := drifted.Test(expr.Vars{"now": 90.0, "p95": one})
	require.Equal(t, expr.False, got, "this is what it is for")
	require.Equal(t, 3.0, expr.Usual(3.0, 40), "what is no series stays as it is")
	require.Equal(t, []any{}, expr.Usual([]any{}, 40))
}

// A series that has ended says nothing of now: a service that is down counts no
// requests, and none of them fails.
func TestWhatEndedLongAgoIsNotRecent(t *testing.T) {
	stream := func(values ...float64) []any {
		var points []any
		for i, v := range values {
			points = append(points, []any{float64(10 * i), v})
		}
		return []any{map[string]any{"labels": map[string]any{}, "points": points}}
	}
	env, err := expr.NewEnv(map[string]expr.Type{"rps": expr.Rows})
	require.NoError(t, err)
	for source, truths := range map[string]map[float64]expr.Truth{
		`mean(recent(rps, 25s)) == 5`:                          {50: expr.True, 70: expr.True, 71: expr.True, 76: expr.Undecided, 300: expr.Undecided},
		`rps.exists(r, mean(recent(r, 25s)) == 5)`:             {50: expr.True, 300: expr.Undecided},
		`count(recent(rps, 40s)) == 1.0`:                       {50: expr.False, 80: expr.True},
		`count(earlier(rps, 25s)) == 6.0`:                      {50: expr.False, 300: expr.True},
		`last(rps) == 5 && count(rps) == 6.0 && max(rps) == 5`: {300: expr.True},
	} {
		program, err := env.CompileSign(source)
		require.NoError(t, err)
		for now, want := range truths {
			got, why := program.Test(expr.Vars{"now": now, "rps": expr.Asked(stream(1, 1, 1, 5, 5, 5), now)})
			require.Equal(t, want, got, "%s at %v: %s", source, now, why)
		}
	}
	one, err := env.CompileSign(`mean(recent(rps, 25s)) == 7`)
	require.NoError(t, err)
	for now, want := range map[float64]expr.Truth{20: expr.True, 60: expr.Undecided} {
		got, _ := one.Test(expr.Vars{"now": now, "rps": expr.Asked(stream(7), now)})
		require.Equal(t, want, got, "one sample has no step")
	}
}

// Who asks late still learns what was usual: the time before the step, unless
// that is a mere beginning, as of a service that has just started.
func TestWhatIsUsualEndsWhereALongIncidentBegan(t *testing.T) {
	levels := func(lengths ...int) []any {
		var points []any
		for level, n := range lengths {
			for range n {
				i := len(points)
				points = append(points, []any{float64(10 * i), float64(1+8*(level%2)) + 0.01*float64(i%3)})
			}
		}
		return []any{map[string]any{"labels": map[string]any{}, "points": points}}
	}
	env, err := expr.NewEnv(map[string]expr.Type{"p95": expr.Rows})
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		series []any
		usual  int
	}{
		{"asked at once", levels(20, 2), 1},
		{"asked late", levels(10, 30), 1},
		{"began a moment ago", levels(4, 30), 9},
		{"a sixth of what is seen", levels(10, 60), 9},
		{"back to the usual", levels(20, 12, 20), 1},
		{"a second one after a first", levels(20, 12, 20, 30), 1},
	} {
		program, err := env.CompileSign(fmt.Sprintf(`median(earlier(p95, 30s)) > %d - 0.1 && median(earlier(p95, 30s)) < %[1]d.1`, c.usual))
		require.NoError(t, err)
		got, why := program.Test(expr.Vars{"now": 90.0, "p95": c.series})
		require.Equal(t, expr.True, got, "%s: %s", c.name, why)
	}
}

// Who asks a minute after it began learns of that minute, and not of five of
// which four were in order.
func TestWhatIsRecentBeginsWithTheIncident(t *testing.T) {
	env, err := expr.NewEnv(map[string]expr.Type{"p95": expr.Rows})
	require.NoError(t, err)
	level := func(lengths ...int) []any {
		var points []any
		for i, n := range lengths {
			for range n {
				points = append(points, []any{float64(10 * len(points)), float64(1+8*(i%2)) + 0.01*float64(len(points)%3)})
			}
		}
		return []any{map[string]any{"labels": map[string]any{}, "points": points}}
	}
	for name, c := range map[string]struct {
		series []any
		want   string
	}{
		"a step within the time":         {level(30, 5), `min(recent(p95, 5m)) > 8.9 && count(recent(p95, 5m)) == 5.0`},
		"two samples are no level":       {level(30, 2), `min(recent(p95, 5m)) < 2`},
		"a step before the time":         {level(10, 30), `count(recent(p95, 2m)) == 12.0`},
		"no step":                        {level(40), `count(recent(p95, 2m)) == 12.0`},
		"one that is over within it":     {level(30, 10, 10), `max(recent(p95, 5m)) < 2`},
		"what was before is not touched": {level(30, 5), `max(earlier(p95, 2m)) < 2`},
		"younger than the time, a step":  {level(20, 5), `max(earlier(p95, 5m)) < 2 && count(earlier(p95, 5m)) == 20.0`},
		"younger than the time, none":    {level(25), `default(median(earlier(p95, 5m)), -1.0) == -1.0`},
		"it has only just begun":         {level(4, 20), `default(median(earlier(p95, 5m)), -1.0) == -1.0`},
		"asked again after it":           {expr.Usual(level(20, 5, 8), 245).([]any), `max(earlier(p95, 10m)) < 2`},
	} {
		program, err := env.CompileSign(c.want)
		require.NoError(t, err)
		last := c.series[0].(map[string]any)["points"].([]any)
		now := last[len(last)-1].([]any)[0].(float64)
		got, why := program.Test(expr.Vars{"now": now, "p95": expr.Asked(c.series, now)})
		require.Equal(t, expr.True, got, "%s: %s", name, why)
	}
}

// A sentence has the first line of an error, and not its stack; an argument has
// all of it.
func TestSentencesAreShort(t *testing.T) {
	for said, want := range map[string]string{
		"Error: no\n  at a\n  at b": "it says Error: no …, at last",
		"/srv/a.js:3\n  x.trim()\n    ^\n\nTypeError: x is undefined\n    at b\n\nNode.js v20": "it says /srv/a.js:3 … TypeError: x is undefined …, at last",
		strings.Repeat("é", 400): "it says " + strings.Repeat("é", 300) + " …, at last",
		"short":                  "it says short, at last",
		`{"level":"error","msg":"call failed","error":"dial tcp: refused","n":1}`:            "it says call failed: dial tcp: refused, at last",
		`{"message":"call failed: refused","err":{"type":"E","message":"refused"}}`:          "it says call failed: refused, at last",
		`{"event":"job failed","exc_info":"Traceback (most recent call last):\n  a\nE: no"}`: "it says job failed: E: no, at last",
		`{"level":"error","code":7}`: `it says {"level":"error","code":7}, at last`,
		`{"msg":"cut`:                `it says {"msg":"cut, at last`,
		"asked\nTraceback (most recent call last):\n  File a\nKeyError: 'x'\n": "it says asked … KeyError: 'x', at last",
		"Traceback (most recent call last):\n  File a\n    b()\nKeyError: 'x'": "it says KeyError: 'x', at last",
		"asked\nTraceback (most recent call last):\n":                          "it says asked, at last",
	} {
		tpl, err := env(t).CompileTemplate("it says ${who}, at last")
		require.NoError(t, err)
		v := vars()
		v["who"] = said
		require.Equal(t, want, tpl.Sentence(v))
		require.Equal(t, "it says "+said+", at last", tpl.Text(v))
	}
}

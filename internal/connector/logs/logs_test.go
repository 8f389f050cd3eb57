package logs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) string { return noon.Add(-d).Format(time.RFC3339Nano) }

func write(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	require.NoError(t, os.Chtimes(path, noon, noon))
}

// shop writes an hour of a shop's log: a line a second, and a database error
// every second from ten minutes ago on.
func shop(t testing.TB, dir string) {
	t.Helper()
	var b strings.Builder
	for i := 3600; i > 0; i-- {
		at := time.Duration(i) * time.Second
		fmt.Fprintf(&b, `{"timestamp":%q,"level":"INFO","service":"shop","message":"GET /orders/%d took %dms","duration_ms":%d}`+"\n", ago(at), i, i%90, i%90)
		if at <= 10*time.Minute {
			fmt.Fprintf(&b, `{"timestamp":%q,"level":"ERROR","service":"shop","message":"pool timeout after %ds, request %x","error_type":"PoolTimeout"}`+"\n", ago(at), i%30, 1<<40+i)
		}
		if i%600 == 0 {
			fmt.Fprintf(&b, `{"timestamp":%q,"level":"ERROR","service":"shop","message":"mail to user-%d failed: 'no route'","error_type":"MailError"}`+"\n", ago(at), i)
		}
	}
	write(t, filepath.Join(dir, "shop.log"), b.String())
}

func open(t testing.TB, settings connector.Settings, dir string) connector.Target {
	t.Helper()
	target, err := logs.Kind().Open(settings, connector.Tools{
		Dir: dir, Now: func() time.Time { return noon }, Redact: secret.NewRedactor(secret.New("hunter22"))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func fence(t testing.TB, text string, options map[string]string) probe.Question {
	t.Helper()
	template, err := probe.ParseTemplate(text)
	require.NoError(t, err)
	q := probe.Question{Lang: "logql", Options: options, Now: noon, Since: time.Hour, Service: probe.Service{Name: "shop"}}
	q.Text, err = template.WithValues(q.Service.Facts())
	require.NoError(t, err)
	return q
}

func builtin(name string, args map[string]any) probe.Question {
	return probe.Question{Lang: "probe", Builtin: name, Args: args, Now: noon, Since: time.Hour, Service: probe.Service{Name: "shop"}}
}

func list(t testing.TB, a evidence.Answer) []any {
	t.Helper()
	require.True(t, a.Known(), "%+v", a)
	return a.Value.([]any)
}

func TestFences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)

	lines := list(t, target.Ask(context.Background(), fence(t, `{service="${service}"} | json | error_type="MailError"`, map[string]string{"since": "30m", "limit": "2"})))
	require.Len(t, lines, 2)
	require.Equal(t, float64(noon.Add(-10*time.Minute).Unix()), lines[1].(map[string]any)["at"])

	// With since= a series over this time, the last point now.
	refusals := list(t, target.Ask(context.Background(), fence(t, `sum(count_over_time({service="${service}"} | json | level="error" [5m])) or vector(0)`, map[string]string{"since": "30m", "step": "5m"})))
	require.Len(t, refusals, 1)
	points := refusals[0].(map[string]any)["points"].([]any)
	require.Len(t, points, 7)
	require.Equal(t, []any{float64(noon.Unix()), 299.0}, points[6], "(t-5m, t] of one a second up to a second ago")
	require.Equal(t, 0.0, points[3].([]any)[1])

	// Without, one point.
	now := list(t, target.Ask(context.Background(), fence(t, `max_over_time({service="shop"} | json | unwrap duration_ms [1h])`, nil)))
	require.Equal(t, []any{[]any{float64(noon.Unix()), 89.0}}, now[0].(map[string]any)["points"])
}

func TestNoLinesIsNotNoErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	ask := func(q probe.Question) evidence.Answer { return target.Ask(context.Background(), q) }

	a := ask(fence(t, `{service="shop"} | json | level="critical"`, nil))
	require.Equal(t, evidence.Answered, a.Status, "lines were there, none matched")
	require.Empty(t, a.Value)
	require.Empty(t, a.Notes)

	other := fence(t, `sum(count_over_time({service="web"} | json [5m])) or vector(0)`, nil)
	other.Service.Name = "web"
	a = ask(other)
	require.Equal(t, evidence.NoData, a.Status, "zero is not claimed for a log that says nothing")
	require.Equal(t, "service is one of: shop; if these are the logs of web, set labels: {service: web} on the target", a.Hint)
	labelled := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC", "labels": map[string]any{"service": "web"}}, dir)
	require.Equal(t, evidence.Answered, labelled.Ask(context.Background(), other).Status)

	q := fence(t, `{service="shop"}`, nil)
	q.Now = noon.Add(3 * time.Hour)
	a = ask(q)
	require.Equal(t, evidence.NoData, a.Status)
	require.Contains(t, a.Reason, "the newest is 3h0m1s old")
}

func TestPlainTextAnswersTheSameQuestion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app.log"), "2026-03-01 11:59:00,000 ERROR app.db: connection refused\n2026-03-01 11:59:30,000 INFO app: ok\n")
	target := open(t, connector.Settings{"paths": []any{"app.log"}, "timezone": "UTC"}, dir)
	a := target.Ask(context.Background(), fence(t, `sum(count_over_time({service="${service}"} | json | level="error" [5m]))`, nil))
	require.Equal(t, []any{[]any{float64(noon.Unix()), 1.0}}, list(t, a)[0].(map[string]any)["points"])
	require.Contains(t, strings.Join(a.Notes, " "), "in another format")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	a := target.Ask(context.Background(), builtin("logs.errors", map[string]any{"window": 10 * time.Minute, "before": 50 * time.Minute, "query": "-", "limit": 50.0}))
	require.True(t, a.Known(), "%+v", a)
	v := a.Value.(map[string]any)
	require.EqualValues(t, 599, v["errors"])
	require.EqualValues(t, 6, v["before"], "one error of the pool and five of the mail stand before: the window is open at its start")
	require.InDelta(t, 0.5, v["share"], 0.01)
	require.InDelta(t, float64(noon.Add(-10*time.Minute).Unix()), v["onset"], 60)
	rows := v["templates"].([]any)
	require.Len(t, rows, 2)
	pool := rows[0].(map[string]any)
	require.Equal(t, "pool timeout after <*>, request <*>", pool["template"])
	require.Contains(t, pool, "onset")
	mail := rows[1].(map[string]any)
	require.Equal(t, "mail to <*> failed: 'no route'", mail["template"])
	require.Equal(t, []any{map[string]any{"distinct": int64(5), "exact": true, "top": mail["values"].([]any)[0].(map[string]any)["top"]}}, mail["values"])
	require.NotContains(t, mail, "onset", "an error that always was there has none")
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	a := target.Ask(context.Background(), builtin("logs.patterns", map[string]any{"window": 11 * time.Minute, "before": 49 * time.Minute, "query": "-", "limit": 50.0}))
	require.True(t, a.Known(), "%+v", a)
	v := a.Value.(map[string]any)
	require.EqualValues(t, 3, v["kinds"])
	require.EqualValues(t, 1, v["fresh"])
	first := v["templates"].([]any)[0].(map[string]any)
	require.Equal(t, "pool timeout after <*>, request <*>", first["template"])
	require.Equal(t, true, first["new"])
	require.Equal(t, "error", first["level"])
	require.Len(t, first["samples"], 3)
	a = target.Ask(context.Background(), builtin("logs.patterns", map[string]any{"query": `{service="shop"} | json | error_type="MailError"`}))
	require.EqualValues(t, 1, a.Value.(map[string]any)["kinds"])
	a = target.Ask(context.Background(), builtin("logs.patterns", map[string]any{"query": `rate({a="b"}[5m])`}))
	require.Equal(t, evidence.Invalid, a.Status)
}

func TestSpike(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	a := target.Ask(context.Background(), builtin("logs.spike", nil))
	require.True(t, a.Known(), "%+v", a)
	v := a.Value.(map[string]any)
	require.Equal(t, "rose", v["verdict"])
	require.Equal(t, "errors", v["subject"])
	require.InDelta(t, float64(noon.Add(-10*time.Minute).Unix()), v["onset"], 20)
	require.NotContains(t, v, "over")
	require.EqualValues(t, 4, v["errors_before"])
	fresh := v["new"].([]any)
	require.Len(t, fresh, 1)
	require.Equal(t, "pool timeout after <*>, request <*>", fresh[0].(map[string]any)["template"])
	require.Equal(t, true, fresh[0].(map[string]any)["failed"])
	require.Empty(t, v["risen"])
	require.Empty(t, v["vanished"])
	first := v["labels"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"error_type", "PoolTimeout", "before"}, []any{first["label"], first["value"], first["against"]})

	calm := target.Ask(context.Background(), builtin("logs.spike", map[string]any{"query": `{service="shop"} | json | error_type!="PoolTimeout"`}))
	require.Equal(t, "nothing rose", calm.Value.(map[string]any)["verdict"], "%+v", calm.Value)
	require.NotContains(t, calm.Value, "onset")
	recent := target.Ask(context.Background(), builtin("logs.spike", map[string]any{"recent": "10m"}))
	require.InDelta(t, float64(noon.Add(-10*time.Minute).Unix()), recent.Value.(map[string]any)["split"], 10)
	require.Equal(t, evidence.Invalid, target.Ask(context.Background(), builtin("logs.spike", map[string]any{"recent": "2h"})).Status)
	short := target.Ask(context.Background(), builtin("logs.spike", map[string]any{"window": 10 * time.Minute, "recent": "9m55s"}))
	require.Equal(t, "cannot tell", short.Value.(map[string]any)["verdict"])
}

func TestSourcesAndDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	write(t, filepath.Join(dir, "plain.log"), "no time here\n")
	target := open(t, connector.Settings{"paths": []any{"*.log", "gone.txt"}, "timezone": "UTC"}, dir)
	rows := list(t, target.Ask(context.Background(), builtin("logs.sources", nil)))
	require.Len(t, rows, 3)
	byFormat := map[any]map[string]any{}
	for _, r := range rows {
		byFormat[r.(map[string]any)["format"]] = r.(map[string]any)
	}
	require.Equal(t, 1.0, byFormat["json"]["parsed_share"])
	require.Equal(t, 1.0, byFormat["json"]["newest_age_s"])
	require.NotContains(t, byFormat["text"], "newest_age_s")
	require.Equal(t, "missing", byFormat[nil]["state"])
	checks := target.(connector.Examiner).Examine(context.Background())
	require.True(t, checks[0].OK)
	require.Equal(t, "written lately", checks[len(checks)-1].Name)
	require.True(t, checks[len(checks)-1].OK)
}

func TestFailuresAreToldApart(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app.log"), ago(time.Minute)+" ok\n")
	ask := func(paths ...any) evidence.Answer {
		return open(t, connector.Settings{"paths": paths}, dir).Ask(context.Background(), fence(t, `{service="shop"}`, nil))
	}
	require.Equal(t, evidence.Unreachable, ask("none.log").Status)
	require.Equal(t, evidence.NoData, ask("*.txt").Status)
	require.Equal(t, evidence.Unreachable, ask(".").Status)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	target := open(t, connector.Settings{"paths": []any{"app.log"}}, dir)
	require.Equal(t, evidence.NotAsked, target.Ask(ctx, fence(t, `{service="shop"}`, nil)).Status)
	late, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()
	require.Equal(t, evidence.TimedOut, target.Ask(late, fence(t, `{service="shop"}`, nil)).Status)
	require.Equal(t, evidence.Invalid, target.Ask(context.Background(), fence(t, `{service="shop"} | jsn`, nil)).Status)
	require.Equal(t, evidence.Invalid, target.Ask(context.Background(), fence(t, `{service="shop"}`, map[string]string{"since": "soon"})).Status)
	require.Equal(t, evidence.Refused, target.Ask(context.Background(), fence(t, `rate({service="shop"}[5m])`, map[string]string{"since": "30d", "step": "1s"})).Status)
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, target.Ask(context.Background(), fence(t, `{service="shop"}`, nil)).Status)
}

func TestPermissionDenied(t *testing.T) {
	if os.Getuid() != 0 {
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: only root can become another user\n\n", t.Name())
		t.Skip("only root can become another user")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	write(t, path, "x\n")
	require.NoError(t, os.Chmod(path, 0o600))
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	target := open(t, connector.Settings{"paths": []any{"app.log"}}, dir)
	// File access of this thread, and of no other, as nobody; so it is a question
	// that is answered by who asks. Queries are read for several at once, elsewhere.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old, err := unix.SetfsuidRetUid(65534)
	require.NoError(t, err)
	a := target.Ask(context.Background(), probe.Question{Lang: "probe", Builtin: "logs.errors", Now: noon, Service: probe.Service{Name: "shop"}})
	checks := target.(connector.Examiner).Examine(context.Background())
	_, err = unix.SetfsuidRetUid(old)
	require.NoError(t, err)
	require.Equal(t, evidence.Denied, a.Status, "%+v", a)
	require.Contains(t, a.Hint, "setfacl -m u:")
	require.False(t, checks[0].OK)
	require.Contains(t, checks[1].Fix, "setfacl")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]connector.Settings{
		"no paths":          {},
		"unknown setting":   {"path": "x"},
		"there is no zone":  {"paths": []any{"x"}, "timezone": "Mars"},
		"max_read":          {"paths": []any{"x"}, "max_read": "much"},
		"max_line":          {"paths": []any{"x"}, "max_line": "1GB"},
		"not a file name":   {"paths": []any{"/var/[x.log"}},
		"** may stand once": {"paths": []any{"/var/**/a/**/x.log"}},
	} {
		_, err := logs.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, want)
	}
}

func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app.log"), `{"time":"`+ago(time.Minute)+`","level":"error","service":"shop","message":"login with hunter22 failed"}`+"\n")
	target := open(t, connector.Settings{"paths": []any{"app.log"}}, dir)
	for _, q := range []probe.Question{fence(t, `{service="shop"} | json`, nil), builtin("logs.errors", nil), builtin("logs.patterns", nil), builtin("logs.spike", nil)} {
		a := target.Ask(context.Background(), q)
		require.True(t, a.Known())
		require.NotContains(t, fmt.Sprint(a), "hunter22")
	}
}

func TestKindIsDocumented(t *testing.T) {
	t.Parallel()
	for _, s := range logs.Kind().Probes {
		require.NotEmpty(t, s.Question+s.Why+s.Cost)
		require.NotEmpty(t, s.Fields)
		require.NotEmpty(t, s.Outcomes)
	}
	for _, s := range logs.Kind().Settings {
		require.NotEmpty(t, s.About)
	}
}

// Lines that only have a time of day look like a silent log, and are none.
func TestLinesWithoutADateCannotBeSeen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.log"), strings.Repeat("11:30:00.123 [error] it failed\n", 200))
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "labels": map[string]any{"service": "shop"}}, dir)
	answer := target.Ask(context.Background(), fence(t, `sum(count_over_time({service="${service}"}[5m]))`, nil))
	require.Equal(t, evidence.Unreachable, answer.Status, answer.Reason)
	require.Contains(t, answer.Reason, "none of 200 lines bears a date")
}

// What a log no longer says, while it goes on, is over; what it stopped with is not.
func TestLinesThatHaveEndedAreMarked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	for age := 300; age > 120; age -= 10 {
		fmt.Fprintf(&b, "%s ERROR shop: the pool is empty\n", ago(time.Duration(age)*time.Second))
	}
	path := filepath.Join(dir, "shop.log")
	write(t, path, b.String()+ago(time.Second)+" INFO shop: GET /items 200\n")
	ask := func(options map[string]string) evidence.Answer {
		q := fence(t, `{} |= "pool is empty"`, options)
		return open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir).Ask(context.Background(), q)
	}
	require.NoError(t, os.Chtimes(path, noon, noon))
	require.Equal(t, float64(noon.Add(-130*time.Second).Unix()), ask(nil).Ended)
	require.Zero(t, ask(map[string]string{"once": "true"}).Ended)
	require.NoError(t, os.Chtimes(path, noon, noon.Add(-130*time.Second)))
	require.Zero(t, ask(nil).Ended, "nothing else was written since")
}

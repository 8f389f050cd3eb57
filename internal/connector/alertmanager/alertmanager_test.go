package alertmanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/alertmanager"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
)

func open(t *testing.T, settings connector.Settings) connector.Target {
	t.Helper()
	target, err := alertmanager.Kind().Open(settings, connector.Tools{Redact: secret.NewRedactor()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func changer(t *testing.T, url string) action.Changer {
	t.Helper()
	return open(t, connector.Settings{"url": url}).(action.Changer)
}

func spec(t *testing.T, name string) action.Spec {
	t.Helper()
	for _, s := range alertmanager.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatal("no action " + name)
	return action.Spec{}
}

// get reads from the server past the connector.
func get(t *testing.T, url string, into any) {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	require.NoError(t, json.NewDecoder(res.Body).Decode(into))
}

type known struct {
	ID, Comment, CreatedBy string
	Status                 struct{ State string }
	Matchers               []map[string]any
}

func silences(t *testing.T, s *realserver.AlertmanagerServer) []known {
	t.Helper()
	var all []known
	get(t, s.URL+"/api/v2/silences", &all)
	return all
}

// world is which alerts notify, and which silences are in force.
func world(t *testing.T, s *realserver.AlertmanagerServer) string {
	t.Helper()
	var alerts []struct {
		Labels map[string]string
		Status struct{ State string }
	}
	get(t, s.URL+"/api/v2/alerts", &alerts)
	var lines []string
	for _, a := range alerts {
		// Which of active and unprocessed it is, is a matter of a moment.
		lines = append(lines, fmt.Sprint(a.Labels, " muted: ", a.Status.State == "suppressed"))
	}
	for _, s := range silences(t, s) {
		if s.Status.State != "expired" {
			lines = append(lines, fmt.Sprint(s))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func startWithAlerts(t *testing.T) *realserver.AlertmanagerServer {
	t.Helper()
	s := realserver.Alertmanager(t)
	s.Fire(t, map[string]string{"alertname": "ApiSlow", "service": "shop", "path": `/a"b\c`})
	s.Fire(t, map[string]string{"alertname": "ApiSlow", "service": "blog"})
	s.Fire(t, map[string]string{"alertname": "DiskFull", "service": "shop"})
	require.Eventually(t, func() bool { return strings.Count(world(t, s), "alertname") == 3 }, 5*time.Second, 20*time.Millisecond)
	return s
}

// muted waits for Alertmanager to have worked the alerts through its silences,
// which it does when it is asked for them.
const settles = 5 * time.Second

func TestSilence(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	gone := realserver.Alertmanager(t)
	gone.Stop()
	actiontest.Run(t, actiontest.Case{
		Spec:  spec(t, "alertmanager.silence"),
		Open:  func(t *testing.T) action.Changer { return changer(t, s.URL) },
		Args:  map[string]any{"matchers": []any{`alertname="ApiSlow"`, `path="/a\"b\\c"`}, "for": "10m"},
		World: func(t *testing.T) string { return world(t, s) },
		Effects: func(t *testing.T) int {
			n := 0
			for _, s := range silences(t, s) {
				if strings.Contains(s.Comment, "[quell ") {
					n++
				}
			}
			return n
		},
		Gone:    func(t *testing.T) action.Changer { return changer(t, gone.URL) },
		Settles: settles,
	})
}

func TestExpireSilence(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	id := post(t, s, `[{"name":"service","value":"shop","isRegex":false,"isEqual":true}]`, "by hand")
	gone := realserver.Alertmanager(t)
	gone.Stop()
	actiontest.Run(t, actiontest.Case{
		Spec:  spec(t, "alertmanager.expire_silence"),
		Open:  func(t *testing.T) action.Changer { return changer(t, s.URL) },
		Args:  map[string]any{"id": id},
		World: func(t *testing.T) string { return world(t, s) },
		Effects: func(t *testing.T) int {
			n := 0
			for _, s := range silences(t, s) {
				if s.Status.State == "expired" {
					n++
				}
			}
			return n
		},
		Gone:    func(t *testing.T) action.Changer { return changer(t, gone.URL) },
		Settles: settles,
	})
}

// post makes a silence past the connector.
func post(t *testing.T, s *realserver.AlertmanagerServer, matchers, comment string) string {
	t.Helper()
	end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	body := fmt.Sprintf(`{"matchers":%s,"startsAt":"2024-01-01T00:00:00Z","endsAt":%q,"createdBy":"ann","comment":%q}`, matchers, end, comment)
	res, err := http.Post(s.URL+"/api/v2/silences", "application/json", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	defer res.Body.Close()
	var made struct{ SilenceID string }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&made))
	require.NotEmpty(t, made.SilenceID)
	return made.SilenceID
}

func silenceChange(t *testing.T, args map[string]any) action.Change {
	t.Helper()
	complete, err := spec(t, "alertmanager.silence").Complete(args)
	require.NoError(t, err)
	return action.Change{Type: "alertmanager.silence", Args: complete}
}

func doer(t *testing.T, c action.Changer, name string) action.Doer {
	t.Helper()
	d, ok := c.Doer(name)
	require.True(t, ok)
	return d
}

func TestAPreviewNamesTheAlertsThatWouldBeMuted(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	d := doer(t, changer(t, s.URL), "alertmanager.silence")

	p, err := d.Preview(t.Context(), silenceChange(t, map[string]any{"matchers": []any{`alertname=~"Api.*"`, `service!="blog"`}, "for": "1h"}))
	require.NoError(t, err)
	require.Equal(t, int64(1), p.Blast)
	require.Equal(t, []string{`mutes ApiSlow{path="/a\"b\\c",service="shop"}`}, p.Warnings)
	require.Equal(t, time.Hour, p.Lasts)

	p, err = d.Preview(t.Context(), silenceChange(t, map[string]any{"matchers": []any{`alertname="Nobody"`}, "for": "1h"}))
	require.NoError(t, err)
	require.Zero(t, p.Blast)
	require.Equal(t, []string{"no alert that fires now would be muted"}, p.Warnings)

	// Somebody has silenced the same for longer: there is nothing to do.
	post(t, s, `[{"name":"alertname","value":"DiskFull","isRegex":false,"isEqual":true}]`, "by hand")
	p, err = d.Preview(t.Context(), silenceChange(t, map[string]any{"matchers": []any{`alertname="DiskFull"`}, "for": "10m"}))
	require.NoError(t, err)
	require.True(t, p.Already)
	require.Contains(t, p.Items[0].Now, "by ann")
}

func TestWhatIsRefusedIsNeverSent(t *testing.T) {
	t.Parallel()
	s := realserver.Alertmanager(t)
	c := changer(t, s.URL)
	for name, change := range map[string]action.Change{
		"a silence of everything":                           silenceChange(t, map[string]any{"matchers": []any{`alertname=~".*"`}, "for": "1h"}),
		"one without an end in sight":                       silenceChange(t, map[string]any{"matchers": []any{`alertname="X"`}, "for": "8d"}),
		"one that ends at once":                             silenceChange(t, map[string]any{"matchers": []any{`alertname="X"`}, "for": "0s"}),
		"a matcher that is none":                            silenceChange(t, map[string]any{"matchers": []any{`alertname`}, "for": "1h"}),
		"a comment that would be taken for another order's": silenceChange(t, map[string]any{"matchers": []any{`alertname="X"`}, "for": "1h", "comment": "x [quell INC-1.1.1-a]"}),
		"an id that is none":                                {Type: "alertmanager.expire_silence", Args: action.Args{"id": "../alerts"}},
		"an id that nobody knows":                           {Type: "alertmanager.expire_silence", Args: action.Args{"id": "8fbd7c2c-0000-4000-8000-000000000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := doer(t, c, change.Type)
			_, err := d.Preview(t.Context(), change)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
			_, err = d.Apply(t.Context(), action.Order{Change: change, Key: "INC-1.1.1-a", By: "tester"})
			require.Error(t, err)
		})
	}
	require.Empty(t, silences(t, s))
	_, err := spec(t, "alertmanager.silence").Complete(map[string]any{"matchers": []any{`a="b"`}})
	require.ErrorContains(t, err, "needs for")
}

func TestASilenceThatSomebodyMadeMeanwhileMakesThePlanStale(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	change := silenceChange(t, map[string]any{"matchers": []any{`alertname="DiskFull"`}, "for": "2h"})
	d := doer(t, changer(t, s.URL), "alertmanager.silence")
	p, err := d.Preview(t.Context(), change)
	require.NoError(t, err)
	post(t, s, `[{"name":"alertname","value":"DiskFull","isRegex":false,"isEqual":true}]`, "by hand")
	_, err = d.Apply(t.Context(), action.Order{Change: change, Preview: p, Key: "INC-1.1.1-a", By: "tester", Intended: time.Now()})
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.Len(t, silences(t, s), 1)
}

// The silence is made and its answer is lost on the way back.
func TestALostAnswerIsUnknownAndTheWorldTells(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		req, _ := http.NewRequest(r.Method, s.URL+r.URL.String(), bytes.NewReader(body))
		req.Header = r.Header
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer res.Body.Close()
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(between.Close)
	change := silenceChange(t, map[string]any{"matchers": []any{`alertname="DiskFull"`}, "for": "10m"})
	d := doer(t, changer(t, between.URL), "alertmanager.silence")
	p, err := d.Preview(t.Context(), change)
	require.NoError(t, err)
	order := action.Order{Change: change, Preview: p, Key: "INC-1.1.1-a", By: "tester", Intended: time.Now()}
	_, err = d.Apply(t.Context(), order)
	require.Error(t, err)
	var failure *action.Failure
	require.NotErrorAs(t, err, &failure, "nobody knows whether it happened")
	standing, err := d.Standing(t.Context(), order)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing.State)
	done, err := d.Apply(t.Context(), order)
	require.NoError(t, err)
	require.Equal(t, standing.Done.Inverse, done.Inverse)
	require.Len(t, silences(t, s), 1)

	// Another order with the same wish is another silence, and is not taken for it.
	other := order
	other.Key = "INC-1.1.1"
	standing, err = d.Standing(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, action.NotMade, standing.State)
	// Whose time is over cannot be told from one that was forgotten.
	other.Intended = time.Now().Add(-time.Hour)
	standing, err = d.Standing(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, action.CannotTell, standing.State)
}

func TestAServerThatHangsIsAnsweredForInTime(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	change := silenceChange(t, map[string]any{"matchers": []any{`alertname="DiskFull"`}, "for": "10m"})
	d := doer(t, open(t, connector.Settings{"url": s.URL, "timeout": "300ms"}).(action.Changer), "alertmanager.silence")
	require.NoError(t, s.Signal(syscall.SIGSTOP))
	t.Cleanup(func() { _ = s.Signal(syscall.SIGCONT) })
	// The signal may arrive after the next answer.
	client := &http.Client{Timeout: 200 * time.Millisecond}
	require.Eventually(t, func() bool {
		r, err := client.Get(s.URL + "/-/healthy")
		if err == nil {
			_ = r.Body.Close()
		}
		return err != nil
	}, 5*time.Second, 20*time.Millisecond)
	start := time.Now()
	_, err := d.Preview(t.Context(), change)
	var unavailable *action.Unavailable
	require.ErrorAs(t, err, &unavailable)
	require.Less(t, time.Since(start), 3*time.Second)
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	s := startWithAlerts(t)
	id := post(t, s, `[{"name":"alertname","value":"DiskFull","isRegex":false,"isEqual":true}]`, "disk is being changed, password=hunter22")
	target := open(t, connector.Settings{"url": s.URL})
	ask := func(name string, args map[string]any) evidence.Answer {
		return target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: name, Args: args})
	}

	a := ask("alertmanager.silences", nil)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	row := a.Value.([]any)[0].(map[string]any)
	require.Equal(t, id, row["id"])
	require.Equal(t, `alertname="DiskFull"`, row["matchers"])
	require.InDelta(t, 3600, row["left_s"], 60)
	require.NotContains(t, row["comment"], "hunter22")
	fieldsAsDocumented(t, alertmanager.Kind().Probes[1], row)

	require.Eventually(t, func() bool {
		a = ask("alertmanager.alerts", nil)
		states := fmt.Sprint(a.Value)
		return len(a.Value.([]any)) == 3 && strings.Contains(states, "suppressed") && !strings.Contains(states, "unprocessed")
	}, 5*time.Second, 20*time.Millisecond)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Len(t, a.Value, 3)
	a = ask("alertmanager.alerts", map[string]any{"matchers": []any{`alertname="DiskFull"`}})
	require.Len(t, a.Value, 1)
	row = a.Value.([]any)[0].(map[string]any)
	require.Equal(t, "suppressed", row["state"])
	require.Equal(t, []any{id}, row["silenced_by"])
	fieldsAsDocumented(t, alertmanager.Kind().Probes[0], row)

	require.Equal(t, evidence.Invalid, ask("alertmanager.alerts", map[string]any{"matchers": []any{"x"}}).Status)
	require.Equal(t, evidence.NotApplicable, ask("alertmanager.else", nil).Status)
	s.Stop()
	require.Equal(t, evidence.Unreachable, ask("alertmanager.alerts", nil).Status)
	checks := target.(connector.Examiner).Examine(t.Context())
	require.False(t, checks[0].OK)
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, ask("alertmanager.alerts", nil).Status)
}

func fieldsAsDocumented(t *testing.T, s probe.Spec, row map[string]any) {
	t.Helper()
	var want, got []string
	for _, f := range s.Fields {
		want = append(want, f.Name)
	}
	for k := range row {
		got = append(got, k)
	}
	require.ElementsMatch(t, want, got)
}

func TestWhatStandsInFrontMaySayNo(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]evidence.Status{401: evidence.Denied, 403: evidence.Denied, 404: evidence.NotApplicable, 302: evidence.NotApplicable, 502: evidence.Unreachable, 200: evidence.NotApplicable} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			seen := make(chan string, 10)
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.Header.Get("Authorization")
				w.Header().Set("Location", "http://127.0.0.1:1/login")
				w.WriteHeader(status)
				_, _ = w.Write([]byte("<html>"))
			}))
			defer front.Close()
			target := open(t, connector.Settings{"url": front.URL, "bearer": "hunter22hunter22"})
			a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "alertmanager.alerts"})
			require.Equal(t, want, a.Status, a.Reason)
			require.NotContains(t, a.Reason, "hunter22")
			require.Equal(t, "Bearer hunter22hunter22", <-seen)
			_, err := doer(t, target.(action.Changer), "alertmanager.silence").Preview(t.Context(), silenceChange(t, map[string]any{"matchers": []any{`a="b"`}, "for": "1h"}))
			var unavailable *action.Unavailable
			require.ErrorAs(t, err, &unavailable)
			require.NotContains(t, err.Error(), "hunter22")
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
	}{
		"no url":        {connector.Settings{}, "url is missing"},
		"wrong scheme":  {connector.Settings{"url": "ftp://x"}, "cannot be read"},
		"secret in url": {connector.Settings{"url": "http://u:hunter22@[x"}, "cannot be read"},
		"unknown key":   {connector.Settings{"url": "http://x", "urll": "y"}, "urll"},
		"no authority":  {connector.Settings{"url": "http://x", "ca": "missing.pem"}, "missing.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := alertmanager.Kind().Open(c.settings, connector.Tools{})
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "hunter22")
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	change := silenceChange(t, map[string]any{"matchers": []any{`a="b"`}, "for": "1h"})
	_, err = doer(t, changer(t, "http://"+l.Addr().String()), "alertmanager.silence").Apply(context.Background(), action.Order{Change: change, Key: "INC-1.1.1-a"})
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.True(t, failure.Temporary)
}

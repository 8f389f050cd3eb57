package report_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/verification"
)

// day is when both incidents happen.
func day(clock string) time.Time {
	at, err := time.Parse("2006-01-02 15:04:05", "2026-03-02 "+clock)
	if err != nil {
		panic(err)
	}
	return at
}

// story writes the record of an incident, event by event.
type story struct {
	t      *testing.T
	id     string
	events []incident.Event
}

func (s *story) at(clock, kind, by, step string, data any) {
	s.t.Helper()
	e, err := incident.New(kind, by, step, data)
	require.NoError(s.t, err)
	e.Incident, e.Seq, e.At = s.id, int64(len(s.events)+1), day(clock)
	s.events = append(s.events, e)
}

func (s *story) fold() incident.Incident {
	s.t.Helper()
	i, err := incident.Fold(s.events)
	require.NoError(s.t, err)
	return i
}

func poolBook(t *testing.T) *playbook.Book {
	t.Helper()
	text, err := os.ReadFile("testdata/pool.md")
	require.NoError(t, err)
	book, findings := playbook.Load(playbook.Vocabulary{Kinds: []connector.Kind{
		{Name: "postgres", Languages: []connector.Language{{Name: "sql", Shape: probe.Rows}}, Actions: []action.Spec{{Name: "postgres.terminate", Params: []probe.Param{{Name: "sessions", Type: probe.List}}}}},
		{Name: "prometheus", Languages: []connector.Language{{Name: "promql", Shape: probe.Series}}},
	}}, playbook.Root{FS: file{"db/pool.md": text}.fs()})
	require.NotNil(t, book, "%v", findings)
	return book
}

// shape makes a series of 15-second samples that ends at to, each from the
// minutes since from, with a little noise that is always the same.
func shape(from, to time.Time, noise float64, level func(minute float64) float64) []evidence.Point {
	var out []evidence.Point
	for at := from; !at.After(to); at = at.Add(15 * time.Second) {
		n := float64(at.Unix() / 15)
		wobble := 1 + noise*(math.Sin(n*1.7)+math.Sin(n*0.61))/2
		v := level(at.Sub(from).Minutes()) * wobble
		out = append(out, evidence.Point{T: float64(at.Unix()), V: math.Round(v*1e4) / 1e4})
	}
	return out
}

// ramp goes from low to high between two minutes, and stays there.
func ramp(low, high, begins, ends float64) func(float64) float64 {
	return func(m float64) float64 {
		return low + (high-low)*min(max((m-begins)/(ends-begins), 0), 1)
	}
}

func one(points []evidence.Point) evidence.Answer {
	return evidence.Of(evidence.Vector([]evidence.Stream{{Labels: map[string]string{}, Points: points}}))
}

// round is what the playbook's questions answered at a time.
func round(t *testing.T, at time.Time, answers map[string]evidence.Answer) incident.Diagnosed {
	t.Helper()
	p := poolBook(t).Playbook("db/pool")
	s := diagnosis.Subject{
		Playbook: p, Service: "checkout", Targets: map[string]string{"db": "orders-db", "metrics": "prometheus"},
		Params: map[string]any{"idle_after": 10 * time.Second}, Evidence: map[string]evidence.Evidence{},
	}
	var list []evidence.Evidence
	for n, q := range p.Probes {
		a, ok := answers[q.Name]
		if !ok {
			continue
		}
		e := evidence.Evidence{
			Answer: a, Probe: q.Name, Question: question(q), Target: s.Targets[q.Role], Service: "checkout",
			At: at.Add(time.Duration(n*37) * time.Millisecond), Took: time.Duration(20+13*n) * time.Millisecond,
		}
		s.Evidence[q.Name] = e
		list = append(list, e)
	}
	subjects := []diagnosis.Subject{s}
	return incident.Diagnosed{
		Diagnosis: diagnosis.Diagnose(diagnosis.Input{Subjects: subjects, At: at}), Evidence: list, Since: "30m", Took: 2300 * time.Millisecond,
		Asked: incident.Askings(subjects, list), Playbooks: map[string]string{"db/pool": "0f"}, Params: map[string]map[string]any{"db/pool": {"idle_after": "10s"}},
	}
}

// question is a query with its one hole filled.
func question(q *playbook.Probe) string {
	text, err := q.Text.Fill(func(string, any) (string, error) { return "checkout", nil })
	if err != nil {
		return q.Text.Source()
	}
	return text
}

func sessions(n int) evidence.Answer {
	list := []any{}
	for i := range n {
		list = append(list, map[string]any{"pid": int64(4101 + 7*i), "usename": "checkout", "state": "idle in transaction", "idle_s": 611.5 - 40*float64(i)})
	}
	return evidence.Of(list)
}

func sample(clock string, check verification.Truth, checkWhy string, felt verification.Truth, feltWhy string, level float64) verification.Sample {
	return verification.Sample{At: day(clock), Check: check, CheckWhy: checkWhy, Felt: felt, FeltWhy: feltWhy, Level: level}
}

func recovered(t *testing.T) incident.Incident { return recoveredStory(t).fold() }

func unclear(t *testing.T) incident.Incident { return unclearStory(t).fold() }

// recoveredStory is an incident whose first step did not help and was taken back,
// and whose second did.
func recoveredStory(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, id: "INC-7"}
	from := day("13:42:00")
	leak := func(to time.Time, ends float64) map[string]evidence.Answer {
		after := func(bad func(float64) float64, usual float64) func(float64) float64 {
			return func(m float64) float64 {
				if m > ends {
					return usual
				}
				return bad(m)
			}
		}
		return map[string]evidence.Answer{
			"lost":       sessions(6),
			"statements": evidence.Not(evidence.Denied, "permission denied for view pg_stat_statements", "GRANT pg_read_all_stats TO quell"),
			"waiting":    one(shape(from, to, 0.3, after(ramp(0, 34, 14, 22), 0))),
			"taken": evidence.Of(evidence.Vector([]evidence.Stream{
				{Labels: map[string]string{"instance": "checkout-1"}, Points: shape(from, to, 0.1, after(ramp(6, 20, 11, 14), 7))},
				{Labels: map[string]string{"instance": "checkout-2"}, Points: shape(from, to, 0.1, after(ramp(7, 20, 12, 16), 7))},
			})),
			"p95":         one(shape(from, to, 0.15, after(ramp(0.18, 6.4, 14, 20), 0.19))),
			"error_ratio": one(shape(from, to, 0.4, after(ramp(0.0006, 0.043, 16, 23), 0.0007))),
			"rate_now":    one(shape(from, to, 0.02, ramp(118, 121, 0, 30))),
		}
	}
	s.at("14:10:40", incident.KindOpened, "alertmanager", "", incident.Opened{Title: "Checkout answers slowly", Services: []string{"checkout"}, Alert: "CheckoutSlow", Severity: "high"})
	s.at("14:12:06", incident.KindDiagnosed, "quell", "", round(t, day("14:12:00"), leak(day("14:12:00"), 99)))
	s.at("14:12:40", incident.KindNoted, "alice", "", incident.Note{Text: "release 2026.9 went out at 13:51; nobody has changed the database"})
	s.at("14:13:05", incident.KindPlanned, "alice", "", recoveredPlan())
	s.at("14:13:30", incident.KindStarted, "alice", "", incident.Started{Plan: "INC-7.1"})
	s.at("14:13:31", incident.KindApproved, "alice", "INC-7.1.1", map[string]any{"approver": "alice", "expires": day("14:28:31")})
	s.at("14:13:32", incident.KindApproved, "alice", "INC-7.1.2", map[string]any{"approver": "alice", "expires": day("14:28:32")})
	s.at("14:13:33", incident.KindMeasured, "quell", "INC-7.1.1", incident.Measured{Before: true, Sample: sample("14:13:33", verification.No, "6 sessions", verification.Yes, "“Responses are slow” is almost certain (99 %)", 0.99)})
	s.act("14:13:34", "14:13:35", "INC-7.1.1", "sets idle_in_transaction_session_timeout to 60s for role checkout", "idle_in_transaction_session_timeout is 60s for new sessions of checkout", []string{"alice"}, false)
	for n, clock := range []string{"14:13:43", "14:14:03", "14:14:23", "14:14:43", "14:15:03", "14:15:23"} {
		s.at(clock, incident.KindMeasured, "quell", "INC-7.1.1", incident.Measured{Sample: sample(clock, verification.No, "6 sessions", verification.Yes, "“Responses are slow” is almost certain (99 %)", 0.985-0.002*float64(n))})
	}
	s.at("14:15:35", incident.KindJudged, "quell", "INC-7.1.1", incident.Judged{Judgement: verification.Judgement{Verdict: verification.NotBetter, Why: "its own check does not hold: 6 sessions; the setting only reaches new sessions", Samples: 6}})
	s.act("14:15:36", "14:15:37", "INC-7.1.1", "sets idle_in_transaction_session_timeout back to 0", "idle_in_transaction_session_timeout is 0 again", nil, true)
	s.at("14:15:38", incident.KindHeld, "quell", "INC-7.1.2", incident.Held{Plan: "INC-7.1", Reason: incident.HeldUnapproved, Text: "needs 2 approvals, by different people; it has 1 (alice)"})
	s.at("14:15:38", incident.KindFinished, "quell", "", incident.Finished{Plan: "INC-7.1", Outcome: incident.Waiting, Text: "step INC-7.1.2 waits: needs 2 approvals, by different people; it has 1 (alice)"})
	s.at("14:19:50", incident.KindApproved, "bob", "INC-7.1.2", map[string]any{"approver": "bob", "expires": day("14:34:50")})
	s.at("14:20:02", incident.KindStarted, "alice", "", incident.Started{Plan: "INC-7.1"})
	s.at("14:20:04", incident.KindMeasured, "quell", "INC-7.1.2", incident.Measured{Before: true, Sample: sample("14:20:04", verification.No, "6 sessions", verification.Yes, "“Requests fail” is almost certain (99 %)", 0.99)})
	s.at("14:20:05", incident.KindCaptured, "quell", "INC-7.1.2", incident.Captured{Evidence: []evidence.Evidence{{Answer: sessions(6), Probe: "postgres.idle_in_transaction", Question: "postgres.idle_in_transaction (older_than: 10s)", Target: "orders-db", At: day("14:20:05"), Took: 9 * time.Millisecond}}})
	s.act("14:20:06", "14:20:07", "INC-7.1.2", "ends 6 sessions of role checkout on database orders", "6 sessions ended", []string{"alice", "bob"}, false)
	for n, clock := range []string{"14:20:15", "14:20:23", "14:20:31", "14:20:39", "14:20:47"} {
		felt, why, level := verification.Yes, "“Responses are slow” is possible (31 %)", 0.62-0.25*float64(n)
		if n > 1 {
			felt, why, level = verification.No, "“Responses are slow” is unlikely", 0.02
		}
		s.at(clock, incident.KindMeasured, "quell", "INC-7.1.2", incident.Measured{Sample: sample(clock, verification.Yes, "0 sessions", felt, why, level)})
	}
	s.at("14:20:48", incident.KindJudged, "quell", "INC-7.1.2", incident.Judged{Judgement: verification.Judgement{Verdict: verification.Better, Why: "well in 3 samples over 16s: 0 sessions; what people felt went from 99 % to 2 %", Samples: 5}})
	s.at("14:20:48", incident.KindFinished, "quell", "", incident.Finished{Plan: "INC-7.1", Outcome: incident.Recovered, Text: "step INC-7.1.2 helped"})
	s.at("14:34:12", incident.KindNoted, "alice", "", incident.Note{Text: "rolled release 2026.9 back; the retry path in payment.go returns without a rollback"})
	quiet := leak(day("14:35:00"), 38.2)
	quiet["lost"] = sessions(0)
	s.at("14:35:05", incident.KindDiagnosed, "quell", "", round(t, day("14:35:00"), quiet))
	s.at("14:35:30", incident.KindItem, "quell", "", incident.Item{Playbook: "db/pool", Text: "no session is idle in a transaction for over a minute", Truth: verification.Yes, Why: "0 sessions"})
	s.at("14:35:30", incident.KindItem, "quell", "", incident.Item{Playbook: "db/pool", Text: "no connection waits for a day", Truth: verification.None, Due: day("14:35:30").Add(24 * time.Hour)})
	s.at("14:41:00", incident.KindResolved, "alice", "", incident.Note{Text: "back to normal for twenty minutes, release rolled back"})
	return s
}

// act writes an intent and its result; an undo leaves nothing behind, and step
// 3 stays for an hour only.
func (s *story) act(begins, ends, step, does, done string, by []string, undo bool) {
	s.t.Helper()
	s.at(begins, incident.KindIntent, "quell", step, incident.Intent{Attempt: 1, Undo: undo, Order: action.Order{Preview: action.Preview{Summary: does}}, By: by, Owner: "host"})
	s.at(ends, incident.KindResult, "quell", step, incident.Result{
		Attempt: 1, Undo: undo, State: action.Made, Text: done, Took: 412 * time.Millisecond,
		Done: &action.Done{Summary: done, Inverse: &action.Change{Type: "postgres.set"}},
	})
}

func recoveredPlan() plan.Plan {
	root := "db/pool#transactions-are-opened-and-never-finished"
	return plan.Plan{
		ID: "INC-7.1", Incident: "INC-7", At: day("14:13:05"), By: "alice", Source: plan.Diagnosis, Summary: "Transactions are opened and never finished (almost certain)",
		Steps: []plan.Step{
			{
				ID: "INC-7.1.1", Kind: playbook.Mitigate, Title: "let the server end lost sessions", Root: root, Playbook: "db/pool", Services: []string{"checkout"}, Target: "orders-db", TargetKind: "postgres",
				Change: action.Change{Type: "postgres.set", Args: action.Args{"name": "idle_in_transaction_session_timeout", "role": "checkout", "value": "60s"}}, Risk: action.R2, Undo: "sets the former value", Within: 2 * time.Minute,
			},
			{
				ID: "INC-7.1.2", Kind: playbook.Mitigate, Title: "end the lost sessions", Root: root, Playbook: "db/pool", Services: []string{"checkout"}, Target: "orders-db", TargetKind: "postgres",
				Change: action.Change{Type: "postgres.terminate", Args: action.Args{"sessions": []any{map[string]any{"pid": 4101.0}, map[string]any{"pid": 4108.0}}}}, Risk: action.R3, Destroys: "what the sessions were doing", Within: 2 * time.Minute,
				Verify: "lost.size() < 3",
			},
		},
		Tasks: []plan.Task{{Kind: playbook.Fix, Root: root, Title: "finish every transaction", Text: "Each place that begins a transaction needs a block that ends it on every path.", Items: []string{"a failing request gives its connection back", "a test fails when it does not"}}},
	}
}

// unclearStory is an incident that nobody could explain, with a step of which nobody
// knows whether it happened.
func unclearStory(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, id: "INC-8"}
	from, to := day("21:30:00"), day("22:00:00")
	denied := evidence.Not(evidence.Denied, "permission denied for view pg_stat_activity", "GRANT pg_monitor TO quell")
	s.at("21:58:11", incident.KindOpened, "carol", "", incident.Opened{Title: "Paying hangs for some people", Services: []string{"checkout"}, Symptom: "paying hangs for some people"})
	s.at("22:00:07", incident.KindDiagnosed, "quell", "", round(t, to, map[string]evidence.Answer{
		"lost": denied, "statements": denied,
		"p95":      one(shape(from, to, 0.2, ramp(0.2, 2.8, 12, 13))),
		"waiting":  evidence.Not(evidence.NoData, "no series matches db_connections_waiting", "export the pool's gauges"),
		"rate_now": evidence.Not(evidence.TimedOut, "no answer within 8s", ""),
	}))
	s.at("22:09:00", incident.KindPlanned, "carol", "", plan.Plan{
		ID: "INC-8.1", Incident: "INC-8", At: day("22:09:00"), By: "carol", Source: plan.Ladder, Summary: "the last resort of db/pool, rung by rung",
		Steps: []plan.Step{
			{ID: "INC-8.1.1", Kind: playbook.Mitigate, Title: "limit requests to checkout", Playbook: "db/pool", Services: []string{"checkout"}, Target: "edge", TargetKind: "nginx", Change: action.Change{Type: "nginx.limit", Args: action.Args{"zone": "checkout", "rate": "40r/s", "for": "1h"}}, Risk: action.R2},
			{ID: "INC-8.1.2", Kind: playbook.Mitigate, Title: "restart the payment workers", Playbook: "db/pool", Services: []string{"checkout"}, Target: "workers", TargetKind: "systemd", Change: action.Change{Type: "service.restart", Args: action.Args{"unit": "payment-worker"}}, Risk: action.R3},
			{ID: "INC-8.1.3", Kind: playbook.Mitigate, Title: "restart the database", Playbook: "db/pool", Services: []string{"checkout"}, Target: "orders-db", TargetKind: "postgres", Change: action.Change{Type: "service.restart", Args: action.Args{"unit": "postgresql"}}, Risk: action.R3, Blocked: "orders-db is not a unit of a host that may be changed"},
		},
	})
	s.at("22:10:20", incident.KindStarted, "carol", "", incident.Started{Plan: "INC-8.1"})
	s.at("22:10:22", incident.KindApproved, "carol", "INC-8.1.1", map[string]any{"approver": "carol"})
	s.at("22:10:23", incident.KindIntent, "quell", "INC-8.1.1", incident.Intent{Attempt: 1, Order: action.Order{Preview: action.Preview{Summary: "limits checkout to 40 requests a second"}}, By: []string{"carol"}})
	s.at("22:10:24", incident.KindResult, "quell", "INC-8.1.1", incident.Result{Attempt: 1, State: action.Made, Text: "limited to 40 requests a second", Took: 300 * time.Millisecond, Ends: day("23:10:24"), Done: &action.Done{Inverse: &action.Change{Type: "nginx.limit"}}})
	s.at("22:15:24", incident.KindJudged, "quell", "INC-8.1.1", incident.Judged{Judgement: verification.Judgement{Verdict: verification.CannotTell, Why: "it could not be measured: no answer within 8s", Samples: 20}})
	s.at("22:15:24", incident.KindFinished, "quell", "", incident.Finished{Plan: "INC-8.1", Outcome: incident.NeedsPerson, Text: "nobody can tell whether step INC-8.1.1 helped: look, and then `quell verify INC-8.1.1 --say better|worse`"})
	s.at("22:17:40", incident.KindJudged, "carol", "INC-8.1.1", incident.Judged{Judgement: verification.Judgement{Verdict: verification.NotBetter, Why: "people still write to support"}})
	s.at("22:18:02", incident.KindIntent, "quell", "INC-8.1.2", incident.Intent{Attempt: 1, Order: action.Order{Preview: action.Preview{Summary: "restarts payment-worker (4 processes)"}}, By: []string{"carol", "dave"}})
	return s
}

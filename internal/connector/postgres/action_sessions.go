package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

const sessionsAbout = "rows of a question that have a pid (a root, a session, a statement), or bare process ids"

func cancelChange() change {
	k := signal{call: "pg_cancel_backend", over: cancelled, past: "cancelled"}
	return change{
		spec: action.Spec{
			Name: "postgres.cancel", Risk: action.R2,
			Does:     "Cancels the statement that each session runs now; the session stays, and a session that is idle in a transaction does not notice.",
			Tells:    "that statement (its pid and start) no longer runs",
			Destroys: "the statement and what it waited for or held up",
			Captures: []string{"postgres.sessions", "postgres.locks"},
			Params:   []probe.Param{need("sessions", probe.List, sessionsAbout)},
		},
		look: k.look, stands: k.stands, make: k.make,
	}
}

func terminateChange() change {
	k := signal{call: "pg_terminate_backend", ends: true, over: gone, past: "ended"}
	return change{
		spec: action.Spec{
			Name: "postgres.terminate", Risk: action.R3,
			Does:     "Ends sessions: their open transactions are rolled back and their locks released. Replication, autovacuum and superuser sessions are refused.",
			Tells:    "the session (its pid and start) is gone",
			Destroys: "what the sessions were doing: their transactions, locks and last statements",
			Captures: []string{"postgres.sessions", "postgres.locks"},
			Params:   []probe.Param{need("sessions", probe.List, sessionsAbout)},
		},
		look: k.look, stands: k.stands, make: k.make,
	}
}

// signal is one of the two things that the server does to a session.
type signal struct {
	call string // the server's function
	ends bool   // the session as a whole, not its statement
	past string // "ended"
	// over reports whether it has happened to the session of a guard, given
	// what has its pid now (nil: nothing has).
	over func(g sessionGuard, now *backend) bool
}

func gone(g sessionGuard, now *backend) bool { return now == nil || now.guard.Started != g.Started }

func cancelled(g sessionGuard, now *backend) bool {
	return gone(g, now) || now.guard.State != "active" || now.guard.Statement != g.Statement
}

// look shows the sessions that would be signalled. Those that must not be are
// left alone with a warning, or refused where no other is asked for.
func (k signal) look(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	wanted, err := wantedSessions(a.List("sessions"))
	if err != nil {
		return action.Preview{}, err
	}
	there, err := backends(ctx, ask, wanted)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	var refused error
	owners := tally{}
	for _, w := range wanted {
		b := there[w.pid]
		if b == nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("pid %d is gone", w.pid))
			continue
		}
		if refusal := k.guarded(w, *b); refusal != nil {
			refused = refusal
			p.Warnings = append(p.Warnings, refusal.Text+": it is left alone")
			continue
		}
		p.Items = append(p.Items, k.item(*b))
		p.Warnings = append(p.Warnings, k.advice(*b)...)
		owners.add(b.user+" on "+b.database, "")
	}
	switch {
	case len(p.Items) == 0 && refused != nil:
		return p, refused
	case len(p.Items) == 0:
		p.Already, p.Summary = true, "none of the sessions is there any more"
	default:
		p.Summary = k.summary(len(p.Items), owners)
	}
	return p, nil
}

func (k signal) summary(n int, owners tally) string {
	whose := fmt.Sprintf("%d roles and databases", len(owners))
	if len(owners) == 1 {
		whose = owners.top().query
	}
	if k.ends {
		return fmt.Sprintf("ends %s of %s", count(n, "session"), whose)
	}
	return fmt.Sprintf("cancels %s of %s", count(n, "statement"), whose)
}

func (k signal) item(b backend) action.Item {
	then := "the statement is cancelled, the session stays"
	if k.ends {
		then = "ended, its transaction rolled back"
	}
	return action.Item{ID: fmt.Sprintf("pid %d", b.guard.PID), Now: b.text(), Then: then, Guard: guard(b.guard)}
}

// advice prefers the smaller measure.
func (k signal) advice(b backend) []string {
	if k.ends && b.guard.State == "active" {
		return []string{fmt.Sprintf("pid %d runs a statement: postgres.cancel ends that alone, and keeps the session", b.guard.PID)}
	}
	return nil
}

// make signals each session in one statement with the check of its guard: a
// process id that another session has by now is not touched.
func (k signal) make(ctx context.Context, v *visit, o action.Order, items []action.Item) (action.Done, error) {
	sent := map[string]bool{}
	for _, i := range items {
		g, err := readGuard[sessionGuard](i)
		if err != nil {
			return action.Done{}, k.partly(sent, err)
		}
		r, err := v.do(ctx, o.Key, fmt.Sprintf("SELECT pg_catalog.%s(a.pid) AS sent FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid WHERE %s", k.call, g.sql()))
		if err != nil {
			return action.Done{}, k.partly(sent, err)
		}
		if truth(r.first(), "sent") {
			sent[i.ID] = true
		}
	}
	if len(sent) == 0 {
		return action.Done{}, action.Not("every one of these sessions has moved on since this was approved: look again")
	}
	return k.await(ctx, v, o, sent)
}

// partly is an error after some sessions were signalled already: those are no
// longer as they were, so it is not known to have left all as it was.
func (k signal) partly(sent map[string]bool, err error) error {
	if len(sent) == 0 {
		return err
	}
	return fmt.Errorf("%d sessions were signalled before: %s", len(sent), err.Error())
}

// signalTime is how long a session may take to heed a signal: one that reads a
// slow disk or writes to a client that is gone takes as long as that.
const signalTime = 5 * time.Second

// await looks until the signalled sessions show it, and says of each what was seen.
func (k signal) await(ctx context.Context, v *visit, o action.Order, sent map[string]bool) (action.Done, error) {
	ctx, cancel := context.WithTimeout(ctx, signalTime)
	defer cancel()
	for {
		f, err := k.fates(ctx, v.ask, o, sent)
		if err != nil {
			return action.Done{}, fmt.Errorf("look at the sessions that were signalled: %w", err)
		}
		if f.waiting == 0 || pause(ctx, 50*time.Millisecond) != nil {
			return k.done(f), nil
		}
	}
}

// fates are what has become of the approved sessions.
type fates struct {
	results []action.Result
	over    int // it has happened to these
	waiting int // signalled by us, and not shown yet
	same    int // still as approved
}

func (k signal) fates(ctx context.Context, ask asker, o action.Order, sent map[string]bool) (fates, error) {
	var wanted []wantedSession
	for _, i := range o.Preview.Items {
		g, err := readGuard[sessionGuard](i)
		if err != nil {
			return fates{}, err
		}
		wanted = append(wanted, wantedSession{pid: g.PID, guard: g})
	}
	// The last look of a wait comes when its time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	there, err := backends(ctx, ask, wanted)
	if err != nil {
		return fates{}, err
	}
	var f fates
	for i, w := range wanted {
		r, now := action.Result{ID: o.Preview.Items[i].ID}, there[w.pid]
		switch {
		case k.over(w.guard, now):
			r.OK, r.Text = true, k.past
			f.over++
		case sent[r.ID]:
			r.Text = "signalled, and does not heed it yet"
			f.waiting++
		case now.guard != w.guard:
			r.Text = "left alone: it has moved on since it was approved"
		default:
			r.Text = "still there"
			f.same++
		}
		f.results = append(f.results, r)
	}
	return f, nil
}

// lastLook bounds a look at the sessions.
const lastLook = 2 * time.Second

func (k signal) done(f fates) action.Done {
	what := "statement"
	if k.ends {
		what = "session"
	}
	return action.Done{Summary: count(f.over, what) + " " + k.past, Items: f.results}
}

// stands counts a session that has moved on to something else neither as done
// nor as left to do: it is not what was approved.
func (k signal) stands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	f, err := k.fates(ctx, ask, o, nil)
	if err != nil {
		return action.Standing{}, err
	}
	done := k.done(f)
	switch {
	case f.over == 0:
		return standing(action.NotMade, nil, "%s: none of %d", k.past, len(f.results)), nil
	case f.same > 0:
		return standing(action.PartlyMade, &done, "%s, %d still there", done.Summary, f.same), nil
	}
	return standing(action.Made, &done, "%s", done.Summary), nil
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

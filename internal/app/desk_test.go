package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/policy"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/recovery"
)

// office is a real Postgres with a role that has no limit, and a directory in
// which people work on it.
type office struct {
	server *realserver.Postgres
	setup  app.Setup
	state  string
}

func newOffice(t *testing.T, p policy.Policy) *office {
	t.Helper()
	server := realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{"log_statement": "all"}})
	server.Exec(t, "postgres", "CREATE ROLE shop LOGIN")
	return &office{server: server, state: t.TempDir(), setup: app.Setup{
		Services:  []app.ServiceSetup{{Name: "api", Environment: "production", Targets: []string{"main"}}},
		Targets:   []app.TargetSetup{{Name: "main", Kind: "postgres", Settings: connector.Settings{"url": server.URL("postgres", "app")}}},
		Playbooks: []string{"testdata/desk"}, Policy: p,
	}}
}

func (o *office) desk(t *testing.T, who string) *app.Desk {
	t.Helper()
	d, err := app.OpenDesk(t.Context(), o.setup, app.DeskOptions{Who: who, State: o.state})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// planned is an incident with a plan by a playbook.
func (o *office) planned(t *testing.T, d *app.Desk, playbook string) incident.Ref {
	t.Helper()
	req := app.Request{Playbook: playbook}
	out, err := d.Diagnose(t.Context(), req)
	require.NoError(t, err)
	id, err := d.Save(t.Context(), req, out)
	require.NoError(t, err)
	p, err := d.MakePlan(t.Context(), id, app.PlanOptions{})
	require.NoError(t, err)
	require.Len(t, p.Steps, 1, p.Notes)
	require.Empty(t, p.Steps[0].Blocked)
	ref, err := incident.ParseRef(p.ID)
	require.NoError(t, err)
	return ref
}

func (o *office) limit(t *testing.T) (n int) {
	t.Helper()
	conn := o.server.ConnectAs(t, "postgres", "postgres", "test")
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'shop'").Scan(&n))
	return n
}

func step(ref incident.Ref, n int64) incident.Ref {
	ref.Step = n
	return ref
}

func TestTheWholeWay(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	d := o.desk(t, "ann")
	ref := o.planned(t, d, "limit")
	before := o.limit(t)

	_, end, err := d.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Waiting, end.Outcome, "nobody has approved it")
	require.Equal(t, before, o.limit(t))

	_, err = d.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	_, end, err = d.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
	require.Equal(t, 5, o.limit(t))

	items, err := d.Resolve(t.Context(), incident.Ref{Incident: ref.Incident}.String(), "done", false)
	require.NoError(t, err)
	require.Len(t, items, 2)

	v, err := d.Undo(t.Context(), step(ref, 1), "the batch needs more", false)
	require.NoError(t, err)
	require.Equal(t, recovery.TakenOut, v.Standing)
	require.Equal(t, before, o.limit(t))
	_, err = d.Undo(t.Context(), step(ref, 1), "again", false)
	require.ErrorContains(t, err, "has been taken back already")

	proved, err := d.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.Greater(t, proved.Entries, int64(10))
}

// A second plan rests on what is so after the first one, and does not propose
// again what is known not to have helped.
func TestTheNextPlanKnowsWhatWasTried(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	d := o.desk(t, "ann")
	ref := o.planned(t, d, "wrong")
	p, _, err := d.Plan(t.Context(), ref)
	require.NoError(t, err)

	again, err := d.MakePlan(t.Context(), p.Incident, app.PlanOptions{})
	require.NoError(t, err)
	require.Len(t, again.Steps, 1, "nothing was tried yet")
	require.Equal(t, p.Evidence, again.Evidence, "and nothing asked again")

	_, err = d.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	_, end, err := d.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.NotHelped, end.Outcome, end.Text)

	asked := ""
	next, err := d.MakePlan(t.Context(), p.Incident, app.PlanOptions{Progress: func(text string) { asked += text }})
	require.NoError(t, err)
	require.Contains(t, asked, "was made before something was changed: asking again")
	require.NotEqual(t, p.Evidence, next.Evidence)
	require.Empty(t, next.Steps)
	require.Len(t, next.Notes, 1)
	require.Contains(t, next.Notes[0], "postgres.role_limit on main is not in the plan: step "+p.Steps[0].ID+" tried that")
	require.Contains(t, next.Notes[0], "it did not help")
}

// A verification asks what has changed as a diagnosis does: here a checkout tells
// it, which no playbook names.
func TestAVerificationKnowsWhatHasChanged(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	code := t.TempDir()
	for _, args := range [][]string{{"init", "-q"}, {"commit", "-q", "--allow-empty", "-m", "release"}} {
		cmd := exec.Command("git", append([]string{"-C", code, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	o.setup.Targets = append(o.setup.Targets, app.TargetSetup{Name: "code", Kind: "git", Settings: connector.Settings{"dir": code}})
	o.setup.Services[0].Targets = append(o.setup.Services[0].Targets, "code")
	d := o.desk(t, "ann")
	ref := o.planned(t, d, "released")
	_, err := d.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	_, end, err := d.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
}

// What a log said before a change does not stand against it for a quarter of an
// hour, where it said it ten times a second and has been silent since.
func TestALogThatFallsSilentShowsThatItHelped(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	log := filepath.Join(t.TempDir(), "api.log")
	var lines strings.Builder
	for ago := 20 * time.Second; ago > 0; ago -= 100 * time.Millisecond {
		fmt.Fprintf(&lines, `{"time":"%s","service":"api","level":"error","message":"role has no limit"}`+"\n", time.Now().Add(-ago).UTC().Format(time.RFC3339Nano))
	}
	require.NoError(t, os.WriteFile(log, []byte(lines.String()), 0o644))
	o.setup.Targets = append(o.setup.Targets, app.TargetSetup{Name: "logs", Kind: "logs", Settings: connector.Settings{"paths": []any{log}}})
	o.setup.Services[0].Targets = append(o.setup.Services[0].Targets, "logs")
	d := o.desk(t, "ann")
	ref := o.planned(t, d, "complains")
	_, err := d.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, end, err := d.Apply(ctx, ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
}

// A plan is made with questions alone: the server's log of statements has
// nothing in it that could change anything.
func TestAPlanTouchesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	d := o.desk(t, "ann")
	before, err := os.ReadFile(o.server.LogFile)
	require.NoError(t, err)
	o.planned(t, d, "limit")
	after, err := os.ReadFile(o.server.LogFile)
	require.NoError(t, err)
	asked := string(after[len(before):])
	require.Contains(t, asked, "rolconnlimit", "it has asked")
	require.Contains(t, asked, "READ ONLY")
	for _, word := range []string{"ALTER ", "UPDATE ", "DELETE ", "INSERT ", "CREATE ", "DROP ", "pg_terminate_backend(", "pg_cancel_backend(", "READ WRITE"} {
		require.NotContains(t, strings.ToUpper(asked), strings.ToUpper(word))
	}
	require.Equal(t, -1, o.limit(t))
}

func TestAnApprovalIsForOneWorldOneTimeAndOtherPeople(t *testing.T) {
	t.Parallel()
	key := map[action.Risk]policy.Need{action.R2: policy.One}
	o := newOffice(t, policy.Policy{Risk: key, Approvers: []policy.Approver{{Name: "ann"}, {Name: "bob"}}, Expires: 2 * time.Second})
	ann, bob, eve := o.desk(t, "ann"), o.desk(t, "bob"), o.desk(t, "eve")
	ref := o.planned(t, ann, "limit")

	_, err := ann.Approve(t.Context(), ref, nil)
	require.ErrorContains(t, err, "ann made the plan: somebody else has to approve it")
	_, err = eve.Approve(t.Context(), ref, nil)
	require.ErrorContains(t, err, "eve is not one of those who may approve this")

	_, err = bob.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	time.Sleep(2100 * time.Millisecond) // real time: approvals run out by the clock
	_, end, err := ann.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Waiting, end.Outcome)
	require.Contains(t, end.Text, "expired")

	o.server.Exec(t, "postgres", "ALTER ROLE shop CONNECTION LIMIT 7")
	_, err = bob.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	_, end, err = ann.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.NeedsPerson, end.Outcome)
	require.Contains(t, end.Text, "changed since it was planned")
	require.Equal(t, 7, o.limit(t))
}

func TestTwoPeopleApprovingAtOnceBothCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{Risk: map[action.Risk]policy.Need{action.R2: policy.Two}})
	ann := o.desk(t, "ann")
	ref := o.planned(t, ann, "limit")
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	for _, who := range []string{"bob", "eve"} {
		d := o.desk(t, who)
		wg.Go(func() {
			_, err := d.Approve(t.Context(), ref, nil)
			errs <- err
		})
	}
	wg.Wait()
	require.NoError(t, <-errs)
	require.NoError(t, <-errs)
	_, end, err := ann.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
}

func TestTheKillSwitchStopsEverybody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	ann, bob := o.desk(t, "ann"), o.desk(t, "bob")
	ref := o.planned(t, ann, "limit")
	_, err := ann.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	require.NoError(t, bob.StopAll(t.Context(), "a migration runs until six"))
	_, end, err := ann.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Waiting, end.Outcome)
	require.Contains(t, end.Text, "a migration runs until six")
	require.Equal(t, -1, o.limit(t))
	require.NoError(t, bob.StopAll(t.Context(), ""))
	_, end, err = ann.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
}

func TestTwoProcessesApplyingAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	ann, bob := o.desk(t, "ann"), o.desk(t, "bob")
	ref := o.planned(t, ann, "limit")
	_, err := ann.Approve(t.Context(), ref, nil)
	require.NoError(t, err)
	errs := make(chan error, 2)
	for _, d := range []*app.Desk{ann, bob} {
		go func() {
			_, _, err := d.Apply(t.Context(), ref, nil)
			errs <- err
		}()
	}
	a, b := <-errs, <-errs
	if a == nil {
		a, b = b, a
	}
	require.ErrorIs(t, a, incident.ErrHeld)
	require.NoError(t, b)
	log, err := os.ReadFile(o.server.LogFile)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(log), "CONNECTION LIMIT 5"), "the server was told once")
}

func TestALadderIsClimbedAndLeft(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	d := o.desk(t, "ann")
	p, err := d.MakeLadder(t.Context(), "limit", "api")
	require.NoError(t, err)
	require.Len(t, p.Steps, 1)
	ref, err := incident.ParseRef(p.ID)
	require.NoError(t, err)
	_, err = d.Approve(t.Context(), ref, []int{1})
	require.NoError(t, err)
	_, end, err := d.Apply(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
	_, err = d.MakeLadder(t.Context(), "db/vacuum", "nobody")
	require.ErrorContains(t, err, "ladder")
}

// Whoever can write to the file of the record can write anything into it. It
// must not move anything.
func TestAnAlteredRecordMovesNothing(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]string{
		"the plan's argument": `UPDATE events SET data = CAST(replace(CAST(data AS TEXT), '"limit":5', '"limit":7') AS BLOB) WHERE kind = 'planned'`,
		"the plan's risk":     `UPDATE events SET data = CAST(replace(CAST(data AS TEXT), '"risk":"R2"', '"risk":"R1"') AS BLOB) WHERE kind = 'planned'`,
		"an event is gone":    `DELETE FROM events WHERE kind = 'approved'`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, policy.Policy{})
			d := o.desk(t, "ann")
			ref := o.planned(t, d, "limit")
			_, err := d.Approve(t.Context(), ref, nil)
			require.NoError(t, err)
			db, err := sql.Open("sqlite", filepath.Join(o.state, "incidents.db"))
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), change)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			_, _, err = d.Apply(t.Context(), ref, nil)
			require.ErrorContains(t, err, "the record was altered")
			_, err = d.Approve(t.Context(), ref, nil)
			require.ErrorContains(t, err, "the record was altered")
			require.Equal(t, -1, o.limit(t))
		})
	}
}

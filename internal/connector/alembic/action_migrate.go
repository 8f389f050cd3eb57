package alembic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// migration does one of the two directions.
type migration struct {
	t          *Target
	spec       action.Spec
	verb, back string
}

// stepGuard is one revision as it was approved: what stands before it, and a
// digest of its script (of its SQL where the script lies on another machine).
type stepGuard struct {
	Before string `json:"before"` // the revision that the database leaves
	After  string `json:"after"`  // and the one that it reaches
	Script string `json:"script"`
}

// outlook is everything that a preview rests on.
type outlook struct {
	state state
	route route
	sql   script
	// silent is why the SQL cannot be shown.
	silent string
}

// Preview implements action.Doer.
func (m migration) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	g, s, err := m.t.where(ctx)
	if err != nil {
		return action.Preview{}, m.t.unavailable(err)
	}
	p, l, err := m.look(ctx, c, g, s)
	if err == nil && !p.Already {
		err = m.wayBack(ctx, &p, l)
	}
	if err != nil {
		return action.Preview{}, m.t.unavailable(err)
	}
	return p, nil
}

// look finds the way, asks for its SQL, and says what that would do.
func (m migration) look(ctx context.Context, c action.Change, g graph, s state) (p action.Preview, l outlook, err error) {
	if c.Type != m.spec.Name {
		return p, l, action.Refuse("", "%s was asked to do %s", m.spec.Name, c.Type)
	}
	l.state = s
	if l.route, err = m.route(g, s, c.Args); err != nil {
		return p, l, err
	}
	warning, err := m.order(g, l.route, c.Args.Text("code"))
	if err != nil {
		return p, l, err
	}
	p = action.Preview{
		Identity: s.database,
		Summary:  fmt.Sprintf("%ss %s from %s to %s", m.verb, s.database, orBase(l.route.from), orBase(l.route.to)),
	}
	if len(l.route.steps) == 0 {
		p.Already, p.Summary = true, fmt.Sprintf("%s is at %s", s.database, orBase(l.route.from))
		return p, l, nil
	}
	if l.sql, l.silent, err = m.t.offline(ctx, m.verb, l.route.span); err != nil {
		return p, l, err
	}
	if warning != "" {
		p.Warnings = append(p.Warnings, warning)
	}
	before := l.route.from
	for i, r := range l.route.steps {
		g := m.guard(l, i, before)
		before = g.After
		p.Items = append(p.Items, m.item(l, r, g))
	}
	m.weigh(&p, l)
	return p, l, nil
}

// where reads the scripts and asks where the database stands.
func (t *Target) where(ctx context.Context) (graph, state, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.timeout)
	defer cancel()
	g, err := t.graph(ctx)
	if err != nil {
		return g, state{}, err
	}
	s, err := t.state(ctx, g)
	return g, s, err
}

// offline asks for the SQL of a way. A script that reads data while it runs
// cannot say it; silent is why.
func (t *Target) offline(ctx context.Context, verb, span string) (s script, silent string, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.timeout)
	defer cancel()
	out, err := t.run(ctx, reading, "quell", verb, span, "--sql")
	var run *failed
	switch {
	case errors.As(err, &run) && run.err == nil:
		return s, run.said, nil
	case err != nil:
		return s, "", err
	case out.cut:
		return s, fmt.Sprintf("it is longer than %d MB", outputKept>>20), nil
	}
	return readScript(out.text), "", nil
}

func (m migration) guard(l outlook, i int, before string) stepGuard {
	r := l.route.steps[i]
	g := stepGuard{Before: before, After: r.id, Script: digest(r.path, l.sql.step(r.id))}
	if m.verb == "downgrade" {
		g.After = l.route.to
		if i+1 < len(l.route.steps) {
			g.After = l.route.steps[i+1].id
		}
	}
	return g
}

// digest names a script by its bytes.
func digest(path string, step scriptStep) string {
	data, err := os.ReadFile(path)
	if err != nil {
		data = []byte(strings.Join(step.statements, ";\n"))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// shownSQL bounds what an item shows of a revision's SQL, in bytes.
const shownSQL = 4000

func (m migration) item(l outlook, r revision, g stepGuard) action.Item {
	text := strings.Join(l.sql.step(r.id).statements, ";\n")
	switch {
	case l.silent != "":
		text = "its SQL cannot be shown"
	case text == "":
		text = "nothing is done"
	case len(text) > shownSQL:
		text = strings.ToValidUTF8(text[:shownSQL], "") + " …"
	}
	now, data := "not applied: "+r.about, guardText(g)
	if m.verb == "downgrade" {
		now = "applied: " + r.about
	}
	return action.Item{ID: "revision " + r.id, Now: m.t.redact(now), Then: m.t.redact(text), Guard: data}
}

func guardText(g stepGuard) string {
	data, err := json.Marshal(g)
	if err != nil {
		panic(err) // three texts
	}
	return string(data)
}

// weigh adds what the SQL says of locks and losses.
func (m migration) weigh(p *action.Preview, l outlook) {
	if l.silent != "" {
		p.Warnings = append(p.Warnings, "the SQL cannot be shown before it runs: "+l.silent)
		p.TwoPeople = "nobody can see beforehand what it does"
		return
	}
	var steps []scriptStep
	for _, r := range l.route.steps {
		steps = append(steps, l.sql.step(r.id))
	}
	found := hazardsOf(steps)
	for _, n := range found.notes {
		p.Warnings = append(p.Warnings, m.t.redact(n))
	}
	if len(found.destroys) > 0 {
		p.Risk, p.Destroys = action.R4, m.t.redact(strings.Join(found.destroys, "; "))
	}
}

// wayBack says how it is taken back: an upgrade, by downgrades that do something.
func (m migration) wayBack(ctx context.Context, p *action.Preview, l outlook) error {
	p.Undo = fmt.Sprintf("alembic.%s to %s", m.back, orBase(l.route.from))
	if m.verb == "downgrade" {
		return nil
	}
	back, silent, err := m.t.offline(ctx, m.back, orBase(l.route.to)+":"+orBase(l.route.from))
	if err != nil {
		return err
	}
	no := silent
	for _, r := range l.route.steps {
		if no == "" && l.silent == "" && len(l.sql.step(r.id).statements) > 0 && len(back.step(r.id).statements) == 0 {
			no = "the script of " + r.id + " does not say how"
		}
	}
	if no != "" {
		p.Undo = ""
		p.Warnings = append(p.Warnings, "there is no way back: "+m.t.redact(no))
	}
	return nil
}

// Apply implements action.Doer.
func (m migration) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	if !m.t.changes.TryLock() {
		return action.Done{}, action.NotYet("another migration is under way from here")
	}
	defer m.t.changes.Unlock()
	g, s, err := m.t.where(ctx)
	if err != nil {
		return action.Done{}, notBegun(m.t.unavailable(err))
	}
	switch before := m.standing(g, s, o); before.State {
	case action.Made:
		return *before.Done, nil
	case action.CannotTell:
		return action.Done{}, action.Not("%s", before.Text)
	}
	now, l, err := m.look(ctx, o.Change, g, s)
	if err != nil {
		return action.Done{}, notBegun(m.t.unavailable(err))
	}
	if err := stillSo(o.Preview, now); err != nil {
		return action.Done{}, err
	}
	_, failure := m.t.run(ctx, m.options(ctx, o), "alembic (quell "+o.Key+")", m.verb, orBase(l.route.to))
	if failure != nil && ctx.Err() != nil {
		return action.Done{}, fmt.Errorf("it is unknown whether it happened: %w", failure)
	}
	return m.outcome(ctx, o, g, l, failure)
}

// notBegun is an error of the looks before the act: nothing happened.
func notBegun(err error) error {
	var gone *action.Unavailable
	if errors.As(err, &gone) {
		return action.NotYet("%s", gone.Text)
	}
	return err
}

// options bound the sessions of a migration on the server, should we be gone.
func (m migration) options(ctx context.Context, o action.Order) string {
	options := fmt.Sprintf("-c default_transaction_read_only=off -c lock_timeout=%d", max(o.Args.Duration("lock_timeout").Milliseconds(), 1))
	if deadline, ok := ctx.Deadline(); ok {
		options += fmt.Sprintf(" -c statement_timeout=%d", max(time.Until(deadline).Milliseconds(), 1))
	}
	return options
}

// outcome asks the database what a run has come to: its exit code alone says
// neither that all was done nor that nothing was.
func (m migration) outcome(ctx context.Context, o action.Order, g graph, l outlook, failure error) (action.Done, error) {
	s, err := m.t.state(ctx, g)
	if err != nil {
		return action.Done{}, fmt.Errorf("it is unknown whether it happened: %w", err)
	}
	after := m.standing(g, s, o)
	why := after.Text
	if failure != nil {
		why = failure.Error()
	}
	switch {
	case after.State == action.Made:
		return *after.Done, nil
	case after.State == action.PartlyMade:
		return action.Done{}, &action.Failure{State: action.PartlyMade, Done: after.Done, Text: after.Text + ": " + why}
	case after.State == action.NotMade && failure != nil && m.wholeOrNothing(l):
		if passingWords.MatchString(why) {
			return action.Done{}, action.NotYet("%s", why)
		}
		return action.Done{}, action.Not("%s", why)
	}
	return action.Done{}, fmt.Errorf("it is unknown how much of it happened: %s", why)
}

// wholeOrNothing is a migration of which nothing is left when it fails: one on
// Postgres, all of whose statements run in a transaction.
func (m migration) wholeOrNothing(l outlook) bool {
	if l.silent != "" || !strings.HasPrefix(l.state.database, "postgresql") {
		return false
	}
	return !slices.ContainsFunc(l.sql.steps, func(s scriptStep) bool { return s.alone > 0 })
}

// stillSo compares what is left of an approved preview with that of now.
func stillSo(approved, now action.Preview) error {
	if approved.Identity != now.Identity {
		return action.Not("the target is no longer what it was: it was %s and is %s", approved.Identity, now.Identity)
	}
	left := approved.Items[max(len(approved.Items)-len(now.Items), 0):]
	same := slices.EqualFunc(left, now.Items, func(a, b action.Item) bool { return a.ID == b.ID && a.Guard == b.Guard })
	if !same || len(left) == 0 {
		return action.Not("the database or the scripts have changed since this was approved: plan it again")
	}
	return nil
}

package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/keyring"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/policy"
	"github.com/quellhq/quell/internal/recovery"
)

// killSwitch is the store's value that stops all changes: why, or nothing.
const killSwitch = "stop"

// gate is the operator's policy and people's approvals, as the executor asks
// them.
type gate struct{ desk *Desk }

func (d *Desk) gate() *gate { return &gate{d} }

// Pass says whether a step may be carried out now, and who approved it.
func (g *gate) Pass(ctx context.Context, p plan.Plan, s plan.Step, v recovery.View, found action.Preview, now time.Time) ([]string, *incident.Held) {
	decision, err := g.decide(ctx, s, found, p.By, now, false)
	if err != nil {
		return nil, &incident.Held{Reason: incident.HeldPolicy, Text: err.Error()}
	}
	if held := refusedByPolicy(decision); held != nil {
		return nil, held
	}
	keys, err := g.keys(v.Approvals)
	if err != nil {
		return nil, &incident.Held{Reason: incident.HeldPolicy, Text: err.Error()}
	}
	verdict := approval.Check(v.Approvals, approval.Want{
		Plan: p.ID, Step: s.ID, StepDigest: s.Digest(), Target: found.Identity, Evidence: p.Evidence, Decision: decision,
		Key: s.ID, Requester: p.By, Now: now, Keys: keys, Used: used(s, v),
	})
	if verdict.Enough {
		return verdict.By, nil
	}
	lines := make([]string, 0, len(verdict.Refusals))
	for _, r := range verdict.Refusals {
		lines = append(lines, r.Text)
	}
	return nil, &incident.Held{Reason: incident.HeldUnapproved, Text: strings.Join(lines, "; ") + fmt.Sprintf(": `quell approve %s --step %s`", p.ID, stepNumber(s.ID))}
}

// used are the approvals that a step has used up: one that was begun, and of
// which it is not known that nothing happened.
func used(s plan.Step, v recovery.View) map[string]bool {
	begun := v.Standing == recovery.Unknown || v.Result != nil && v.Result.State == action.Made
	return map[string]bool{s.ID: begun}
}

func stepNumber(id string) string { return id[strings.LastIndexByte(id, '.')+1:] }

// MayUndo says whether a step may be taken back now. Freezes and limits let it
// through; the kill switch does not.
func (g *gate) MayUndo(ctx context.Context, s plan.Step, now time.Time) *incident.Held {
	decision, err := g.decide(ctx, s, s.Preview, g.desk.who, now, true)
	if err != nil {
		return &incident.Held{Reason: incident.HeldPolicy, Text: err.Error()}
	}
	return refusedByPolicy(decision)
}

func refusedByPolicy(d policy.Decision) *incident.Held {
	if d.Refused == "" {
		return nil
	}
	text := d.Refused
	if !d.Until.IsZero() {
		text += " (until " + d.Until.UTC().Format(time.RFC3339) + ")"
	}
	return &incident.Held{Reason: incident.HeldPolicy, Text: text}
}

// decide asks policy about a step for each of its services: whatever one of
// them asks for is asked for.
func (g *gate) decide(ctx context.Context, s plan.Step, found action.Preview, by string, now time.Time, undo bool) (policy.Decision, error) {
	recent, err := g.recent(ctx, now)
	if err != nil {
		return policy.Decision{}, err
	}
	earning := g.desk.setup.Policy.Auto.Filled()
	record, err := g.record(ctx, s.Change.Type, now.Add(-earning.Within))
	if err != nil {
		return policy.Decision{}, err
	}
	stop, err := g.desk.store.Get(ctx, killSwitch)
	if err != nil {
		return policy.Decision{}, fmt.Errorf("read the kill switch: %w", err)
	}
	// The class is that of the type, whatever the record says of the step.
	spec, known := g.desk.known("").Spec(s.Change.Type)
	if !known {
		return policy.Decision{}, fmt.Errorf("no action is called %q any more", s.Change.Type)
	}
	services := s.Services
	if len(services) == 0 {
		services = []string{""}
	}
	decisions := make([]policy.Decision, 0, len(services))
	for _, service := range services {
		decisions = append(decisions, policy.Decide(g.desk.setup.Policy, policy.Ask{
			Subject: policy.Subject{
				Action: s.Change.Type, Risk: s.Risk.Worse(spec.Risk).Worse(found.Risk), Service: service,
				Environment: g.desk.environment(service), Target: s.Target,
			},
			Now: now, Blast: found.Touches(), TwoPeople: found.TwoPeople, RecentChanges: recent, Record: record,
			KillSwitch: stop, Requester: by, Undo: undo,
		}))
	}
	return policy.Strictest(decisions[0], decisions[1:]...), nil
}

// keys are the public keys of the people who approved: what quell.yaml says,
// else the key in this machine's key ring.
func (g *gate) keys(given []approval.Envelope) (map[string]ed25519.PublicKey, error) {
	out := map[string]ed25519.PublicKey{}
	for _, a := range g.desk.setup.Policy.Approvers {
		if len(a.Key) > 0 {
			out[a.Name] = a.Key
		}
	}
	for _, e := range given {
		if _, known := out[e.Approver]; known {
			continue
		}
		key, err := g.desk.ring.Public(e.Approver)
		switch {
		case err == nil:
			out[e.Approver] = key
		case !errors.Is(err, keyring.ErrNone):
			return nil, fmt.Errorf("read the key of %s: %w", e.Approver, err)
		}
	}
	return out, nil
}

// environment is that of a service by its name.
func (d *Desk) environment(service string) string {
	for _, s := range d.setup.Services {
		if s.Name == service {
			return s.Environment
		}
	}
	return ""
}

// Approval is one that was given.
type Approval struct {
	Step    string    `json:"step"`
	By      string    `json:"by"`
	Until   time.Time `json:"until"`
	Missing string    `json:"missing,omitempty"` // what it takes besides, in words
}

// Approve signs steps of a plan, or all that need it, in the name of the person
// at the desk. An approval that could not count is refused and not kept.
func (d *Desk) Approve(ctx context.Context, ref incident.Ref, numbers []int) ([]Approval, error) {
	if ref.Step > 0 {
		numbers = append(numbers, int(ref.Step))
	}
	if err := d.sound(ctx, d.note); err != nil {
		return nil, err
	}
	p, run, err := d.Plan(ctx, ref.InPlan())
	if err != nil {
		return nil, err
	}
	if err := d.stillOpen(ctx, p); err != nil {
		return nil, err
	}
	named, err := steps(p, numbers)
	if err != nil {
		return nil, err
	}
	var given []Approval
	var events []incident.Event
	for _, s := range p.Steps {
		if len(named) > 0 && !contains(named, s.ID) {
			continue
		}
		e, a, err := d.approve(ctx, p, run, s, len(named) > 0)
		if err != nil {
			return nil, err
		}
		if a == nil {
			continue
		}
		event, err := incident.New(incident.KindApproved, d.who, s.ID, e)
		if err != nil {
			return nil, err
		}
		events, given = append(events, event), append(given, *a)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("plan %s has no step that could be approved: `quell plan %s` says why", p.ID, p.ID)
	}
	return given, d.append(ctx, p.Incident, events...)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// approve signs one step. Without being named, steps that cannot be applied or
// were are passed over.
func (d *Desk) approve(ctx context.Context, p plan.Plan, run *recovery.Run, s plan.Step, named bool) (approval.Envelope, *Approval, error) {
	v, _ := run.View(s.ID)
	none := approval.Envelope{}
	skip := func(format string, args ...any) (approval.Envelope, *Approval, error) {
		if named {
			return none, nil, fmt.Errorf(format, args...)
		}
		return none, nil, nil
	}
	if s.Blocked != "" {
		return skip("step %s cannot be applied: %s", s.ID, s.Blocked)
	}
	if used(s, v)[s.ID] {
		return skip("step %s is %s: there is nothing to approve", s.ID, v.Standing)
	}
	now := d.now().UTC()
	decision, err := d.gate().decide(ctx, s, s.Preview, p.By, now, false)
	if err != nil {
		return none, nil, err
	}
	if decision.Autonomy == policy.Observe || decision.Autonomy == policy.Suggest {
		return skip("step %s: %s", s.ID, decision.Refused)
	}
	if len(decision.Approvers) > 0 && !contains(decision.Approvers, d.who) {
		// Refused before a key is made for somebody whose word does not count.
		return none, nil, fmt.Errorf("step %s: %s is not one of those who may approve this: %s", s.ID, d.who, joined(decision.Approvers))
	}
	signer, err := d.ring.Signer(d.who)
	if err != nil {
		return none, nil, fmt.Errorf("sign as %s: %w", d.who, err)
	}
	e, err := approval.Sign(approval.Envelope{
		Plan: p.ID, Step: s.ID, StepDigest: s.Digest(), Target: s.Preview.Identity, Evidence: p.Evidence, Decision: decision.Digest(),
		Approver: d.who, Requester: p.By, At: now, Expires: now.Add(decision.Expires), Key: s.ID,
	}, signer)
	if err != nil {
		return none, nil, err
	}
	missing, err := d.counts(p, s, v, e, decision, now)
	if err != nil {
		return none, nil, fmt.Errorf("step %s: %w", s.ID, err)
	}
	return e, &Approval{Step: s.ID, By: d.who, Until: e.Expires, Missing: missing}, nil
}

// counts says what is missing besides a new approval, and refuses one that
// does not count.
func (d *Desk) counts(p plan.Plan, s plan.Step, v recovery.View, e approval.Envelope, decision policy.Decision, now time.Time) (string, error) {
	all := append(append([]approval.Envelope{}, v.Approvals...), e)
	keys, err := d.gate().keys(all)
	if err != nil {
		return "", err
	}
	verdict := approval.Check(all, approval.Want{
		Plan: p.ID, Step: s.ID, StepDigest: s.Digest(), Target: s.Preview.Identity, Evidence: p.Evidence, Decision: decision,
		Key: s.ID, Requester: p.By, Now: now, Keys: keys,
	})
	for _, r := range verdict.Refusals {
		// Approving again prolongs one's own word.
		if r.Envelope.Signature == e.Signature && r.Reason != approval.Twice {
			return "", fmt.Errorf("%s", r.Text)
		}
	}
	if verdict.Enough {
		return "", nil
	}
	return "; " + verdict.Refusals[len(verdict.Refusals)-1].Text, nil
}

var _ execution.Gate = (*gate)(nil)

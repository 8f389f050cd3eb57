package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/lab/stack"
)

// Closed is what came of a whole incident: diagnosed, planned, approved by the
// lab and applied by the binary, and then held against what customers feel.
type Closed struct {
	Fault   string   `json:"fault"`
	Group   string   `json:"group"`
	Seed    uint64   `json:"seed"`
	Steps   []string `json:"steps"`   // types of the actions of the plans, in order
	Plans   int      `json:"plans"`   // that were applied, one after another
	Outcome string   `json:"outcome"` // as quell says: "recovered"
	Text    string   `json:"text,omitempty"`
	// Well is what the world says afterwards, whatever quell says.
	Well bool `json:"well"`
	// Worse: customers are worse off than before anything was done.
	Worse   bool    `json:"worse"`
	Seconds float64 `json:"seconds"` // from the fault to the end of the run
	Error   string  `json:"error,omitempty"`
	// Diagnosed is what the diagnosis that it began with was worth; nil: there was none.
	Diagnosed *Result `json:"diagnosed,omitempty"`
}

// Wrong reports a recovery that is none.
func (c Closed) Wrong() bool { return c.Outcome == string(incident.Recovered) && !c.Well }

// Acted reports whether the plan had anything for the executor to do.
func (c Closed) Acted() bool { return len(c.Steps) > 0 }

// times of a closed loop: how long customers are listened to before and after,
// and how long everything may take.
const (
	listening = 6 * time.Second
	calming   = 8 * time.Second
	patience  = 9 * time.Minute
	// applying bounds the run of all plans: customers who have waited longer have
	// not been helped, whatever comes of it.
	applying = 4 * time.Minute
)

// mostPlans is how often quell is asked what to do: a plan that has become stale,
// or that has not helped, says itself that another one is to be made.
const mostPlans = 3

// tooLong is the outcome of a run that the lab has broken off.
const tooLong = "takes too long"

// Close brings the fault about and lets quell go the whole way, as one person
// who may approve everything, and a second one where policy asks for two.
func (t Trial) Close(ctx context.Context) (Closed, error) {
	s, err := stack.Start(ctx, stack.Options{Seed: t.Seed})
	if err != nil {
		return Closed{}, err
	}
	defer s.Stop()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := Closed{Fault: t.Fault.Name, Group: t.Fault.Group, Seed: t.Seed}
	began := time.Now()
	if err := t.Bring(ctx, s); err != nil {
		return c, err
	}
	before := s.Customers.Felt(listening)
	if err := t.carryOut(ctx, s, &c); err != nil {
		return c, err
	}
	if t.Keep != "" { // once more, with all that was measured
		if err := t.keep(s, *c.Diagnosed); err != nil {
			return c, err
		}
	}
	c.Seconds = time.Since(began).Seconds()
	if err := pause(ctx, calming+listening); err != nil {
		return c, err
	}
	after := s.Customers.Felt(listening)
	c.Well = !ill(after)
	if t.Fault.Ill != nil {
		still, err := t.Fault.Ill(ctx, s)
		if err != nil {
			return c, fmt.Errorf("ask the world about %s: %w", t.Fault.Name, err)
		}
		c.Well = c.Well && !still
	}
	c.Worse = after.Failed > before.Failed+0.05 || after.Median > 2*before.Median+200*time.Millisecond
	return c, nil
}

// ill is what customers complain about: one request in fifty fails, or one in
// twenty takes more than a second.
func ill(f stack.Felt) bool { return f.Requests == 0 || f.Failed > 0.02 || f.Late > time.Second }

// nothingToDo says what was found, and why each step that there is cannot be taken.
func nothingToDo(p plan.Plan) string {
	said := []string{p.Summary}
	for _, step := range p.Steps {
		said = append(said, step.Change.Type+": "+step.Blocked)
	}
	for _, task := range p.Tasks {
		said = append(said, "by hand: "+task.Title)
	}
	return strings.Join(append(said, p.Notes...), "\n")
}

// carryOut goes from the question to the end of the plan.
func (t Trial) carryOut(ctx context.Context, s *stack.Stack, c *Closed) error {
	t.Save = true
	r, err := t.Ask(ctx, s)
	if err != nil {
		return err
	}
	c.Diagnosed = &r
	bounded, cancel := context.WithTimeout(ctx, applying)
	defer cancel()
	for c.Plans < mostPlans {
		again, err := t.onePlan(bounded, s, c)
		if bounded.Err() != nil && ctx.Err() == nil {
			c.Outcome = tooLong
			return nil
		}
		if err != nil || !again {
			return err
		}
	}
	return nil
}

// onePlan asks for a plan, has it approved and applies it. again: quell says
// that another plan is to be made, as it did of one that had become stale or had
// not helped.
func (t Trial) onePlan(ctx context.Context, s *stack.Stack, c *Closed) (again bool, err error) {
	q := t.quell(s)
	out, err := q.run(ctx, "plan", "INC-1", "--config", s.Quell, "--json", "--as", "alice")
	if err != nil {
		return false, err
	}
	var p plan.Plan
	if err := json.Unmarshal(out, &p); err != nil {
		return false, fmt.Errorf("read the plan: %w", err)
	}
	var steps []string
	for _, step := range p.Steps {
		if step.Blocked == "" {
			steps = append(steps, step.Change.Type)
		}
	}
	if len(steps) == 0 {
		if c.Plans == 0 {
			c.Outcome = "nothing to do"
		}
		c.Text += nothingToDo(p)
		return false, nil
	}
	c.Plans++
	c.Steps = append(c.Steps, steps...)
	// One step after another, as a person at the keyboard would: what the first
	// one changes may make the preview of the next one stale.
	for _, who := range []string{"alice", "bob"} {
		if _, err := q.run(ctx, "approve", p.ID, "--config", s.Quell, "--json", "--as", who); err != nil {
			c.Text += err.Error() + "\n" // what is not approved is held back, and this says why
		}
	}
	out, err = q.run(ctx, "apply", p.ID, "--config", s.Quell, "--json", "--as", "alice")
	if err != nil {
		return false, err
	}
	var end incident.Finished
	if err := json.Unmarshal(out, &end); err != nil {
		return false, fmt.Errorf("read the end of the run: %w", err)
	}
	c.Outcome = string(end.Outcome)
	c.Text += end.Text + "\n"
	return (end.Outcome == incident.NotHelped || end.Outcome == incident.NeedsPerson) && strings.Contains(end.Text, "`quell plan "), nil
}

package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/policy"
)

// StepState is how far a step has come, for the page of a plan.
type StepState struct {
	Word string // "waiting", "helped", "undone"; empty: nothing has happened
	Text string // what was done or seen, or why it was held
	Good bool   // green; else yellow
	Open bool   // it has not been begun: what it needs is shown
	By   []string
}

// WritePlan draws a plan: each step with what it changes, what it risks, how
// it is taken back and how one will know; then what is left for people. states
// are by step id and may be nil.
func WritePlan(w io.Writer, p plan.Plan, states map[string]StepState, s Style) error {
	b := &page{Style: s, at: p.At}
	b.line(b.paint(bold, fmt.Sprintf("Plan %s", p.ID)) + "  " + upper(p.Summary))
	b.line(b.paint(dim, fmt.Sprintf("made %s by %s; nothing in it has been done by making it", p.At.UTC().Format("2006-01-02 15:04:05 UTC"), p.By)))
	b.blank()
	if len(p.Steps) == 0 {
		b.line("There is nothing in it that Quell could do.")
		b.blank()
	}
	for i, step := range p.Steps {
		b.step(i, step, states[step.ID])
	}
	for i, t := range p.Tasks {
		label := ""
		if i == 0 {
			label = "By hand"
		}
		b.task(label, t)
	}
	if len(p.Tasks) > 0 {
		b.blank()
	}
	for i, n := range p.Notes {
		label := ""
		if i == 0 {
			label = "Left out"
		}
		b.rowIn(dim, label, "", n)
	}
	if len(p.Notes) > 0 {
		b.blank()
	}
	_, err := io.WriteString(w, b.text.String())
	return err
}

// mostItems is how many things of a step are listed on the short page.
const mostItems = 4

func (b *page) step(i int, s plan.Step, state StepState) {
	kind := "now"
	if s.Kind == playbook.Fix {
		kind = "fix"
	}
	head := fmt.Sprintf("%2d  %s  ", i+1, s.Risk)
	line := b.paint(riskColour(s.Risk), head) + b.paint(bold, upper(s.Title)) + b.paint(dim, " ("+kind+")")
	if state.Word != "" {
		line += "  " + b.paint(stateColour(state), state.Word)
	}
	b.line(line)
	if state.Text != "" {
		b.row("", state.Text)
	}
	if s.Blocked != "" {
		b.rowIn(yellow, "cannot", "", s.Blocked)
	}
	b.rowIn(cyan, "does", "", s.Preview.Summary+b.planned(s))
	for n, item := range s.Preview.Items {
		if n == mostItems && !b.Full {
			b.row("", fmt.Sprintf("and %d more (--full)", len(s.Preview.Items)-n))
			break
		}
		b.rowIn("", "", "· ", fmt.Sprintf("%s: %s → %s", item.ID, b.short(item.Now, 90), b.short(item.Then, 60)))
	}
	if s.Preview.Identity != "" {
		b.rowIn(dim, "on", "", fmt.Sprintf("%s (%s)", s.Target, s.Preview.Identity))
	}
	for _, warning := range s.Preview.Warnings {
		b.rowIn(yellow, "careful", "", warning)
	}
	if s.Destroys != "" {
		text := s.Destroys
		if len(s.Captures) > 0 {
			text += "; kept first: " + strings.Join(s.Captures, ", ")
		}
		b.row("loses", text)
	}
	undo := s.Undo
	if undo == "" {
		undo = "cannot be taken back"
	}
	if s.Preview.Lasts > 0 {
		undo += fmt.Sprintf("; ends after %s", expr.FormatDuration(s.Preview.Lasts))
	}
	b.row("undo", undo)
	b.row("helped if", verified(s))
	if state.Word == "" || state.Open {
		b.rowIn(dim, "needs", "", Needs(s.Decision))
	}
	b.blank()
}

// short cuts a text on the short page.
func (b *page) short(text string, width int) string {
	if b.Full {
		return text
	}
	return cut(text, width)
}

// planned is the action's type behind what it does.
func (b *page) planned(s plan.Step) string {
	if s.Preview.Summary == "" {
		return fmt.Sprintf("%s @%s", s.Change.Type, s.Target)
	}
	return fmt.Sprintf(" (%s @%s)", s.Change.Type, s.Target)
}

func verified(s plan.Step) string {
	if s.Continues {
		return "verified with the next step, which belongs to it"
	}
	var parts []string
	if s.Verify != "" {
		parts = append(parts, "`"+s.Verify+"`")
	}
	for _, w := range s.Watch {
		parts = append(parts, "“"+w.Title+"” is gone")
	}
	return fmt.Sprintf("within %s: %s", expr.FormatDuration(s.Within), strings.Join(parts, ", and "))
}

// Needs says in words what a decision asks for.
func Needs(d policy.Decision) string {
	switch {
	case d.Refused != "":
		text := "not now: " + d.Refused
		if !d.Until.IsZero() {
			text += " (until " + d.Until.UTC().Format(time.RFC3339) + ")"
		}
		return text
	case d.Approvals == 0:
		return "no approval"
	}
	who := "anybody's approval"
	if len(d.Approvers) > 0 {
		who = "approval by " + strings.Join(d.Approvers, " or ")
	}
	if d.Approvals > 1 {
		who = fmt.Sprintf("%d approvals, by different people", d.Approvals)
		if len(d.Approvers) > 0 {
			who += " of " + strings.Join(d.Approvers, ", ")
		}
	}
	if !d.SelfApproval {
		who += ", not of who made the plan"
	}
	return who
}

func (b *page) task(label string, t plan.Task) {
	kind := "now"
	if t.Kind == playbook.Fix {
		kind = "fix"
	}
	b.rowIn(bold, label, "", fmt.Sprintf("%s (%s)", upper(t.Title), kind))
	if t.Text != "" {
		b.row("", markdownLink.ReplaceAllString(t.Text, "$1"))
	}
	for _, item := range t.Items {
		b.rowIn("", "", "☐ ", item)
	}
	if t.Why != "" {
		b.rowIn(dim, "", "", "Quell cannot do it: "+t.Why)
	}
}

func riskColour(r action.Risk) string {
	switch r {
	case action.R1:
		return green
	case action.R2:
		return cyan
	case action.R3:
		return yellow
	}
	return red
}

func stateColour(s StepState) string {
	if s.Good {
		return green
	}
	return yellow
}

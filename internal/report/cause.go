package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/playbook"
)

// Cause is a root with the way from what people felt down to it.
type Cause struct {
	ID      string
	Title   string
	Word    string // almost certain
	Percent string
	Where   string
	Problem Why   // what was felt
	Whys    []Why // each answers the one before it; the last is the root
	Also    []string
	For     []SignLine
	Against []SignLine
}

// Why is one step down.
type Why struct {
	Title string
	// Seen is false for a step that was not seen itself and lies between two
	// that were.
	Seen     bool
	Evidence string
	From     string
	Cites    []int
}

// causes are the roots, or why there is none.
func (t *teller) causes() ([]Cause, string) {
	d := t.diagnosis()
	switch {
	case t.round == nil:
		return nil, "Nobody asked: the record holds no diagnosis."
	case len(d.Roots) == 0:
		return nil, upper(d.Summary) + "."
	}
	var out []Cause
	for _, r := range d.Roots {
		out = append(out, t.cause(r))
	}
	return out, ""
}

func (t *teller) cause(r diagnosis.Root) Cause {
	c := Cause{ID: r.ID, Title: r.Title, Word: r.Word, Percent: percent(r.Probability), Where: where(r.Finding)}
	chain := slices.Clone(r.Chain)
	slices.Reverse(chain)
	for n, s := range chain {
		if n == 0 {
			c.Problem = t.why(s)
			continue
		}
		c.Whys = append(c.Whys, t.why(s))
	}
	for _, s := range r.Also {
		c.Also = append(c.Also, s.Title)
	}
	for _, s := range byPull(r.Signs) {
		switch {
		case truth(s.Truth) && s.Pull > 0:
			c.For = append(c.For, t.signLine(r.Finding, s))
		case s.Pull < 0 && (truth(s.Truth) || s.Weight != playbook.Weak):
			c.Against = append(c.Against, t.signLine(r.Finding, s))
		}
	}
	return c
}

func byPull(signs []diagnosis.SignResult) []diagnosis.SignResult {
	out := slices.Clone(signs)
	slices.SortStableFunc(out, func(a, b diagnosis.SignResult) int { return cmp.Compare(abs(b.Pull), abs(a.Pull)) })
	return out
}

func (t *teller) why(s diagnosis.Seen) Why {
	w := Why{Title: s.Title, Seen: s.Confirmed, Evidence: s.Evidence, From: strings.Join(s.Targets, ", ")}
	if !s.At.IsZero() {
		w.From = strings.TrimSpace(w.From + " at " + t.clock(s.At))
	}
	f := t.finding(s.ID)
	if f == nil {
		return w
	}
	for _, sign := range f.Signs {
		if truth(sign.Truth) && sign.Means == s.Evidence {
			for _, r := range t.answers(f, sign) {
				w.Cites = append(w.Cites, t.cite(r))
			}
			return w
		}
	}
	return w
}

// Exclusion is a look-alike that a sign ruled out.
type Exclusion struct {
	Title string
	On    string // the targets, where there are several
	Sign  SignLine
}

// mostExclusions is how many of them the report lists.
const mostExclusions = 15

// ruledOut are the causes that a sign excluded, those of the roots' own
// playbooks first: they are what one would have taken it for.
func (t *teller) ruledOut() []Exclusion {
	list := slices.Clone(t.diagnosis().RuledOut)
	near := map[string]bool{}
	for _, r := range t.diagnosis().Roots {
		near[playbookOf(r.ID)] = true
	}
	slices.SortStableFunc(list, func(a, b *diagnosis.Finding) int {
		return boolOrder(near[playbookOf(a.ID)], near[playbookOf(b.ID)])
	})
	var out []Exclusion
	for _, f := range list {
		for _, s := range f.Signs {
			if s.Weight == playbook.RulesOut && truth(s.Truth) && len(out) < mostExclusions {
				out = append(out, Exclusion{Title: f.Title, On: strings.Join(f.Targets, ", "), Sign: t.signLine(f, s)})
				break
			}
		}
	}
	return out
}

// boolOrder puts what is true first.
func boolOrder(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

// summary is the incident in at most four sentences.
func (t *teller) summary() []string {
	i := t.incident
	from := "was opened"
	if m, ok := i.Moment("detected"); ok {
		from = "was detected (" + m.From + ")"
	}
	out := []string{fmt.Sprintf("On %s at %s UTC an incident of %s %s: %s.",
		i.OpenedAt.UTC().Format("2 January 2006"), i.OpenedAt.UTC().Format("15:04"), list(i.Services), from, sentence(i.Title))}
	d := t.diagnosis()
	switch {
	case t.round == nil:
		out = append(out, "Nobody asked for its cause.")
	case len(d.Roots) > 0:
		out = append(out, fmt.Sprintf("The root cause: %s (%s, %s), in %s.", lower(d.Roots[0].Title), d.Roots[0].Word, percent(d.Roots[0].Probability), where(d.Roots[0].Finding)))
	default:
		out = append(out, fmt.Sprintf("No cause was found: %s.", d.Summary))
	}
	return append(out, t.outcome()...)
}

// list joins names as a sentence does.
func list(names []string) string {
	switch len(names) {
	case 0:
		return "no named service"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func sentence(text string) string { return strings.TrimRight(strings.TrimSpace(text), ".") }

// lower begins a title in the middle of a sentence: names keep their capitals.
func lower(title string) string {
	if len(title) > 1 && title[0] >= 'A' && title[0] <= 'Z' && title[1] >= 'a' && title[1] <= 'z' {
		return strings.ToLower(title[:1]) + title[1:]
	}
	return title
}

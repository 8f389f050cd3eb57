// Package trial tries the diagnosis on one fault: a fresh stack, an ordinary
// while, the fault, and then the question that a person on call would ask, of
// the binary that they would run.
package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/stack"
)

// Trial is how one fault is to be tried.
type Trial struct {
	Fault fault.Fault
	Seed  uint64
	Quell string        // path of the binary
	Late  time.Duration // how much later than usual the alert arrives
	// Warm replaces the fault's own time before, for a quick look; 0 keeps it.
	Warm time.Duration
	// Edit changes quell.yaml before the question, to take a source away; nil
	// leaves it.
	Edit func(yaml string) string
	// Keep is a directory that the answers are kept below, for Again; empty:
	// they are not.
	Keep string
	// Save opens an incident, for a plan to be made of it.
	Save bool
}

// Result is what came of a trial.
type Result struct {
	Fault string     `json:"fault"`
	Kind  fault.Kind `json:"kind"`
	Group string     `json:"group"`
	Cause string     `json:"cause,omitempty"`
	Seed  uint64     `json:"seed"`
	Late  string     `json:"late,omitempty"`
	// Without is the source that was taken away; empty: none.
	Without string `json:"without,omitempty"`

	// Ranks are the places of the true causes among the ranked causes, from 1,
	// one for each list of the fault's Truth; 0: not among them.
	Ranks []int `json:"ranks,omitempty"`
	// Named says of each whether it is one of the roots.
	Named   []bool   `json:"named,omitempty"`
	Words   []string `json:"words,omitempty"` // how likely each was said to be
	Chain   bool     `json:"chain"`           // the chain of a true root reaches a symptom that the fault has
	False   []string `json:"false,omitempty"` // roots that are not true
	Verdict string   `json:"verdict"`
	First   string   `json:"first,omitempty"` // the first root
	Claims  []Claim  `json:"claims,omitempty"`
	Probes  int      `json:"probes"`
	Answers int      `json:"answers"`
	Seconds float64  `json:"seconds"` // that the diagnosis took
	Hidden  int      `json:"hidden"`  // blind spots
	// Again: concluded from kept answers, by a later build than asked.
	Again bool   `json:"again,omitempty"`
	Error string `json:"error,omitempty"`

	page page
}

// Claim is a probability that was given to a cause, and whether it was true.
type Claim struct {
	ID          string  `json:"id"`
	Probability float64 `json:"probability"`
	True        bool    `json:"true"`
}

// page is what `quell diagnose --json` prints, as far as it is read.
type page struct {
	Diagnosis diagnosis.Diagnosis `json:"diagnosis"`
	Took      time.Duration       `json:"took_ns"`
}

// Run tries it. Errors: the stack does not start, the fault cannot be brought
// about, quell cannot be asked. What the diagnosis says is no error.
func (t Trial) Run(ctx context.Context) (Result, error) {
	if lacking := stack.Lacking(t.Fault.Needs); lacking != "" {
		return Result{}, fmt.Errorf("this machine does not have what it needs: %s", lacking) // before a stack is started for nothing
	}
	s, err := stack.Start(ctx, stack.Options{Seed: t.Seed})
	if err != nil {
		return Result{}, err
	}
	defer s.Stop()
	return t.In(ctx, s)
}

// In tries it in a stack that runs, and does not heal it.
func (t Trial) In(ctx context.Context, s *stack.Stack) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := t.Bring(ctx, s); err != nil {
		return Result{}, err
	}
	return t.Ask(ctx, s)
}

// Bring lets the stack serve a while, brings the fault about and lets it grow.
func (t Trial) Bring(ctx context.Context, s *stack.Stack) error {
	warm, settle := t.Fault.Times()
	if t.Warm != 0 {
		warm = t.Warm
	}
	if err := pause(ctx, warm); err != nil {
		return err
	}
	heal, err := t.Fault.Inject(ctx, s, rand.New(rand.NewPCG(t.Seed, 0x9e3779b97f4a7c15)))
	if err != nil {
		return fmt.Errorf("bring %s about: %w", t.Fault.Name, err)
	}
	if err := pause(ctx, settle+t.Late); err != nil {
		return err
	}
	if t.Fault.Kind != fault.Recovered || heal == nil {
		return nil
	}
	if err := heal(ctx); err != nil {
		return fmt.Errorf("heal %s: %w", t.Fault.Name, err)
	}
	return pause(ctx, settle*3/2) // the alert is an old one
}

// Ask runs quell and reads its answer.
func (t Trial) Ask(ctx context.Context, s *stack.Stack) (Result, error) {
	if t.Edit != nil {
		if err := s.EditQuell(t.Edit); err != nil {
			return Result{}, err
		}
	}
	args := []string{"diagnose", "--config", s.Quell, "--json"}
	if t.Fault.Alert != "" {
		args = append(args, "--alert", t.Fault.Alert)
	}
	if t.Keep != "" || t.Save {
		args = append(args, "--save", "--as", "alice")
	}
	began := time.Now()
	out, err := t.quell(s).run(ctx, args...)
	if err != nil {
		return Result{}, err
	}
	r, err := t.read(out, time.Since(began))
	if err == nil && t.Keep != "" {
		err = t.keep(s, r)
	}
	return r, err
}

// read holds what quell printed against the truth.
func (t Trial) read(out []byte, took time.Duration) (Result, error) {
	r := Result{Fault: t.Fault.Name, Kind: t.Fault.Kind, Group: t.Fault.Group, Cause: t.Fault.Cause, Seed: t.Seed, Seconds: took.Seconds()}
	if t.Late > 0 {
		r.Late = t.Late.String()
	}
	if err := json.Unmarshal(out, &r.page); err != nil {
		return Result{}, fmt.Errorf("read what quell says: %w", err)
	}
	r.judge(t.Fault)
	return r, nil
}

// judge holds the diagnosis against what is true.
func (r *Result) judge(f fault.Fault) {
	d := r.page.Diagnosis
	r.Verdict, r.Probes, r.Answers, r.Hidden = string(d.Verdict), d.Coverage.Probes, d.Coverage.Answered, len(d.BlindSpots)
	true_ := func(id string) bool {
		return slices.ContainsFunc(f.Truth, func(list []string) bool { return slices.Contains(list, id) })
	}
	for _, list := range f.Truth {
		rank, word := 0, "ruled out or not asked"
		before := map[string]bool{} // one that is found in several places counts once
		for _, c := range d.Causes {
			if slices.Contains(list, c.ID) {
				rank, word = len(before)+1, c.Word
				break
			}
			before[c.ID] = true
		}
		named := slices.ContainsFunc(d.Roots, func(root diagnosis.Root) bool { return slices.Contains(list, root.ID) })
		if rank == 1 && !named {
			rank = 2 // the most suspected, but not named as the cause
		}
		r.Ranks, r.Named, r.Words = append(r.Ranks, rank), append(r.Named, named), append(r.Words, word)
	}
	for i, root := range d.Roots {
		if i == 0 {
			r.First = root.ID
		}
		if slices.Contains(r.False, root.ID) {
			continue
		}
		if !true_(root.ID) {
			r.False = append(r.False, root.ID)
			continue
		}
		for _, seen := range append(slices.Clone(root.Chain), root.Also...) {
			if seen.Kind == "symptom" && (len(f.Symptoms) == 0 || slices.Contains(f.Symptoms, seen.ID)) {
				r.Chain = true
			}
		}
	}
	r.claim(d, true_)
}

// claim notes what was said of each cause, once however many places it was
// looked for in. What follows from a true root is left out: whether a pool is
// used up because of the leak that was made is not what the fault says.
func (r *Result) claim(d diagnosis.Diagnosis, true_ func(id string) bool) {
	skip := map[string]bool{}
	for _, root := range d.Roots {
		if !true_(root.ID) {
			continue
		}
		for _, seen := range append(slices.Clone(root.Chain), root.Also...) {
			skip[seen.ID] = !true_(seen.ID)
		}
	}
	for _, c := range d.Causes {
		if skip[c.ID] {
			continue
		}
		skip[c.ID] = true
		if c.Probability >= 0.05 || true_(c.ID) {
			r.Claims = append(r.Claims, Claim{c.ID, c.Probability, true_(c.ID)})
		}
	}
}

// Right reports a diagnosis that needs no excuse: every true cause is named and
// the first root is one of them; where nothing is wrong, nothing is likely.
func (r Result) Right() bool {
	if len(r.Ranks) == 0 {
		return r.Error == "" && r.First == ""
	}
	return r.Error == "" && !slices.Contains(r.Named, false) && slices.Contains(r.Ranks, 1)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

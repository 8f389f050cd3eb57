package trial

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/quellhq/quell/lab/fault"
)

// Read reads results, one JSON object a line. Of several with the same fault,
// seed, delay and missing source the last one counts.
func Read(r io.Reader) ([]Result, error) {
	byKey := map[string]Result{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var one Result
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if one.Fault == "" {
			return nil, fmt.Errorf("line %d: %w", n, errors.New("a result without the name of its fault"))
		}
		byKey[fmt.Sprintf("%s %06d %s %s", one.Fault, one.Seed, one.Late, one.Without)] = one
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	var all []Result
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		all = append(all, byKey[key])
	}
	return all, nil
}

// Page is docs/reference/accuracy.md: what the results come to, then each of them.
func Page(results []Result) string {
	var b strings.Builder
	b.WriteString(`<!-- Written by ` + "`make lab`" + `. Do not edit. -->

# How often the diagnosis is right

Measured by ` + "`make lab`" + `: every fault of [the lab](../../lab/README.md) is let into a real service, seed by seed, and
` + "`quell diagnose`" + ` is asked as a person on call would ask it. It leaves one line for each trial in lab-results.jsonl, and writes this page from them.
*Rank* is the place of the true cause, *said* the word for its probability, *chain* whether the why-chain reaches
something that is felt, *false* how many causes were named that are not true.

`)
	b.WriteString("```text" + Summary(results) + "```\n\n")
	missed := missedCauses(results)
	if len(missed) > 0 {
		b.WriteString("## Where it is not right\n\n" + strings.Join(missed, "\n") + "\n\n")
	}
	b.WriteString("## Every trial\n\n```text\n" + Head())
	for _, r := range results {
		b.WriteString(r.Line())
	}
	b.WriteString("```\n")
	var untried []string
	tried := map[string]bool{}
	for _, r := range results {
		tried[r.Fault] = tried[r.Fault] || r.Error == ""
	}
	for _, f := range fault.All() {
		if !tried[f.Name] {
			untried = append(untried, f.Name)
		}
	}
	if len(untried) > 0 {
		fmt.Fprintf(&b, "\nNot tried in this run: %s.\n", strings.Join(untried, ", "))
	}
	return b.String()
}

// missedCauses are the trials that are not right, as a list.
func missedCauses(results []Result) []string {
	var list []string
	for _, r := range results {
		if r.Right() || r.Error != "" {
			continue
		}
		said := r.First
		if said == "" {
			said = "nothing"
		}
		want := r.Cause
		if want == "" {
			want = "nothing"
		}
		list = append(list, fmt.Sprintf("- %s (seed %d): the truth is %s; first came %s", r.Fault, r.Seed, want, said))
	}
	return list
}

package trial

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/quellhq/quell/lab/fault"
)

// key names what was tried; of several results with the same key the last one counts.
func (r Result) key() string { return fmt.Sprintf("%s %06d %s %s", r.Fault, r.Seed, r.Late, r.Without) }

func (c Closed) key() string { return fmt.Sprintf("%s %06d", c.Fault, c.Seed) }

// Line is what a line of a file of results holds.
type Line interface{ key() string }

// Read reads results, or what came of whole incidents, one JSON object a line.
// Errors say which line is none.
func Read[R Line](r io.Reader) ([]R, error) {
	byKey := map[string]R{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var one R
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if strings.HasPrefix(one.key(), " ") {
			return nil, fmt.Errorf("line %d: %w", n, errors.New("a result without the name of its fault"))
		}
		byKey[one.key()] = one
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	var all []R
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		all = append(all, byKey[key])
	}
	return all, nil
}

// Measured is what the page is written from.
type Measured struct {
	Results []Result
	// Unseen are trials as they came out before anybody had looked at their seed.
	Unseen []Result
	Blind  []Result // with sources taken away
	Closed []Closed // whole incidents
}

// Page is docs/reference/accuracy.md: what the results come to, then each of them.
func Page(m Measured) string {
	results := m.Results
	var b strings.Builder
	b.WriteString(`<!-- Written by ` + "`make lab`" + `. Do not edit. -->

# How often the diagnosis is right

Measured in [the lab](../../lab/README.md): a fault is let into a real service, and ` + "`quell diagnose`" + ` is asked as a person on
call would ask it. ` + "`make lab`" + ` does so with every fault and three seeds, leaves one line for each trial in lab-results.jsonl, and writes this page from them.
*Rank* is the place of the true cause, *said* the word for its probability, *chain* whether the why-chain reaches
something that is felt, *false* how many causes were named that are not true.

`)
	fmt.Fprintln(&b, origin(results))
	b.WriteString("```text" + Summary(results) + "```\n\n")
	if len(m.Unseen) > 0 {
		fmt.Fprintf(&b, "## At first sight\n\nThe playbooks were mended by looking at such trials, which is kind to the figures above. These are %d trials as they came\nout before anybody had looked at one of their seed.\n\n```text%s```\n\n", len(m.Unseen), Summary(m.Unseen))
		b.WriteString(strings.Join(missedCauses(m.Unseen), "\n") + "\n\n")
	}
	if len(m.Blind) > 0 {
		b.WriteString("## With a source taken away (`lab blind`)\n\nSingle faults and those beside a red herring.\n\n```text" + BlindSummary(m.Blind) + "```\n\n")
	}
	if len(m.Closed) > 0 {
		b.WriteString("## From the fault to recovery (`lab loop`)\n\nThe lab approves the plan and lets Quell apply it; *well* is what the customers say afterwards.\n\n```text\n" + LoopHead())
		for _, c := range m.Closed {
			b.WriteString(c.Line())
		}
		b.WriteString(LoopSummary(m.Closed) + "```\n\n")
	}
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

// origin says what the results are of, so that nobody takes them for more.
func origin(results []Result) string {
	seeds := map[uint64]bool{}
	names := map[string]bool{}
	again := 0
	for _, r := range results {
		seeds[r.Seed], names[r.Fault] = true, true
		if r.Again {
			again++
		}
	}
	missing := 0
	for _, f := range fault.All() {
		if !names[f.Name] {
			missing++
		}
	}
	return fmt.Sprintf("%d trials of %d states (seed %s); %d states of the lab were not tried. Each line is of the build that was current "+
		"when its trial was held; %d of them were concluded anew, from the answers that the trial had kept (`lab again`).\n",
		len(results), len(names), listed(seeds), missing, again)
}

// listed writes seeds in their order: 1, 2, 7.
func listed(seeds map[uint64]bool) string {
	var words []string
	for _, seed := range slices.Sorted(maps.Keys(seeds)) {
		words = append(words, strconv.FormatUint(seed, 10))
	}
	return strings.Join(words, ", ")
}

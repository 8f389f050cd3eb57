package trial

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/stack"
)

// sources are what a diagnosis can be without, and how quell.yaml is changed so
// that it is: the target leads to where nobody answers, as it does on the night
// when it is needed.
var sources = []struct {
	name   string
	target string // in quell.yaml
	blind  func(yaml string) string
}{
	{"", "", nil},
	{"logs", "orders-logs", replacing(`(?m)^(  orders-logs: \{kind: logs, paths: \[)[^\]]*`, `${1}"/nonexistent/*.log"`)},
	{"metrics", "orders-metrics", replacing(`(?m)^(  orders-metrics: \{kind: prometheus, url: ")[^"]*`, `${1}http://127.0.0.1:1`)},
	{"postgres grant", "orders-db", replacing(`(?m)^(  orders-db: \{kind: postgres, url: "postgres://)quell@`, `${1}quell_without_grants@`)},
	{"host access", "this-host", replacing(`(?m)^(  this-host: \{kind: host)`, `${1}, proc: /nonexistent/proc, sys: /nonexistent/sys`)},
}

func replacing(pattern, with string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(yaml string) string { return re.ReplaceAllString(yaml, with) }
}

// Blind tries the fault once, and asks again and again with one source taken
// away: it is the same fault each time. The first result is with all of them.
func (t Trial) Blind(ctx context.Context) []Result {
	s, err := stack.Start(ctx, stack.Options{Seed: t.Seed})
	if err != nil {
		return []Result{Failed(t, err)}
	}
	defer s.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := t.Bring(ctx, s); err != nil {
		return []Result{Failed(t, err)}
	}
	var all []Result
	for _, source := range sources {
		var whole string
		if source.blind != nil {
			t.Edit = func(yaml string) string { whole = yaml; return source.blind(yaml) }
		}
		r, err := t.Ask(ctx, s)
		if err != nil {
			r = Failed(t, err)
		}
		r.Without = source.name
		all = append(all, r)
		if whole != "" {
			if err := s.EditQuell(func(string) string { return whole }); err != nil {
				return append(all, Failed(t, err))
			}
		}
	}
	return all
}

// Blind concludes from the answers again and again with those of one source left
// out: its target bears another name, of which nothing is on record.
func (k Kept) Blind(ctx context.Context, binary string) []Result {
	whole, err := os.ReadFile(filepath.Join(k.Dir, "quell.yaml"))
	if err != nil {
		return []Result{Failed(k.Trial, fmt.Errorf("read a kept trial: %w", err))}
	}
	config := filepath.Join(k.Dir, "quell-blind.yaml")
	defer os.Remove(config)
	var all []Result
	for _, source := range sources {
		edited := whole
		if source.target != "" {
			edited = bytes.ReplaceAll(whole, []byte(source.target), []byte(source.target+"-away"))
		}
		r, err := Result{}, os.WriteFile(config, edited, 0o600)
		if err == nil {
			r, err = k.conclude(ctx, binary, config)
		}
		if err != nil {
			r = Failed(k.Trial, err)
		}
		r.Without = source.name
		all = append(all, r)
	}
	return all
}

// BlindSummary is how far the diagnosis falls without each source: how often
// the true cause is first, how often something false is said, how often nothing.
func BlindSummary(all []Result) string {
	results := map[string][]Result{}
	for _, r := range all {
		results[r.Without] = append(results[r.Without], r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-18s %-18s %-18s %-18s %-18s %s\n", "without", "first", "first three", "something false", "nothing said", "blind spots, mean")
	for _, name := range slices.Sorted(maps.Keys(results)) {
		var first, three, wrong, silent share
		hidden := 0
		for _, r := range results[name] {
			if r.Error != "" || len(r.Ranks) == 0 || r.Kind == fault.Double {
				continue
			}
			first.count(r.Ranks[0] == 1)
			three.count(r.Ranks[0] >= 1 && r.Ranks[0] <= 3)
			wrong.count(len(r.False) > 0)
			silent.count(r.First == "")
			hidden += r.Hidden
		}
		shown := name
		if shown == "" {
			shown = "nothing"
		}
		fmt.Fprintf(&b, "%-18s %-18s %-18s %-18s %-18s %.1f\n", shown, first, three, wrong, silent, float64(hidden)/float64(max(first.all, 1)))
	}
	return b.String()
}

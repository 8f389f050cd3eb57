package pattern

import (
	"fmt"
	"os"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// accuracy is the grouping accuracy: the share of lines whose group holds
// exactly the lines of one true template.
func accuracy(lines []string, truth []int) (share float64, wrong []string) {
	m := New(Config{})
	keys := make([]uint64, len(lines))
	for i, l := range lines {
		keys[i] = m.add(&Message{Text: []byte(l)})
	}
	groupOf := map[uint64]int{}
	groups := m.groups()
	for g, shapes := range groups {
		for _, s := range shapes {
			groupOf[s.key] = g
		}
	}
	type pair struct{ group, truth int }
	both, size, true_ := map[pair]int{}, map[int]int{}, map[int]int{}
	for i, k := range keys {
		both[pair{groupOf[k], truth[i]}]++
		size[groupOf[k]]++
		true_[truth[i]]++
	}
	right := 0
	for p, n := range both {
		if n == size[p.group] && n == true_[p.truth] {
			right += n
		} else {
			wrong = append(wrong, fmt.Sprintf("    truth %3d: %4d of %4d lines; group of %4d: %.150s", p.truth, n, true_[p.truth], size[p.group], m.template(groups[p.group], nil).Text))
		}
	}
	sort.Strings(wrong)
	return float64(right) / float64(len(lines)), wrong
}

func score(t *testing.T, name string, list []style, least, leastEach float64) {
	total := 0.0
	for _, s := range list {
		sum := 0.0
		for seed := range int64(3) {
			lines, truth := s.lines(2000, seed)
			share, wrong := accuracy(lines, truth)
			sum += share / 3
			if os.Getenv("SHOW") != "" && seed == 0 {
				for _, w := range wrong {
					fmt.Println(w)
				}
			}
		}
		t.Logf("%-36s GA %.3f", s.name, sum)
		require.GreaterOrEqual(t, sum, leastEach, s.name)
		total += sum
	}
	mean := total / float64(len(list))
	t.Logf("%-36s GA %.3f over %d styles", name+", mean", mean, len(list))
	require.GreaterOrEqual(t, mean, least)
}

func TestGroupingAccuracy(t *testing.T) {
	t.Parallel()
	score(t, "styles", append(styles[:len(styles):len(styles)], seenOnce...), 0.96, 0.7)
}

// Nothing was changed because of the score of the held-out styles.
func TestGroupingAccuracyOfHeldOutStyles(t *testing.T) {
	t.Parallel()
	score(t, "held-out styles", heldOut, 0.96, 0.93)
}

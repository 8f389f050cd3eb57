package playbook

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest ends a sentence about an unknown word, for other packages.
func Suggest(word string, known []string) string { return suggest(word, known) }

// suggest ends a sentence about an unknown word: with the word that was
// probably meant, or with the choice where it is small, or with nothing.
func suggest(word string, known []string) string {
	known = slices.Clone(known)
	slices.Sort(known)
	known = slices.Compact(known)
	if best := closest(word, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	if len(known) == 0 || len(known) > maxListed {
		return ""
	}
	return "; known: " + strings.Join(known, ", ")
}

// maxListed is how many words a message lists when none is close.
const maxListed = 14

// closest returns the known word that is nearest to word in edits, or "" when
// none is near: a third of the letters may differ, and at least one.
func closest(word string, known []string) string {
	if len(word) > 80 {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best != "" {
		return best
	}
	// A part of the name, or its last word: "lock_roots" for "postgres.lock_roots".
	for _, k := range known {
		if len(word) > 2 && (strings.HasSuffix(k, "."+word) || strings.HasSuffix(word, "."+k)) {
			return k
		}
	}
	return ""
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, previous := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, previous[j]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, previous = previous, row
	}
	return previous[len(y)]
}

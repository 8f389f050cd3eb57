package promtext

import (
	"sort"
	"strings"
)

// nearest returns up to three names that share most words with name, best
// first: metric names are words joined by _, and installations differ in a
// prefix or a unit more often than by a typing error.
func nearest(name string, names map[string]bool) []string {
	type scored struct {
		name  string
		score float64
	}
	var found []scored
	for other := range names {
		if s := similarity(name, other); s >= 0.5 {
			found = append(found, scored{other, s})
		}
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].score != found[j].score {
			return found[i].score > found[j].score
		}
		return found[i].name < found[j].name
	})
	var best []string
	for i := 0; i < len(found) && i < 3; i++ {
		best = append(best, found[i].name)
	}
	return best
}

// similarity is the share of words that two names have in common, of all
// words of both; 1 where they are the same.
func similarity(a, b string) float64 {
	words := map[string]int{}
	for _, w := range strings.Split(a, "_") {
		words[w] |= 1
	}
	for _, w := range strings.Split(b, "_") {
		words[w] |= 2
	}
	both := 0
	for _, in := range words {
		if in == 3 {
			both++
		}
	}
	return float64(both) / float64(len(words))
}

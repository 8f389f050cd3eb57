package pattern

import (
	"sort"
	"strings"
)

// Free text takes the place of one value: the same beginning and end occur with
// at least so many different texts between, of different lengths, and most of
// them are rare.
const (
	phraseKinds = 6
	phraseRare  = 3
	phraseWords = 40 // of a row that is looked at
)

// joinPhrases merges clusters whose templates have the same beginning and end and
// differ in free text between them: "connection failed: <any words>".
func joinPhrases(clusters []cluster) []cluster {
	frames := map[string][]int{} // by beginning and end: numbers of clusters
	for n := range clusters {
		for _, f := range framesOf(clusters[n].row) {
			frames[f] = append(frames[f], n)
		}
	}
	type candidate struct {
		key   string
		fixed int
	}
	var list []candidate
	for key, members := range frames {
		if len(members) >= phraseKinds {
			list = append(list, candidate{key, fixedWords(strings.Fields(key))})
		}
	}
	// The longest frame says most; the alphabet decides between equals.
	sort.Slice(list, func(a, b int) bool {
		return list[a].fixed > list[b].fixed || list[a].fixed == list[b].fixed && list[a].key < list[b].key
	})
	into := make([]int, len(clusters))
	for i := range into {
		into[i] = i
	}
	for _, c := range list {
		var open []int
		for _, n := range frames[c.key] {
			if into[n] == n {
				open = append(open, n)
			}
		}
		if freeText(clusters, open) {
			for _, n := range open {
				into[n] = open[0]
			}
		}
	}
	return gathered(clusters, into)
}

// framesOf lists the beginnings and ends of a row that hold at least as many
// words as what lies between.
func framesOf(row []string) []string {
	if len(row) > phraseWords {
		return nil
	}
	var out []string
	all := fixedWords(row)
	for i := range row {
		for j := i + 1; j <= len(row); j++ {
			middle := fixedWords(row[i:j])
			if 2*middle > all+1 {
				break
			}
			if strings.ContainsAny(strings.Join(row[i:j], ""), "⏎=:()[]{}") {
				break
			}
			if all-middle >= 2 {
				out = append(out, strings.Join(row[:i], " ")+" \x01 "+strings.Join(row[j:], " "))
			}
		}
	}
	return out
}

func fixedWords(row []string) int {
	n := 0
	for _, w := range row {
		if w != varies && w != "\x01" && !isFiller([]byte(w+w)) {
			n++
		}
	}
	return n
}

// freeText judges the sets of one frame.
func freeText(clusters []cluster, members []int) bool {
	if len(members) < phraseKinds {
		return false
	}
	lengths := map[int]bool{}
	rare := 0
	for _, n := range members {
		lengths[len(clusters[n].row)] = true
		if clusters[n].total() <= phraseRare {
			rare++
		}
	}
	return len(lengths) > 1 && 2*rare >= len(members)
}

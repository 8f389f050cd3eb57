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

// frame is a beginning and an end that several rows share.
type frame struct {
	key     uint64
	fixed   int   // words in it
	members []int // numbers of clusters
}

// joinPhrases merges clusters whose templates have the same beginning and end and
// differ in free text between them: "connection failed: <any words>".
func joinPhrases(clusters []cluster) []cluster {
	frames := map[uint64]*frame{}
	for n := range clusters {
		addFrames(frames, clusters[n].row, n)
	}
	var list []*frame
	for _, f := range frames {
		if len(f.members) >= phraseKinds {
			list = append(list, f)
		}
	}
	// The frame with most words says most; among equals any will do, if it is
	// always the same one.
	sort.Slice(list, func(a, b int) bool {
		return list[a].fixed > list[b].fixed || list[a].fixed == list[b].fixed && list[a].key < list[b].key
	})
	into := make([]int, len(clusters))
	for i := range into {
		into[i] = i
	}
	for _, f := range list {
		open := f.members[:0]
		for _, n := range f.members {
			if into[n] == n {
				open = append(open, n)
			}
		}
		if freeText(clusters, open) {
			for _, n := range open {
				into[n] = -1 - open[0] // taken: no other frame may have it
			}
		}
	}
	for i, to := range into {
		if to < 0 {
			into[i] = -1 - to
		}
	}
	return gathered(clusters, into)
}

// addFrames notes the beginnings and ends of a row that hold at least as many
// words as what lies between.
func addFrames(frames map[uint64]*frame, row []string, number int) {
	if len(row) > phraseWords {
		return
	}
	all := 0
	ends := make([]uint64, len(row)+1) // hashes of row[j:]
	ends[len(row)] = prime
	for j := len(row) - 1; j >= 0; j-- {
		all += wordsOf(row[j])
		ends[j] = mix(ends[j+1], hash([]byte(row[j])))
	}
	begin := uint64(seed)
	for i := range row {
		middle := 0
		for j := i; j < len(row); j++ {
			middle += wordsOf(row[j])
			if 2*middle > all+1 || all-middle < 2 || strings.ContainsAny(row[j], "⏎=:()[]{}") {
				break
			}
			key := mix(begin, ends[j+1])
			f := frames[key]
			if f == nil {
				f = &frame{key: key, fixed: all - middle}
				frames[key] = f
			}
			if last := len(f.members) - 1; last < 0 || f.members[last] != number {
				f.members = append(f.members, number)
			}
		}
		begin = mix(begin^prime, hash([]byte(row[i])))
	}
}

// wordsOf is 1 for a word, and 0 for what varies and for punctuation.
func wordsOf(item string) int {
	if item == varies || len(item) == 1 && classes[item[0]]&isMark != 0 {
		return 0
	}
	return 1
}

// freeText judges the clusters of one frame.
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

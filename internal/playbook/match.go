package playbook

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Match is a condition that resembles what somebody said.
type Match struct {
	Condition *Condition
	Score     float64 // 0 to 1
}

// wordIndex holds the words of each condition with what they are worth.
type wordIndex struct {
	conditions []*Condition
	words      []map[string]float64 // by condition: word → how much of it speaks of that word
	rarity     map[string]float64   // word → how few conditions have it
}

// How much a word is worth by where it stands. Own values: a title is what
// the author calls the thing, an alert name and a file name are labels, what a
// sign means is a description of details.
const (
	titleWorth   = 1.0
	labelWorth   = 0.6
	meansWorth   = 0.4
	symptomExtra = 1.15 // people report symptoms, not causes
	// unheard is the rarity of a word that no playbook has: as of one that half
	// of all conditions have. Such words are mostly names of services.
	unheard = 1.1
	// rarest bounds what one word can be worth: a word that stands in a single
	// condition by chance must not drown the others.
	rarest = 3
	// leastScore is what a match must have: about one word in three, or one
	// rare word of two, said and found.
	leastScore = 0.3
	maxMatches = 10
)

func newWordIndex(books []*Playbook) *wordIndex {
	x := &wordIndex{rarity: map[string]float64{}}
	for _, p := range books {
		for _, c := range p.Conditions {
			words := map[string]float64{}
			note := func(text string, worth float64) {
				for _, w := range plainWords(text) {
					words[w] = max(words[w], worth)
				}
			}
			note(c.Title, titleWorth)
			note(p.Title, labelWorth)
			note(strings.Join(p.Alerts, " "), labelWorth)
			for _, s := range c.Signs {
				note(s.Means.Source(), meansWorth)
			}
			note(c.Prose, meansWorth)
			x.conditions = append(x.conditions, c)
			x.words = append(x.words, words)
			for w := range words {
				x.rarity[w]++
			}
		}
	}
	for w, n := range x.rarity {
		x.rarity[w] = min(math.Log(1+float64(len(x.conditions))/n), rarest)
	}
	return x
}

// MatchSymptom lists the conditions that a description in free text resembles,
// best first, at most ten. The score is the share of what was said, in words
// weighted by how rare they are, that the condition speaks of.
func (b *Book) MatchSymptom(text string) []Match {
	said := plainWords(text)
	if len(said) == 0 {
		return nil
	}
	var out []Match
	for i, c := range b.words.conditions {
		var found, total float64
		for _, w := range said {
			rarity, known := b.words.rarity[w]
			if !known {
				rarity = unheard
			}
			total += rarity
			found += rarity * b.words.words[i][w]
		}
		score := found / total
		if c.Kind == Symptom {
			score *= symptomExtra
		}
		if score = min(score, 1); score >= leastScore {
			out = append(out, Match{c, math.Round(score*1000) / 1000})
		}
	}
	slices.SortStableFunc(out, func(a, b Match) int {
		// "symptom" stands behind "cause" in the alphabet, and comes first here.
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Condition.Kind, a.Condition.Kind), cmp.Compare(a.Condition.ID, b.Condition.ID))
	})
	return out[:min(len(out), maxMatches)]
}

// sameWord joins words that people use for the same thing on call.
var sameWord = stemmed(map[string]string{
	"db": "database", "postgres": "database", "postgresql": "database", "pg": "database", "conn": "connection",
	"latency": "slow", "slowness": "slow", "slower": "slow", "laggy": "slow", "timeout": "slow", "sluggish": "slow",
	"mem": "memory", "oom": "memory", "ram": "memory", "processor": "cpu",
	"5xx": "error", "500": "error", "502": "error", "503": "error", "504": "error", "failure": "error", "fail": "error", "exception": "error",
	"cert": "certificate", "ssl": "tls", "deadlock": "lock", "block": "lock", "hang": "wait", "stuck": "wait", "queue": "wait",
	"exhaust": "out", "exhaustion": "out", "starvation": "out",
	"down": "reach", "outage": "reach", "unreachable": "reach", "unavailable": "reach", "offline": "reach",
	"deploy": "release", "deployment": "release", "rollout": "release", "rollback": "release", "upgrade": "release", "version": "release",
	"slave": "standby", "replica": "standby", "lag": "old", "stale": "old", "job": "job", "task": "job",
})

func stemmed(words map[string]string) map[string]string {
	out := make(map[string]string, len(words))
	for from, to := range words {
		out[stem(from)] = stem(to)
	}
	return out
}

// fillers say nothing about what is wrong.
var fillers = []string{
	"a", "about", "after", "all", "high", "many", "much", "same", "use", "usage", "used", "since", "suddenly", "keep", "cannot", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "do", "for", "from", "get", "give", "given",
	"had", "has", "have", "in", "is", "it", "its", "more", "no", "not", "of", "on", "or", "our", "so", "than", "that", "the", "there",
	"they", "this", "to", "too", "very", "was", "we", "were", "what", "when", "which", "while", "with", "why", "lot", "seem",
}

// plainWords takes a text apart into plain words: lower case, CamelCase split,
// endings cut, fillers dropped, each once and in order.
func plainWords(text string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(splitCamel(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		word = strings.ToLower(word)
		if slices.Contains(fillers, word) || len(word) < 2 {
			continue
		}
		word = stem(word)
		if same, ok := sameWord[word]; ok {
			word = same
		}
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
		if len(out) == maxWords {
			break
		}
	}
	return out
}

// maxWords bounds how much of a text is read.
const maxWords = 400

func splitCamel(text string) string {
	var b strings.Builder
	var before rune
	for _, r := range text {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// stem cuts the commonest English endings, so that waits, waiting and waited
// meet. It is no stemmer of linguists; both sides go through the same cut.
func stem(word string) string {
	for _, ending := range []struct{ cut, put string }{
		{"ies", "y"}, {"sses", "ss"}, {"shes", "sh"}, {"ches", "ch"}, {"xes", "x"}, {"ing", ""}, {"ed", ""}, {"ly", ""}, {"s", ""},
	} {
		rest, ok := strings.CutSuffix(word, ending.cut)
		if !ok || len(rest) < 3 || ending.cut == "s" && strings.HasSuffix(rest, "s") {
			continue
		}
		word = rest + ending.put
		if n := len(word); ending.put == "" && n > 3 && word[n-1] == word[n-2] && word[n-1] != 's' && word[n-1] != 'l' {
			word = word[:n-1] // dropped, running
		}
		break
	}
	return strings.TrimSuffix(word, "e")
}

// alertBelief is how well an alert matches the symptoms of the playbooks that
// it calls: it says that one of them holds, not which.
const alertBelief = 0.3

// MatchAlert lists the symptoms of the playbooks that an alert of that name
// calls. None: no playbook knows the alert, or none of them has a symptom.
func (b *Book) MatchAlert(name string) []Match {
	var out []Match
	for _, p := range b.ForAlert(name) {
		for _, c := range p.Conditions {
			if c.Kind == Symptom {
				out = append(out, Match{Condition: c, Score: alertBelief})
			}
		}
	}
	return out
}

package diagnosis

import (
	"math"

	"github.com/quellhq/quell/internal/playbook"
)

// This file is the one table of numbers behind the words. They are round on
// purpose; docs/diagnosis.md says how they were checked against the lab's
// faults and the shipped cases, and `make score` prints how often each word for
// a probability was right.

// priors give the probability of a cause before anything is asked.
var priors = map[playbook.HowCommon]float64{
	playbook.AlwaysSuspect: 0.30,
	playbook.Often:         0.15,
	playbook.Sometimes:     0.05,
	playbook.Rare:          0.015,
}

// ratio is a pair of likelihood ratios: how much a sign moves the odds when it
// is true, and when it is false.
type ratio struct{ whenTrue, whenFalse float64 }

var ratios = map[playbook.Weight]ratio{
	playbook.Decisive: {500, 0.3},
	playbook.Strong:   {15, 0.5},
	playbook.Weak:     {3, 0.8},
	playbook.Against:  {1.0 / 8, 1},
	playbook.RulesOut: {0, 1}, // true: a veto, whatever else speaks for the condition
}

// afterEffect is the likelihood ratio of a cause that begins clearly after all
// that it should explain. It is no veto: what is felt may have begun for another
// reason, and clocks differ (own value: a decisive sign and nothing else is
// "possible" behind it, and not likely).
const afterEffect = 1.0 / 50

// reported is the likelihood ratio of a person saying that they see a symptom,
// for a perfect match of words; a poorer match counts for less.
const reported = 12

// ofTheEnded is what is left of the weight of a sign whose lines have ended, as a
// power of its ratio (own value: a decisive one and nothing else is "possible").
const ofTheEnded = 0.25

// discount is what each further sign on the same probe is worth, of the one
// before it: signs that read one answer are not independent.
const discount = 0.5

// The words for probabilities. Likely and Possible are where they start.
const (
	Likely   = 0.6
	Possible = 0.2
	certain  = 0.95
)

// Word says a probability in words.
func Word(p float64) string {
	switch {
	case p >= certain:
		return "almost certain"
	case p >= Likely:
		return "likely"
	case p >= Possible:
		return "possible"
	}
	return "unlikely"
}

func logit(p float64) float64     { return math.Log(p / (1 - p)) }
func fromLogit(l float64) float64 { return 1 / (1 + math.Exp(-l)) }

func prior(c *playbook.Condition) float64 {
	if p, ok := priors[c.HowCommon]; ok {
		return p
	}
	return priors[playbook.Sometimes]
}

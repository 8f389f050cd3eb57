package run

import (
	"maps"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// recorded are the answers of an earlier round, by what was asked of whom.
type recorded map[askedOf][]evidence.Evidence

// askedOf is what a record says of a question. The same text may have been
// asked twice, over another window.
type askedOf struct{ question, target, service string }

// recorded is nil where the systems themselves are to be asked.
func (i Investigation) recorded() recorded {
	if i.Recorded == nil {
		return nil
	}
	r := recorded{}
	for _, e := range i.Recorded {
		key := askedOf{e.Question, e.Target, e.Service}
		r[key] = append(r[key], e)
	}
	return r
}

// answer is the one of the record, or says that there is none.
func (r recorded) answer(e evidence.Evidence, now time.Time) evidence.Evidence {
	old, known := r.find(e)
	if !known {
		e.Answer, e.At = evidence.Not(evidence.NotAsked, "it was not asked when this was recorded", "ask the systems themselves"), now
		return e
	}
	e.Answer, e.At, e.Took = old.Answer, old.At, old.Took
	return e
}

// find is the answer to that text asked the same way. Where the record has none
// (it was asked over another window, or by a build that did not keep the window),
// it is the one of that name, or the only one.
func (r recorded) find(e evidence.Evidence) (evidence.Evidence, bool) {
	all := r[askedOf{e.Question, e.Target, e.Service}]
	same := slices.DeleteFunc(slices.Clone(all), func(old evidence.Evidence) bool { return !maps.Equal(old.Options, e.Options) })
	for _, list := range [][]evidence.Evidence{same, all} {
		for _, old := range list {
			if old.Probe == e.Probe {
				return old, true
			}
		}
		if len(list) == 1 {
			return list[0], true
		}
	}
	return evidence.Evidence{}, false
}

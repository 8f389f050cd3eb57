package spike

import "time"

// The rule that people write by hand.
const (
	ruleRecent = 5 * time.Minute
	ruleHour   = time.Hour
	ruleTimes  = 3
)

// rule answers it for errors, at the end of the grid, and says what it cannot see.
func rule(g *grid, errors []float64) *Rule {
	r := &Rule{}
	end := g.at(len(errors))
	hour, recent := g.index(end-int64(ruleHour)), g.index(end-int64(ruleRecent))
	if end-g.start < int64(ruleHour) {
		r.Caveat = "the rule needs an hour, and " + time.Duration(end-g.start).Round(time.Second).String() + " were read"
		return r
	}
	if g.width > int64(ruleRecent) {
		r.Caveat = "the window is too long to tell five minutes apart"
		return r
	}
	r.Recent = int(sum(errors[recent:]))
	r.Mean = sum(errors[hour:]) / (float64(ruleHour) / float64(ruleRecent))
	if r.Mean == 0 {
		r.Caveat = "no error in the hour: three times nothing is nothing"
		return r
	}
	r.Known = true
	r.Fired = float64(r.Recent) > ruleTimes*r.Mean
	r.Caveat = "the five minutes are part of their own hour, so the ratio never exceeds 12; one error in a silent hour fires it; an incident older than twenty minutes does not"
	return r
}

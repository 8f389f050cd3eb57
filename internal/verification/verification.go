// Package verification says whether a change helped: better, not better, or
// cannot tell. It judges samples that somebody took by asking the playbook's
// questions again; it is pure. Missing data never counts as better, and
// neither does a change's own report of success.
package verification

import (
	"fmt"
	"time"
)

// Truth is the answer of one measurement to one question.
type Truth string

// The answers. None says that nothing was asked: the step has no expression of
// its own.
const (
	Yes     Truth = "yes"
	No      Truth = "no"
	Unknown Truth = "unknown"
	None    Truth = "none"
)

// Sample is one look at the world.
type Sample struct {
	At time.Time `json:"at"`
	// Check is the step's own expression (Verify within …).
	Check    Truth  `json:"check"`
	CheckWhy string `json:"check_why,omitempty"` // what was seen, or why it is unknown
	// Felt says whether people still feel what the step is for: Yes while one
	// of the watched conditions is not unlikely.
	Felt    Truth  `json:"felt"`
	FeltWhy string `json:"felt_why,omitempty"`
	// Level is the highest probability of a watched condition, 0 to 1.
	Level float64 `json:"level"`
}

// well reports whether a sample shows the world as it should be.
func (s Sample) well() bool { return (s.Check == Yes || s.Check == None) && s.Felt == No }

// silent reports whether a sample leaves open what matters: it is neither well
// nor shows something that is not.
func (s Sample) silent() bool {
	return !s.well() && s.Check != No && s.Felt != Yes
}

// Counts is since when what a log says counts for a step's own check, asked at a
// moment: since the middle of the time that has passed since the change. What was
// written before it says nothing of whether it helped, and a change takes a while
// to reach everything. Zero where nothing was changed yet: all of it counts.
func Counts(changed, at time.Time) time.Time {
	if changed.IsZero() || !at.After(changed) {
		return changed
	}
	return changed.Add(at.Sub(changed) / 2)
}

// Verdict is what the samples say together.
type Verdict string

// The verdicts; Pending asks for another sample.
const (
	Pending    Verdict = "pending"
	Better     Verdict = "better"
	NotBetter  Verdict = "not better"
	CannotTell Verdict = "cannot tell"
)

// Needed is how many samples in a row must show that all is well. Three, since
// one good answer may fall between two bad ones.
const Needed = 3

// Schedule is when samples are taken after a change, and how long it may take.
type Schedule struct {
	From   time.Time     // when the change was done
	Within time.Duration // how long the check may take to hold
	Settle time.Duration // how long a symptom may show the past after that
}

// Interval is the time between two samples: so that there are about 15 within
// the time, not under a second and not over 15.
func (s Schedule) Interval() time.Duration {
	return min(max(s.Within/15, time.Second), 15*time.Second)
}

// Steady is how long all must have been well: a fifth of the time, at most a
// minute.
func (s Schedule) Steady() time.Duration { return min(s.Within/5, time.Minute) }

// Next is when the sample behind those taken is due.
func (s Schedule) Next(taken []Sample) time.Time {
	last := s.From
	if len(taken) > 0 {
		last = taken[len(taken)-1].At
	}
	return last.Add(s.Interval())
}

// Judgement is a verdict with its reason.
type Judgement struct {
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why"`
	Samples int     `json:"samples"` // that it rests on
}

// Judge weighs the samples after a change against the one before it (nil where
// none was taken). Samples are in order of time.
func Judge(before *Sample, after []Sample, s Schedule) Judgement {
	run := wellRun(after)
	j := Judgement{Samples: len(after)}
	if len(run) >= Needed && run[len(run)-1].At.Sub(run[0].At) >= s.Steady() {
		j.Verdict, j.Why = Better, better(before, run)
		return j
	}
	// What has just become well gets the time to show that it stays so.
	if len(after) < Needed || len(run) > 0 || !over(after[len(after)-1], s) {
		j.Verdict = Pending
		return j
	}
	if end := after[len(after)-1]; end.silent() {
		j.Verdict, j.Why = CannotTell, "it could not be measured: "+why(end)
	} else {
		j.Verdict, j.Why = NotBetter, notBetter(before, end)
	}
	return j
}

// over reports whether the time is used up: Within for the check; where the
// check holds and only a symptom still shows, Settle as well. What cannot be seen
// is not waited for so long: it does not fade.
func over(end Sample, s Schedule) bool {
	limit := s.From.Add(s.Within)
	if (end.Check == Yes || end.Check == None) && end.Felt == Yes {
		limit = limit.Add(s.Settle)
	}
	return !end.At.Add(s.Interval()).Before(limit)
}

// wellRun is the unbroken run of good samples at the end.
func wellRun(after []Sample) []Sample {
	i := len(after)
	for i > 0 && after[i-1].well() {
		i--
	}
	return after[i:]
}

func better(before *Sample, run []Sample) string {
	text := fmt.Sprintf("well in %d samples over %s", len(run), round(run[len(run)-1].At.Sub(run[0].At)))
	if end := run[len(run)-1]; end.CheckWhy != "" {
		text += ": " + end.CheckWhy
	}
	if before != nil && before.Felt == Yes {
		text += fmt.Sprintf("; what people felt went from %.0f %% to %.0f %%", 100*before.Level, 100*run[len(run)-1].Level)
	}
	return text
}

func notBetter(before *Sample, end Sample) string {
	switch {
	case end.Check == No:
		return "its own check does not hold: " + end.CheckWhy
	case before != nil && end.Level < before.Level-0.2:
		return fmt.Sprintf("less than before (%.0f %%, now %.0f %%), and still felt: %s", 100*before.Level, 100*end.Level, end.FeltWhy)
	case end.Check == Yes:
		return "it did what it should, and people still feel it: " + end.FeltWhy
	}
	return "people still feel it: " + end.FeltWhy
}

func why(s Sample) string {
	if s.Check == Unknown && s.CheckWhy != "" {
		return s.CheckWhy
	}
	if s.FeltWhy != "" {
		return s.FeltWhy
	}
	return "no answer"
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Second)
}

package incident

import (
	"slices"
	"time"
)

// MomentName is a point in an incident's life that people ask for afterwards.
type MomentName string

// The named moments, in their usual order.
const (
	Detected  MomentName = "detected"
	Alerted   MomentName = "team alerted"          // by an alert; a person who reports needs none
	Asked     MomentName = "investigation started" // the first round of questions began
	Found     MomentName = "root cause identified"
	Proposed  MomentName = "plan made"
	Approved  MomentName = "first approval"
	Acted     MomentName = "first change made"
	Mitigated MomentName = "what helped was applied"
	Recovery  MomentName = "recovery verified" // or it was well again by itself
	Ended     MomentName = "resolved"
)

// MomentNames lists the named moments in their usual order.
func MomentNames() []MomentName {
	return []MomentName{Detected, Alerted, Asked, Found, Proposed, Approved, Acted, Mitigated, Recovery, Ended}
}

// Moment is when something was reached, and how one knows.
type Moment struct {
	Name  MomentName `json:"name"`
	At    time.Time  `json:"at"`
	From  string     `json:"from"`
	Event int64      `json:"event"` // number of the event that brought it
}

// Moment returns a named moment; ok is false while it has not come.
func (i Incident) Moment(name MomentName) (m Moment, ok bool) {
	for _, m := range i.Moments {
		if m.Name == name {
			return m, true
		}
	}
	return Moment{}, false
}

// reach notes a moment the first time that it comes. Where m does not say when,
// or by which event, it is e.
func (i *Incident) reach(e Event, m Moment) {
	if _, ok := i.Moment(m.Name); ok {
		return
	}
	if m.At.IsZero() {
		m.At = e.At
	}
	if m.Event == 0 {
		m.Event = e.Seq
	}
	order := MomentNames()
	at := slices.IndexFunc(i.Moments, func(x Moment) bool {
		return slices.Index(order, x.Name) > slices.Index(order, m.Name)
	})
	if at < 0 {
		at = len(i.Moments)
	}
	i.Moments = slices.Insert(i.Moments, at, m)
}

// forget takes moments back that turned out to be none.
func (i *Incident) forget(names ...MomentName) {
	i.Moments = slices.DeleteFunc(i.Moments, func(m Moment) bool { return slices.Contains(names, m.Name) })
}

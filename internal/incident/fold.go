package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Incident is an incident as its record tells it: everything that a list, a
// page and the report show. It is folded from events and from nothing else.
type Incident struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Services []string  `json:"services"`
	Symptom  string    `json:"symptom,omitempty"` // in a person's words
	Alert    string    `json:"alert,omitempty"`
	Severity string    `json:"severity,omitempty"` // empty: nobody said
	Status   Status    `json:"status"`
	OpenedAt time.Time `json:"opened_at"`
	OpenedBy string    `json:"opened_by"`

	Moments   []Moment   `json:"moments"` // in the order of Moments(), those that have come
	Rounds    []Round    `json:"rounds"`  // every diagnosis, oldest first
	Plans     []Planned  `json:"plans"`   // every plan, oldest first
	Notes     []Said     `json:"notes"`
	Checklist []Checked  `json:"checklist"` // each item once, as it stands
	Timeline  []Happened `json:"timeline"`  // every event, in order

	// Last is the number of the last event that was folded in, and Digest names
	// all of them: each event's digest with that of those before it.
	Last   int64  `json:"last"`
	Digest string `json:"digest"`
}

// Status says whether an incident is over.
type Status string

// The three states of an incident.
const (
	Open     Status = "open"
	Resolved Status = "resolved"
	Reopened Status = "reopened" // it was resolved, and came back
)

// Said is a person's words.
type Said struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// Fold reads a record. An event of a kind that is not known here stands in the
// timeline and changes nothing else; it fails only on data of a known kind that
// cannot be read, and on events that are not in order.
func Fold(events []Event) (Incident, error) {
	var i Incident
	for _, e := range events {
		if err := i.Add(e); err != nil {
			return Incident{}, err
		}
	}
	if i.Last == 0 {
		return Incident{}, fmt.Errorf("read a record: it has no events")
	}
	return i, nil
}

// Add folds one more event in: Fold of a whole record is the same as Fold of
// its beginning and Add of the rest. After an error i is not to be used.
func (i *Incident) Add(e Event) error {
	switch {
	case i.ID != "" && e.Incident != i.ID:
		return fmt.Errorf("read the record of %s: event %d belongs to %s", i.ID, e.Seq, e.Incident)
	case e.Seq <= i.Last:
		return fmt.Errorf("read the record of %s: event %d stands behind event %d", e.Incident, e.Seq, i.Last)
	}
	if i.ID == "" {
		i.begin(e)
	}
	text, tone, err := i.take(e)
	if err != nil {
		return err
	}
	i.Timeline = append(i.Timeline, Happened{Seq: e.Seq, At: e.At, Kind: e.Kind, By: e.By, Step: e.Step, Text: text, Tone: tone})
	i.Last = e.Seq
	sum := sha256.Sum256([]byte(i.Digest + e.Digest()))
	i.Digest = hex.EncodeToString(sum[:])
	return nil
}

func (i *Incident) begin(e Event) {
	*i = Incident{
		ID: e.Incident, Status: Open, OpenedAt: e.At, OpenedBy: e.By, Services: []string{},
		Moments: []Moment{}, Rounds: []Round{}, Plans: []Planned{}, Notes: []Said{}, Checklist: []Checked{}, Timeline: []Happened{},
	}
}

// take folds an event's data in, and says in a line what happened.
func (i *Incident) take(e Event) (text string, tone Tone, err error) {
	switch e.Kind {
	case KindOpened:
		return i.opened(e)
	case KindDiagnosed:
		return i.diagnosed(e)
	case KindPlanned:
		return i.planned(e)
	case KindStarted, KindFinished, KindCancelled:
		return i.ofPlan(e)
	case KindNoted:
		return i.noted(e)
	case KindItem:
		return i.checked(e)
	case KindResolved, KindReopened:
		return i.closed(e)
	case KindApproved, KindHeld, KindCaptured, KindIntent, KindResult, KindMeasured, KindJudged, KindUndoAsked:
		return i.ofStep(e)
	}
	return e.Kind, Plain, nil
}

func (i *Incident) opened(e Event) (string, Tone, error) {
	o, err := Read[Opened](e)
	if err != nil {
		return "", "", err
	}
	i.Title, i.Symptom, i.Alert, i.Severity = o.Title, o.Symptom, o.Alert, o.Severity
	if o.Services != nil {
		i.Services = o.Services
	}
	from := "reported by " + e.By
	if o.Alert != "" {
		from = "alert " + o.Alert
		i.reach(e, Moment{Name: Alerted, From: from})
	}
	i.reach(e, Moment{Name: Detected, From: from})
	return "opened: " + o.Title, Bad, nil
}

func (i *Incident) noted(e Event) (string, Tone, error) {
	n, err := Read[Note](e)
	if err == nil {
		i.Notes = append(i.Notes, Said{At: e.At, By: e.By, Text: n.Text})
	}
	return "note: " + n.Text, Plain, err
}

// closed is an incident's end, or that it was none.
func (i *Incident) closed(e Event) (string, Tone, error) {
	n, err := Read[Note](e)
	if err != nil {
		return "", "", err
	}
	word, tone := "resolved", Good
	if e.Kind == KindResolved {
		i.Status = Resolved
		i.reach(e, Moment{Name: Ended, From: "said by " + e.By})
	} else {
		// A recovery that did not last is none.
		i.Status, word, tone = Reopened, "reopened", Bad
		i.forget(Recovery, Ended)
	}
	if n.Text != "" {
		word += ": " + n.Text
	}
	return word, tone, nil
}

package incident

import "time"

// Happened is one event as a line of the timeline.
type Happened struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	By   string    `json:"by"`
	Step string    `json:"step,omitempty"`
	Text string    `json:"text"`
	Tone Tone      `json:"tone,omitempty"`
}

// Tone says what an event means for the incident, for marks and colours.
type Tone string

// The tones of events.
const (
	Plain Tone = ""
	Good  Tone = "good"  // it is better, or well
	Bad   Tone = "bad"   // something is wrong
	Doubt Tone = "doubt" // nobody knows, or somebody has to look
	Act   Tone = "act"   // something was changed, or may have been
	Minor Tone = "minor" // one of many alike
)

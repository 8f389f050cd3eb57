// Package report tells the tale: the page that a tired engineer reads in
// twenty seconds, and the same as JSON.
package report

import (
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
)

// Schema names the JSON form of a Page; it changes when a field changes its
// meaning. docs/reference/diagnosis.md describes it.
const Schema = "quell.diagnosis/1"

// Page is one diagnosis with its circumstances.
type Page struct {
	Schema      string              `json:"schema"`
	Services    []string            `json:"services"`
	Since       string              `json:"since"` // how far back it looked, like 30m
	Diagnosis   diagnosis.Diagnosis `json:"diagnosis"`
	Skipped     []Skipped           `json:"skipped"` // playbooks without a target to ask
	Interrupted bool                `json:"interrupted"`
	Took        time.Duration       `json:"took_ns"`
	Costs       []Cost              `json:"costs"`
	Notes       []string            `json:"notes"` // remarks on answers: cut short, rewritten, read in part
}

// Skipped is a playbook that was not asked, and what it would need.
type Skipped struct {
	Playbook string   `json:"playbook"`
	Kind     string   `json:"kind"` // of the target that is missing
	Services []string `json:"services"`
}

// Cost is what the diagnosis did to one target.
type Cost struct {
	Target   string        `json:"target"`
	Kind     string        `json:"kind"`
	Requests int           `json:"requests"`
	Busy     time.Duration `json:"busy_ns"`
	Backoffs int           `json:"backoffs,omitempty"`
}

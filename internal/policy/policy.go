// Package policy decides what a change needs before it is made: how many
// people, which ones, how long their word holds, or why it is not made now.
// It is pure: time, history and the people come in as values, and the same ask
// under the same policy gives the same decision.
package policy

import (
	"crypto/ed25519"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// Policy is what the operator wrote under policy: in quell.yaml. The zero value
// is a policy: R1 and R2 need a person, R3 an approver, R4 two people, and
// nothing is done without being asked for.
type Policy struct {
	Approvers []Approver // who may approve where an approver or two people are needed; empty: anybody
	// Expires is how long an approval holds; 0: 15 minutes.
	Expires time.Duration
	// Risk says what each class needs; one that is missing needs what
	// DefaultNeed says, and at least what a lesser class needs.
	Risk     map[action.Risk]Need
	Rules    []Rule
	Limits   Limits // of everything, where no rule says otherwise
	Freeze   []Window
	Autonomy []Grade
	Auto     Earning
	// Stop, where it is not empty, is why nothing is changed at all: the kill
	// switch of the file.
	Stop string
	// At says where a setting stands, as file:line:column, by its name: "stop",
	// "expires", "risk.R3", "limits.blast", "auto". It is only shown.
	At map[string]string
}

// Approver is a person whose word counts.
type Approver struct {
	Name string
	Key  ed25519.PublicKey // nil where the file does not say it
	At   string
}

// Rule says something of the changes that it matches. What it leaves empty is
// taken from the next rule that matches and says it, and then from the rest of
// the policy.
type Rule struct {
	Match
	Need      Need
	Approvers []string // of the policy's
	Expires   time.Duration
	Autonomy  Autonomy
	Limits    Limits
	Why       string // the operator's reason; shown
	At        string
}

// Limits bound changes; a zero field bounds nothing. Those of an hour count the
// changes to the same service, in a rule those that the rule matches.
type Limits struct {
	PerHour      int   // changes within an hour
	Blast        int64 // things that one change may touch
	BlastPerHour int64 // things that all changes within an hour may touch
	// AllPerHour bounds the changes within an hour to all services together,
	// against a fault that makes Quell itself run wild. Not in rules.
	AllPerHour int
}

// DefaultExpires is how long an approval holds where nobody says.
const DefaultExpires = 15 * time.Minute

// byDefault is the place of what nobody wrote.
const byDefault = "default"

// at says where a setting stands; byDefault where the operator left it out.
func (p Policy) at(name string) string {
	if at := p.At[name]; at != "" {
		return at
	}
	return byDefault
}

// names of the approvers, in the order written.
func (p Policy) names() []string {
	names := make([]string, len(p.Approvers))
	for i, a := range p.Approvers {
		names[i] = a.Name
	}
	return names
}

package policy

import (
	"time"

	"github.com/quellhq/quell/internal/action"
)

// Ask is a change that somebody wants to make, with all that policy looks at.
type Ask struct {
	Subject
	Now   time.Time
	Blast int64 // how many things it touches: Preview.Touches
	// TwoPeople says why this instance needs two people whatever policy says
	// (Preview.TwoPeople); empty where it does not.
	TwoPeople string
	// RecentChanges are those of the last hour at least, to all services, in any
	// order. Older ones do no harm.
	RecentChanges []Change
	Record        TrackRecord // of Action, for the policy's Earning
	// KillSwitch says why nothing is changed, where somebody has pulled it
	// outside of the file.
	KillSwitch string
	Requester  string // who made the plan
	// Undo says that the change takes back one that Quell has made. Freezes and
	// limits let it through: half a change is worse than none.
	Undo bool
}

// Decision is what a change needs, or why it is not made now. As JSON equal
// decisions are equal, byte for byte.
type Decision struct {
	Autonomy Autonomy `json:"autonomy"` // that may be used: auto only where it is earned
	Need     Need     `json:"need"`
	// Approvals is how many people must approve: 0, 1 or 2.
	Approvals int  `json:"approvals"`
	Distinct  bool `json:"distinct"` // they must be different people
	// Approvers are the ones whose approval counts, by name; empty: anybody's.
	Approvers []string `json:"approvers,omitempty"`
	// SelfApproval is whether the approval of the one who made the plan counts.
	SelfApproval bool          `json:"self_approval"`
	Expires      time.Duration `json:"expires_ns"` // how long an approval holds

	Refused string `json:"refused,omitempty"` // why it is not made now, gravest first; empty: it may be
	// Until is when every reason for refusing has ended; zero where one of them
	// does not end by itself.
	Until time.Time `json:"until,omitzero"`
	Why   []string  `json:"why"` // what says so, as "…: file:line:column"; default: nobody wrote it
}

// Digest names what an approval has to satisfy. Neither the reasons nor a
// refusal are part of it: a moved line in the file, or a freeze that is over,
// does not make an approval stale; one more person that must approve does.
func (d Decision) Digest() string {
	d.Refused, d.Until, d.Why = "", time.Time{}, nil
	return action.Digest(d)
}

// Package run walks an investigation through its questions: it binds the roles
// of playbooks to targets, plans every question once, asks them all at the
// same time within limits, and hands the evidence on. It never fails as a
// whole: a question without an answer is evidence too.
package run

import (
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// Target is an opened system that questions can be put to.
type Target struct {
	Name   string
	Kind   string
	Serves []string     // further kinds whose place it can take
	Probes []probe.Spec // the built-in questions that it answers
	Prober probe.Prober
	Gate   *connector.Gate // may be nil; used for the cost
	// Process is the target of kind process that is the server behind this one.
	Process string
	// Calls reports whether a target of kind http declares calls that may mend it.
	Calls bool
}

// Service is something users feel, with the targets that its playbooks may ask.
type Service struct {
	Facts   probe.Service
	Targets []string // names, in the order of quell.yaml
	// Processes are those of kind process that are the service itself.
	Processes []string
	// Operations are those of kind http whose calls may mend it. They fill the
	// roles that only actions use, and nobody asks them how the service is.
	Operations []string
	// Called are those of kind http that are other services, which it calls. They
	// never stand for the service itself.
	Called []string
}

// Investigation is one round of questions. Playbooks, Services and Targets are
// needed; zero fields else take defaults.
type Investigation struct {
	Playbooks []*playbook.Playbook
	Services  []Service
	Targets   map[string]Target
	Params    func(*playbook.Playbook) map[string]any // values of parameters; nil: the defaults
	Now       time.Time                               // end of all windows; zero: the time of asking
	Since     time.Duration                           // how far back to look; zero: 30 minutes
	Timeout   time.Duration                           // for one question; zero: 8 seconds
	Budget    time.Duration                           // for all of them; zero: 25 seconds
	Rows      int                                     // longest list kept of one answer; zero: 2000
	AtOnce    int                                     // questions under way at once; zero: 48
	// Afterwards also asks what verifications and resolution checklists read.
	Afterwards bool
	// Timeline also asks what has changed of everything that a service rests on.
	Timeline bool
	// Usual, where not zero, is the moment before which the usual state is looked
	// for, however long ago it is by now: series go back so much further.
	Usual time.Time
	// Recorded, where not nil, are the answers of an earlier round: nobody is
	// asked, and a question that was not put then has no answer now.
	Recorded []evidence.Evidence
	Redact   *secret.Redactor
	Progress func(Event) // called from one goroutine at a time; may be nil
	// Clock gives the times that evidence bears; nil: time.Now.
	Clock func() time.Time
}

// Event is one step of an investigation, for a progress display.
type Event struct {
	Planned  int // questions in all
	Done     int // questions with an answer or a reason for none
	Evidence *evidence.Evidence
	Waiting  []string // targets with questions under way or to come, sorted
}

// Result is what came of an investigation.
type Result struct {
	Subjects []diagnosis.Subject
	Skipped  []Skipped
	Evidence []evidence.Evidence // every question asked, in a fixed order
	Costs    []Cost
	At       time.Time
	Took     time.Duration
	// Interrupted says that the caller cut the round short (Ctrl-C).
	Interrupted bool
	// OutOfTime is how many questions the budget of the round left without an answer.
	OutOfTime int
}

// Skipped is a playbook that could not be asked about a service.
type Skipped struct {
	Playbook string `json:"playbook"`
	Service  string `json:"service"`
	Role     string `json:"role"`
	Kind     string `json:"kind"`
}

// Cost is what the investigation did to one target.
type Cost struct {
	Target string `json:"target"`
	Kind   string `json:"kind"`
	connector.Cost
}

func (i Investigation) filled() Investigation {
	if i.Clock == nil {
		i.Clock = time.Now
	}
	if i.Now.IsZero() {
		i.Now = i.Clock()
	}
	pick := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	pick(&i.Since, usual)
	pick(&i.Timeout, 8*time.Second)
	pick(&i.Budget, 25*time.Second)
	if i.Rows <= 0 {
		i.Rows = 2000
	}
	if i.AtOnce <= 0 {
		i.AtOnce = 48
	}
	if i.Params == nil {
		i.Params = func(p *playbook.Playbook) map[string]any {
			values := map[string]any{}
			for _, param := range p.Params {
				values[param.Name] = param.Default
			}
			return values
		}
	}
	if i.Progress == nil {
		i.Progress = func(Event) {}
	}
	return i
}

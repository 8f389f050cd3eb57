package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/diagnosis"
)

// Fault is something that is wrong with a system, and how to make it so.
type Fault struct {
	Name string
	// Truth are the conditions of the shipped playbooks that count as the true
	// cause, by id: "db/locks#many-sessions-update-the-same-row". Any of them
	// first is right. A healthy state has none.
	Truth    []string
	Variants []Variant // the same with different parameters
	// Alone faults take both processors, or are disturbed by others that do:
	// the score lets them in one at a time.
	Alone bool
}

// Variant brings a system into the state that its fault describes, and adds to
// env what a diagnosis may look at. What it starts ends with the test.
type Variant struct {
	Name   string
	Inject func(t testing.TB, env *Env)
}

// Env is what a diagnosis gets to see.
type Env struct {
	Service string // the service that people complain about
	URL     string // where it answers; may be empty
	Symptom string // what a person says, where the fault needs someone to say it
	Targets []app.TargetSetup
}

// Add gives the service a target.
func (e *Env) Add(name, kind string, settings connector.Settings) {
	e.Targets = append(e.Targets, app.TargetSetup{Name: name, Kind: kind, Settings: settings})
}

// diagnose asks everything that the shipped playbooks ask.
func diagnose(t testing.TB, env *Env) diagnosis.Diagnosis {
	t.Helper()
	service := app.ServiceSetup{Name: env.Service, URL: env.URL}
	for _, target := range env.Targets {
		service.Targets = append(service.Targets, target.Name)
	}
	session, err := app.Open(app.Setup{Services: []app.ServiceSetup{service}, Targets: env.Targets})
	require.NoError(t, err)
	defer session.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := session.Diagnose(ctx, app.Request{Symptom: env.Symptom})
	require.NoError(t, err)
	return out.Page.Diagnosis
}

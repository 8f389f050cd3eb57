// Package storetest is the contract of a store of incidents: what was reported
// as done is there, whoever was killed meanwhile; two writers never both win;
// a lease has one holder; and the audit log shows what was altered behind the
// store's back. Every store passes all of it, on the real database.
package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

// Backend is one kind of store, with places to keep it in.
type Backend struct {
	// Fresh returns the address of an empty place that goes when the test ends.
	Fresh func(t testing.TB) string
	// Open opens the store at an address, as another process would.
	Open Opener
	// SQL runs a statement at an address behind the store's back.
	SQL func(t testing.TB, address, statement string)
}

// Opener opens a store by its address.
type Opener func(ctx context.Context, address string) (Store, error)

// Store is a store that can be audited.
type Store interface {
	incident.Store
	incident.Auditable
}

// Run holds a store to the contract. Main must run the package's tests.
func Run(t *testing.T, b Backend) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Backend){
		"incidents are numbered, and listed newest first":      numbering,
		"events are given back byte for byte":                  bytes,
		"an append behind another number is a conflict":        conflicts,
		"all events of a call are kept, or none":               allOrNone,
		"what cannot be kept is refused with a reason":         bounds,
		"large events are read in pages":                       pages,
		"an incident that does not exist is not found":         missing,
		"of many writers at once one wins each number":         oneWinner,
		"a caller who gives up has written nothing":            givenUp,
		"a closed store cannot be used":                        closed,
		"values are kept, replaced and taken away":             values,
		"the audit log is visited from any entry":              visits,
		"a lease has one holder, and is prolonged by it":       leaseHeld,
		"a lease that has passed brings its work along":        leasePassed,
		"a lease with work stays when it is given back":        leaseReleased,
		"a lease that nobody took is still its owner's":        leaseLate,
		"a lease is never made shorter":                        leaseGrows,
		"leases are listed by key":                             leaseList,
		"several leases are marked together, or none":          leasesMarked,
		"events are found by kind over all incidents":          found,
		"no lease is given before the former has passed":       leaseTakeover,
		"of many that ask at once one holds a lease":           leaseRace,
		"of several processes one holds a lease":               leaseProcesses,
		"several processes append to one incident":             processes,
		"what a killed process has acknowledged is there":      killed,
		"several processes set up one store":                   setUp,
		"a sound log is verified while others write":           verifiedBusy,
		"a log is compared with its anchors":                   anchors,
		"what is altered in the database is found":             tampered,
		"the first of several faults is named, however far on": firstFault,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// fresh opens a store in an empty place.
func (b Backend) fresh(t testing.TB) (s Store, address string) {
	t.Helper()
	address = b.Fresh(t)
	return b.open(t, address), address
}

func (b Backend) open(t testing.TB, address string) Store {
	t.Helper()
	s, err := b.Open(context.Background(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// note is an event that says something.
func note(text string) incident.Event {
	data, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		panic(err) // no text can do this
	}
	return incident.Event{Kind: "note", By: "tester", Data: data}
}

// opened is a store with one incident of one event.
func (b Backend) opened(t testing.TB) (s Store, id string) {
	t.Helper()
	s, _ = b.fresh(t)
	return s, create(t, s)
}

func create(t testing.TB, s Store) string {
	t.Helper()
	id, err := s.Create(context.Background(), incident.Header{Title: "orders are slow", Services: []string{"orders-api"}}, note("opened"))
	require.NoError(t, err)
	return id
}

// sound verifies the audit log.
func sound(t testing.TB, s Store) incident.Verified {
	t.Helper()
	v, err := incident.VerifyAudit(context.Background(), s)
	require.NoError(t, err)
	return v
}

// texts are what notes say.
func texts(t testing.TB, events []incident.Event) []string {
	t.Helper()
	list := []string{}
	for i, e := range events {
		var v struct{ Text string }
		require.NoError(t, json.Unmarshal(e.Data, &v))
		require.Equal(t, events[0].Seq+int64(i), e.Seq, "there is a hole in the numbers")
		list = append(list, v.Text)
	}
	return list
}

func numbered(what string, n int) []incident.Event {
	list := make([]incident.Event, n)
	for i := range list {
		list[i] = note(fmt.Sprintf("%s %d", what, i))
	}
	return list
}

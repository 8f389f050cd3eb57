package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/policy"
)

// The same evidence gives the same diagnosis, byte for byte, although the world
// has changed since and the server is gone.
func TestTheRecordIsEnoughToConcludeAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	d := o.desk(t, "ann")
	out, id := onRecord(t, d)
	o.server.Exec(t, "postgres", "ALTER ROLE shop CONNECTION LIMIT 7")
	o.server.Stop()

	req, err := d.From(t.Context(), id)
	require.NoError(t, err)
	again, err := d.Diagnose(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, asJSON(t, out.Page.Diagnosis), asJSON(t, again.Page.Diagnosis))
	require.NotEmpty(t, again.Page.Diagnosis.Roots, "it says what it said then")

	_, err = d.From(t.Context(), "INC-9")
	require.ErrorContains(t, err, "there is no incident INC-9")
}

// A round that was taken after a recovery shows how it looks then: what was
// wrong stands in the one before.
func TestTheRoundBeforeTheRecoveryIsConcludedFrom(t *testing.T) {
	t.Parallel()
	o := newOffice(t, policy.Policy{})
	d := o.desk(t, "ann")
	out, id := onRecord(t, d)
	after, err := incident.New(incident.KindDiagnosed, "quell", "", incident.Diagnosed{Since: "1h", After: true})
	require.NoError(t, err)
	events, err := d.Incident(t.Context(), id)
	require.NoError(t, err)
	_, err = d.Store().Append(t.Context(), id, events[len(events)-1].Seq, after)
	require.NoError(t, err)

	req, err := d.From(t.Context(), id)
	require.NoError(t, err)
	require.True(t, req.Now.Equal(out.Page.Diagnosis.At))
	require.Len(t, req.Recorded, len(out.Result.Evidence))
}

// onRecord diagnoses, and keeps it as an incident.
func onRecord(t *testing.T, d *app.Desk) (out app.Outcome, id string) {
	t.Helper()
	out, err := d.Diagnose(t.Context(), app.Request{})
	require.NoError(t, err)
	id, err = d.Save(t.Context(), app.Request{}, out)
	require.NoError(t, err)
	return out, id
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	require.NoError(t, e.Encode(v))
	return b.String()
}

package change_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/onset"
	"github.com/quellhq/quell/internal/probe"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func answered(v any) evidence.Evidence {
	return evidence.Evidence{Answer: evidence.Of(v), Target: "it", At: now}
}

func TestAMomentIsReadWhereASpecSaysSo(t *testing.T) {
	t.Parallel()
	seconds := float64(now.Unix())
	for why, c := range map[string]struct {
		moment probe.Moment
		value  any
		want   []change.Change
	}{
		"a field of an object": {
			probe.Moment{Kind: probe.Certificate, At: "not_before", What: "certificate of {name}", About: "issuer"},
			map[string]any{"not_before": seconds - 60, "name": "shop.example", "issuer": "an authority"},
			[]change.Change{{Kind: probe.Certificate, What: "certificate of shop.example", Detail: "an authority", At: now.Add(-time.Minute)}},
		},
		"seconds that have passed": {
			probe.Moment{Kind: probe.Restart, Ago: "uptime_s", What: "redis"},
			map[string]any{"uptime_s": int64(90)},
			[]change.Change{{Kind: probe.Restart, What: "redis", At: now.Add(-90 * time.Second)}},
		},
		"a field of rows, as text": {
			probe.Moment{Kind: probe.Restart, Rows: "instances", At: "started", What: "{name}"},
			map[string]any{"instances": []any{map[string]any{"name": "a", "started": "2026-01-01T11:00:00Z"}, map[string]any{"name": "b", "started": nil}}},
			[]change.Change{{Kind: probe.Restart, What: "a", At: now.Add(-time.Hour)}},
		},
		"rows that name their kind": {
			probe.ChangeRows(probe.Deploy)[0],
			[]any{map[string]any{"at": seconds, "kind": "deploy", "what": "shop", "detail": ""}, map[string]any{"at": seconds, "kind": "none", "what": "shop"}},
			[]change.Change{{Kind: probe.Deploy, What: "shop", At: now}},
		},
		"too long ago":              {probe.Moment{Kind: probe.Boot, At: "booted"}, map[string]any{"booted": seconds - 3*86400}, nil},
		"in the future":             {probe.Moment{Kind: probe.Boot, At: "booted"}, map[string]any{"booted": seconds + 3600}, nil},
		"no moment":                 {probe.Moment{Kind: probe.Boot, At: "booted"}, map[string]any{"booted": nil}, nil},
		"another shape than stated": {probe.Moment{Kind: probe.Boot, Rows: "list", At: "booted"}, []any{1.0, "x"}, nil},
	} {
		var log change.Log
		log.Add(probe.Spec{Name: "x.y", Changes: []probe.Moment{c.moment}}, answered(c.value), now)
		for i := range c.want {
			c.want[i].Target, c.want[i].Probe = "it", "x.y"
		}
		require.Equal(t, c.want, log.Changes, why)
		require.NotEmpty(t, log.Kinds, why)
	}
}

func TestWhoDidNotAnswerSawNothing(t *testing.T) {
	t.Parallel()
	var log change.Log
	log.Add(probe.Spec{Changes: probe.ChangeRows(probe.Deploy)}, evidence.Evidence{Answer: evidence.Not(evidence.Denied, "no", "")}, now)
	require.Empty(t, log.Kinds)
	require.NotContains(t, log.Value(now), probe.Deploy, "an expression over it is unknown, not false")
}

func TestALogIsTheSameInWhateverOrderItWasFilled(t *testing.T) {
	t.Parallel()
	var want change.Log
	var all []change.Change
	for i := range 40 {
		c := change.Change{Kind: probe.Restart, What: strings.Repeat("x", i%3), At: now.Add(-time.Duration(i%7) * time.Minute), Target: string(rune('a' + i%5))}
		all = append(all, c)
	}
	want.Changes = all
	sorted := want.Sorted()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		require.Equal(t, sorted, change.Log{Changes: all}.Sorted())
	}
}

func TestHowLongBeforeIsCountedFromTheLatestMomentOfTheOnset(t *testing.T) {
	t.Parallel()
	log := change.Log{Kinds: []string{probe.Deploy}, Changes: []change.Change{{Kind: probe.Deploy, At: now}}}
	to := float64(now.Unix() + 20)
	row := log.Since(&onset.Interval{From: to - 15, To: to}).Value(now)[probe.Deploy].([]any)[0].(map[string]any)
	require.Equal(t, 20.0, row["before_onset_s"])
	require.NotContains(t, log.Value(now)[probe.Deploy].([]any)[0], "before_onset_s")
}

func TestACaseSaysWhatHasChanged(t *testing.T) {
	t.Parallel()
	log, err := change.Scripted(map[string]any{"deploy": []any{map[string]any{"what": "shop", "age_s": int64(60)}}, "restart": []any{}, "config": nil}, now)
	require.NoError(t, err)
	require.Equal(t, []string{"config", "deploy", "restart"}, log.Kinds)
	require.Equal(t, now.Add(-time.Minute), log.Changes[0].At)
	for text, value := range map[string]any{
		"a list for each kind":      []any{},
		"no kind of change":         map[string]any{"deployment": []any{}},
		"are a list":                map[string]any{"deploy": "yesterday"},
		"a change says when it was": map[string]any{"deploy": []any{map[string]any{"what": "shop"}}},
	} {
		_, err := change.Scripted(value, now)
		require.ErrorContains(t, err, text)
	}
}

// A log tells of a start, and a start that no line tells of may have happened too.
func TestHearsayTellsOfWhatHappenedAlone(t *testing.T) {
	t.Parallel()
	moment := probe.ChangeRows(probe.Deploy, probe.Restart)[0]
	moment.Hearsay = true
	var log change.Log
	require.True(t, log.Empty())
	log.Add(probe.Spec{Name: "x.y", Changes: []probe.Moment{moment}}, answered([]any{map[string]any{"at": float64(now.Unix()), "kind": "restart", "what": "shop"}}), now)
	require.False(t, log.Empty())
	value := log.Value(now)
	require.Len(t, value["restart"], 1)
	require.NotContains(t, value, "deploy", "that none was told of does not say that there was none")
}

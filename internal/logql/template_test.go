package logql_test

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"took 12ms for user 42":                        "took <*> for user <*>",
		"GET /api/v1/orders/123 from 10.0.0.1:5432":    "GET /api/<*>/orders/<*> from <*>",
		"id=f47ac10b-58cc-4372-a567-0e02b2c3d479 done": "id=<*> done",
		"commit deadbeefdeadbeefcafe missing":          "commit <*> missing",
		`column "a b" of relation 'x' unknown`:         `column "<*>" of relation '<*>' unknown`,
		`key="a value with blanks" next`:               `key="<*>" next`,
		"it's broken, isn't it":                        "it's broken, isn't it",
		"2026-03-01 12:00:00,123 ERROR db: no":         "<*> <*>,<*> ERROR db: no",
		"first line\nsecond 5":                         "first line",
		"user-7 on host3.example.com":                  "user-<*> on <*>.example.com",
		"":                                             "",
	} {
		m := logql.NewMiner(0)
		require.Equal(t, want, m.Add([]byte(message), "", 1), message)
	}
}

func TestTemplatesDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	type entry struct {
		text string
		time int64
	}
	var entries []entry
	for i := range 300 {
		entries = append(entries, entry{fmt.Sprintf("request %d failed after %dms", i, i*7), int64(i)})
		if i%3 == 0 {
			entries = append(entries, entry{fmt.Sprintf("user u%d logged in", i), int64(i)})
		}
	}
	mine := func() []logql.Template {
		m := logql.NewMiner(150)
		for _, e := range entries {
			m.Add([]byte(e.text), "info", e.time)
		}
		out := m.Templates()
		for i := range out {
			out[i] = logql.Template{Text: out[i].Text, Count: out[i].Count, Before: out[i].Before, First: out[i].First, Last: out[i].Last, Level: out[i].Level, Samples: out[i].Samples}
		}
		return out
	}
	want := mine()
	require.Equal(t, 149, want[0].Count)
	require.Equal(t, []string{"request 0 failed after 0ms", "request 1 failed after 7ms", "request 2 failed after 14ms"}, want[0].Samples)
	random := rand.New(rand.NewSource(1))
	for range 10 {
		random.Shuffle(len(entries), func(a, b int) { entries[a], entries[b] = entries[b], entries[a] })
		require.Equal(t, want, mine())
	}
}

func TestOnset(t *testing.T) {
	t.Parallel()
	w := logql.Window{Start: noon.Add(-time.Hour), End: noon}
	add := func(h *logql.Histogram, from, to time.Duration, every time.Duration) {
		for at := from; at > to; at -= every {
			h.Add(noon.Add(-at).UnixNano())
		}
	}
	quiet := logql.NewHistogram(w)
	_, ok := quiet.Onset()
	require.False(t, ok)
	steady := logql.NewHistogram(w)
	add(steady, time.Hour, 0, 10*time.Second)
	_, ok = steady.Onset()
	require.False(t, ok, "a steady rate has no onset")
	once := logql.NewHistogram(w)
	add(once, time.Minute, 0, 30*time.Second)
	_, ok = once.Onset()
	require.False(t, ok, "two errors are no onset")
	for _, began := range []time.Duration{50 * time.Minute, 20 * time.Minute, 5 * time.Minute} {
		burst := logql.NewHistogram(w)
		add(burst, time.Hour, 0, 2*time.Minute)
		add(burst, began, 0, 5*time.Second)
		at, ok := burst.Onset()
		require.True(t, ok)
		require.InDelta(t, float64(noon.Add(-began).Unix()), float64(at)/1e9, 61)
	}
	over := logql.NewHistogram(w)
	add(over, 40*time.Minute, 20*time.Minute, 5*time.Second)
	at, ok := over.Onset()
	require.True(t, ok)
	require.InDelta(t, float64(noon.Add(-40*time.Minute).Unix()), float64(at)/1e9, 61)
}

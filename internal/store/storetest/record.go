package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

func numbering(t *testing.T, b Backend) {
	ctx := context.Background()
	s, address := b.fresh(t)
	list, err := s.Headers(ctx, 0)
	require.NoError(t, err)
	require.Empty(t, list)

	before := time.Now().Add(-time.Millisecond)
	opened := time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.FixedZone("", 3600))
	for i := range 3 {
		id, err := s.Create(ctx, incident.Header{ID: "INC-99", OpenedAt: opened, Title: fmt.Sprint("number ", i), Services: []string{"b", "a"}}, note("one"), note("two"))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("INC-", i+1), id)
	}
	last, err := s.Append(ctx, "INC-2", 2, note("three"))
	require.NoError(t, err)
	require.EqualValues(t, 3, last)

	other := b.open(t, address) // as another process sees it
	events, err := other.Events(ctx, "INC-2", 0)
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two", "three"}, texts(t, events))
	for _, e := range events {
		require.Equal(t, "INC-2", e.Incident)
		require.Equal(t, time.UTC, e.At.Location())
		require.WithinRange(t, e.At, before, time.Now())
	}
	events, err = other.Events(ctx, "INC-2", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"three"}, texts(t, events))
	events, err = other.Events(ctx, "INC-2", 3)
	require.NoError(t, err)
	require.Empty(t, events)

	list, err = other.Headers(ctx, 2)
	require.NoError(t, err)
	want := incident.Header{ID: "INC-3", OpenedAt: opened.UTC().Truncate(time.Microsecond), Services: []string{"b", "a"}, Title: "number 2"}
	require.Equal(t, want, list[0])
	require.Equal(t, "INC-2", list[1].ID)
	require.Len(t, list, 2)
	list, err = other.Headers(ctx, 0)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.EqualValues(t, 3+7, sound(t, s).Entries)
}

func bytes(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	at := time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	after := int64(1)
	for _, data := range []string{
		"{\"a\" :\t1,\n \"a\": 2}", `[1e400, 12345678901234567890.000, -0]`, `"\u0000 \ud800 <&> é"`, "\"\xff\xfe\"", "0", "null", "",
	} {
		e := incident.Event{At: at, Kind: "kind", By: "Zoë ✓", Step: id + ".1.2", Data: []byte(data)}
		last, err := s.Append(ctx, id, after, e)
		require.NoError(t, err, data)
		events, err := s.Events(ctx, id, after)
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, data, string(events[0].Data))
		e.Incident, e.Seq, e.Data = id, last, events[0].Data
		require.Equal(t, e, events[0])
		after = last
	}
	sound(t, s)
}

func conflicts(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	for _, after := range []int64{0, 2, -1, 1 << 62} {
		_, err := s.Append(ctx, id, after, note("late"))
		require.ErrorIs(t, err, incident.ErrConflict)
		require.ErrorContains(t, err, "its last event is number 1, not ")
	}
	events, err := s.Events(ctx, id, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"opened"}, texts(t, events))
	require.EqualValues(t, 2, sound(t, s).Entries, "a conflict leaves nothing in the audit log")
}

func allOrNone(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	for name, broken := range map[string]incident.Event{
		"no JSON": {Kind: "note", By: "me", Data: json.RawMessage(`{"a":`)},
		"no kind": {By: "me"},
	} {
		_, err := s.Append(ctx, id, 1, note("first"), broken, note("third"))
		require.Error(t, err, name)
	}
	events, err := s.Events(ctx, id, 0)
	require.NoError(t, err)
	require.Len(t, events, 1)
	last, err := s.Append(ctx, id, 1, numbered("one of many", 1000)...)
	require.NoError(t, err)
	require.EqualValues(t, 1001, last)
	require.EqualValues(t, 1001, sound(t, s).Events)
}

func bounds(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	with := func(change func(*incident.Event)) []incident.Event {
		e := note("x")
		change(&e)
		return []incident.Event{e}
	}
	large := []byte(`"` + strings.Repeat("x", 16<<20-2) + `"`)
	for why, events := range map[string][]incident.Event{
		"there is no event":                           {},
		"1001 events in one call: at most 1000":       numbered("x", 1001),
		"has 16777217 bytes: at most 16777216":        with(func(e *incident.Event) { e.Data = []byte(string(large) + " ") }),
		"83886080 bytes of data in one call: at most": {{Kind: "a", By: "b", Data: large}, {Kind: "a", By: "b", Data: large}, {Kind: "a", By: "b", Data: large}, {Kind: "a", By: "b", Data: large}, {Kind: "a", By: "b", Data: large}},
		"its data is no JSON":                         with(func(e *incident.Event) { e.Data = []byte("{} {}") }),
		"its kind is missing":                         with(func(e *incident.Event) { e.Kind = "" }),
		"who it is by is missing":                     with(func(e *incident.Event) { e.By = "" }),
		"who it is by is not text":                    with(func(e *incident.Event) { e.By = "a\x00b" }),
		"its step is not text":                        with(func(e *incident.Event) { e.Step = "\xff" }),
		"its kind has 501 bytes: at most 500":         with(func(e *incident.Event) { e.Kind = strings.Repeat("x", 501) }),
		"its time is in the year 10000":               with(func(e *incident.Event) { e.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
	} {
		_, err := s.Append(ctx, id, 1, events...)
		require.ErrorContains(t, err, why)
		require.ErrorContains(t, err, "append to "+id)
		require.NotErrorIs(t, err, incident.ErrUnavailable)
		require.Less(t, len(err.Error()), 300)
	}
	for why, h := range map[string]incident.Header{
		"a service is missing":   {Services: []string{""}},
		"its title is not text":  {Title: "\xff"},
		"it has 1001 services":   {Services: make([]string, 1001)},
		"its title has 2001 byt": {Title: strings.Repeat("x", 2001)},
	} {
		_, err := s.Create(ctx, h, note("x"))
		require.ErrorContains(t, err, why)
	}
	list, err := s.Headers(ctx, 0)
	require.NoError(t, err)
	require.Len(t, list, 1)
	last, err := s.Append(ctx, id, 1, incident.Event{Kind: "large", By: "me", Data: large})
	require.NoError(t, err, "what is just small enough is kept")
	require.EqualValues(t, 2, last)
}

func pages(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	sizes := []int{9 << 20, 9 << 20, 5, 16 << 20, 3}
	for i, size := range sizes {
		_, err := s.Append(ctx, id, int64(i)+1, incident.Event{Kind: "large", By: "me", Data: []byte(`"` + strings.Repeat("x", size-2) + `"`)})
		require.NoError(t, err)
	}
	_, err := s.Append(ctx, id, int64(len(sizes))+1, numbered("small", 700)...)
	require.NoError(t, err)
	events, err := s.Events(ctx, id, 1)
	require.NoError(t, err)
	require.Len(t, events, len(sizes)+700)
	for i, size := range sizes {
		require.Len(t, events[i].Data, size)
	}
	for i, e := range events {
		require.EqualValues(t, i+2, e.Seq)
	}
	enough := errors.New("enough")
	visited := 0
	err = s.Walk(ctx, id, 0, func(incident.Event) error { visited++; return enough })
	require.ErrorIs(t, err, enough)
	require.Equal(t, 1, visited)
	sound(t, s)
}

func missing(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.opened(t)
	for _, id := range []string{"INC-2", "INC-999999999", "", "inc-1", "INC-1.1", "INC-x", "1", "INC-0", "'; DROP TABLE events; --"} {
		_, err := s.Events(ctx, id, 0)
		require.ErrorIs(t, err, incident.ErrNotFound, id)
		_, err = s.Append(ctx, id, 0, note("x"))
		require.ErrorIs(t, err, incident.ErrNotFound, id)
		err = s.Walk(ctx, id, 0, func(incident.Event) error { return nil })
		require.ErrorIs(t, err, incident.ErrNotFound, id)
	}
	sound(t, s)
}

func found(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(minutes int, kind, text string) incident.Event {
		e := note(text)
		e.Kind, e.At = kind, noon.Add(time.Duration(minutes)*time.Minute)
		return e
	}
	for _, events := range [][]incident.Event{
		{at(0, "act", "a"), at(30, "note", "no"), at(60, "result", "d")},
		{at(10, "act", "b"), at(20, "act", "c"), at(60, "act", "e")},
	} {
		_, err := s.Create(ctx, incident.Header{}, events...)
		require.NoError(t, err)
	}
	look := func(kinds []string, from time.Time, limit int) string {
		events, err := s.Find(ctx, kinds, from, limit)
		require.NoError(t, err)
		all := ""
		for _, e := range events {
			all += texts(t, []incident.Event{e})[0]
		}
		return all
	}
	both := []string{"act", "result"}
	require.Equal(t, "abcde", look(both, time.Time{}, 100), "oldest first")
	require.Equal(t, "cde", look(both, noon.Add(20*time.Minute), 100))
	require.Equal(t, "de", look(both, time.Time{}, 2), "the newest, where there are more")
	require.Equal(t, "abce", look([]string{"act"}, time.Time{}, 100))
	require.Empty(t, look(nil, time.Time{}, 100))
	require.Empty(t, look([]string{"act' OR '1'='1"}, time.Time{}, 100))
	events, err := s.Find(ctx, []string{"result"}, noon, 1)
	require.NoError(t, err)
	whole, err := s.Events(ctx, "INC-1", 2)
	require.NoError(t, err)
	require.Equal(t, whole, events)
}

// oneWinner lets many append behind the same numbers, through two stores.
func oneWinner(t *testing.T, b Backend) {
	const writers, rounds = 8, 25
	ctx := context.Background()
	s, address := b.fresh(t)
	other := b.open(t, address)
	id := create(t, s)
	for round := range rounds {
		after := int64(round) + 1
		var wg sync.WaitGroup
		won := make(chan string, writers)
		failed := make(chan error, writers)
		for w := range writers {
			wg.Go(func() {
				from := s
				if w%2 == 1 {
					from = other
				}
				text := fmt.Sprintf("round %d writer %d", round, w)
				switch _, err := from.Append(ctx, id, after, note(text)); {
				case err == nil:
					won <- text
				case !errors.Is(err, incident.ErrConflict):
					failed <- err
				}
			})
		}
		wg.Wait()
		close(failed)
		require.NoError(t, <-failed)
		require.Len(t, won, 1, "one wins, and everybody else is told")
		events, err := s.Events(ctx, id, after)
		require.NoError(t, err)
		require.Equal(t, []string{<-won}, texts(t, events))
	}
	require.EqualValues(t, rounds+1, sound(t, s).Events)
}

func givenUp(t *testing.T, b Backend) {
	s, id := b.opened(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Append(ctx, id, 1, note("never"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Create(ctx, incident.Header{}, note("never"))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Set(ctx, "a", "b", "me", ""), context.Canceled)
	_, err = s.Events(ctx, id, 0)
	require.ErrorIs(t, err, context.Canceled)

	// Whenever the caller gives up: there all of it, or none, as was said.
	after := int64(1)
	for i := range 60 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*50*time.Microsecond)
		last, err := s.Append(ctx, id, after, numbered(fmt.Sprint("try ", i), 20)...)
		cancel()
		events, readErr := s.Events(context.Background(), id, after)
		require.NoError(t, readErr)
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Empty(t, events, "it was said to have failed, and is there")
			continue
		}
		require.Len(t, events, 20)
		after = last
	}
	sound(t, s)
}

func closed(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err := s.Append(ctx, id, 1, note("x"))
	require.ErrorIs(t, err, incident.ErrUnavailable)
	_, err = s.Headers(ctx, 0)
	require.ErrorIs(t, err, incident.ErrUnavailable)
	_, err = s.Acquire(ctx, "k", "o", time.Second)
	require.ErrorIs(t, err, incident.ErrUnavailable)
}

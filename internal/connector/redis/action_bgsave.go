package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func bgsaveChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "redis.bgsave", Risk: action.R2,
			Does:     "Writes a snapshot in the background: needs a fork and free disk as large as the data.",
			Tells:    "the server has written a snapshot since (rdb_last_save_time)",
			Destroys: "the former snapshot, which this one replaces",
			Captures: []string{"redis.persistence", "redis.keyspace"},
		},
		Look: lookSave, Stands: standsSave, Make: makeSave,
	}
}

// saveState is what the server says of its snapshots. The moment of the last
// one that was written is its guard: those that fail are begun anew by the server
// itself every few seconds.
type saveState struct {
	Last    int64  `json:"last"` // unix seconds; the start of the server where it has not saved
	status  string // of the last one: "ok" or "err"
	running bool
	changes int64 // writes since the last one
	keys    float64
	memory  memoryNow
}

func askSaves(ctx context.Context, s *redisapi.Session) (saveState, error) {
	replies, err := s.All(ctx, []any{"INFO", "persistence"}, []any{"INFO", "keyspace"})
	if err != nil {
		return saveState{}, err
	}
	f := redisapi.Fields(replies[0].Val)
	number := func(name string) int64 { n, _ := strconv.ParseInt(f[name], 10, 64); return n }
	st := saveState{
		Last: number("rdb_last_save_time"), changes: number("rdb_changes_since_last_save"),
		status: f["rdb_last_bgsave_status"], running: f["rdb_bgsave_in_progress"] == "1",
	}
	text, _ := replies[1].Val.(string)
	st.keys, _ = parseInfo(text).totals()
	st.memory, err = askLimits(ctx, s)
	return st, err
}

func (s saveState) text() string {
	return fmt.Sprintf("last written at %s (%s), %s since", time.Unix(s.Last, 0).UTC().Format(time.RFC3339), s.status, redisact.Count(s.changes, "write"))
}

func lookSave(ctx context.Context, s *redisapi.Session, _ action.Args) (action.Preview, error) {
	now, err := askSaves(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	if now.running {
		return action.Preview{Already: true, Summary: "the server is writing a snapshot"}, nil
	}
	p := action.Preview{
		Summary:  "writes a snapshot in the background",
		Items:    []action.Item{{ID: "snapshot", Now: now.text(), Then: "written anew", Guard: redisact.Guard(now)}},
		Warnings: []string{"it needs a fork, memory for what changes meanwhile, and free disk beside the former snapshot"},
	}
	if m := now.memory; m.machine > 0 && m.used > m.machine/2 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("it uses more than half of the machine's %s: the fork may be refused", size(m.machine)))
		p.Risk = action.R3
	}
	if now.keys == 0 {
		p.TwoPeople, p.Risk = "the server is empty: its snapshot would replace what may be the last copy of the data", action.R4
	}
	return p, nil
}

// makeSave begins a snapshot and waits for it as long as there is time.
func makeSave(ctx context.Context, s *redisapi.Session, o action.Order, _ []action.Item) (action.Done, error) {
	if _, err := s.One(ctx, "BGSAVE"); err != nil {
		return action.Done{}, err
	}
	end := time.Now().Add(time.Minute)
	if deadline, ok := ctx.Deadline(); ok {
		end = deadline.Add(-2 * time.Second)
	}
	for {
		now, err := askSaves(ctx, s)
		switch {
		case err != nil:
			return action.Done{}, redisact.Plainly(err)
		case !now.running && now.status == "ok":
			return savedDone(now), nil
		case !now.running:
			return action.Done{}, action.Not("the snapshot was begun and could not be written: see the server's log and the question redis.persistence")
		case time.Now().After(end):
			return action.Done{Summary: "the snapshot was begun and is still being written"}, nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return action.Done{}, err
		}
	}
}

// saved reports whether a snapshot was written since the order was approved.
func saved(o action.Order, now saveState) bool {
	was, err := redisact.ReadGuard[saveState](o.Preview.Items[0])
	return err == nil && now.Last > was.Last
}

func savedDone(now saveState) action.Done {
	text := "written at " + time.Unix(now.Last, 0).UTC().Format(time.RFC3339)
	return action.Done{Summary: "a snapshot was " + text, Items: []action.Result{{ID: "snapshot", OK: true, Text: text}}}
}

// standsSave takes any snapshot since for the one that was asked for: the data
// is on disk.
func standsSave(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	now, err := askSaves(ctx, s)
	switch {
	case err != nil:
		return action.Standing{}, err
	case saved(o, now):
		done := savedDone(now)
		return redisact.Standing(action.Made, &done, "%s", done.Summary), nil
	case now.running:
		return redisact.Standing(action.CannotTell, nil, "a snapshot is being written: ask again when it is over"), nil
	}
	return redisact.Standing(action.NotMade, nil, "no snapshot since: %s", now.text()), nil
}

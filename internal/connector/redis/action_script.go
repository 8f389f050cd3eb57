package redis

import (
	"context"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func scriptKillChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "redis.script_kill", Risk: action.R2,
			Does:     "Stops the script or function that runs and keeps everyone waiting, if it has not written yet.",
			Tells:    "the server answers again: no script runs",
			Destroys: "the script's work so far; its client gets an error",
		},
		Lenient: true, Look: lookScript, Stands: standsScript, Make: makeScript,
	}
}

// running is what keeps the server, as far as it says.
type running struct {
	any      bool
	function string // its name; empty for a script, of which the server says nothing
}

// askRunning asks a server that may answer nothing but what is about scripts.
// One that is busy with a script refuses FUNCTION STATS too; one that runs a
// function names it.
func askRunning(ctx context.Context, s *redisapi.Session) (running, error) {
	replies, err := s.Do(ctx, []any{"PING"}, []any{"FUNCTION", "STATS"})
	if err != nil {
		return running{}, err
	}
	if !strings.HasPrefix(replies[0].Err, "BUSY") {
		return running{}, replies[0].Said([]any{"PING"})
	}
	name, _ := flatField(flatField(replies[1].Val, "running_script"), "name").(string)
	return running{any: true, function: name}, nil
}

// flatField finds a field in a flat list of names and values.
func flatField(v any, name string) any {
	list := asList(v)
	for i := 0; i+1 < len(list); i += 2 {
		if list[i] == name {
			return list[i+1]
		}
	}
	return nil
}

func asList(v any) []any { list, _ := v.([]any); return list }

func (r running) item() action.Item {
	if r.function != "" {
		return action.Item{ID: "function " + redisapi.Clip(r.function), Now: "it runs", Then: "stopped", Guard: "function " + r.function}
	}
	return action.Item{ID: "script", Now: "a script runs; the server does not say which", Then: "stopped", Guard: "script"}
}

func lookScript(ctx context.Context, s *redisapi.Session, _ action.Args) (action.Preview, error) {
	r, err := askRunning(ctx, s)
	if err != nil {
		return action.Preview{}, err
	}
	if !r.any {
		return action.Preview{Already: true, Summary: "no script keeps the server"}, nil
	}
	i := r.item()
	return action.Preview{
		Items: []action.Item{i}, Summary: "stops the " + i.ID + " that keeps the server",
		Warnings: []string{"one that has written already is not stopped: the server refuses, and only a shutdown without saving would end it"},
	}, nil
}

// scriptTime is how long a script may take to notice.
const scriptTime = 3 * time.Second

func makeScript(ctx context.Context, s *redisapi.Session, _ action.Order, items []action.Item) (action.Done, error) {
	cmd := []any{"SCRIPT", "KILL"}
	if strings.HasPrefix(items[0].Guard, "function ") {
		cmd = []any{"FUNCTION", "KILL"}
	}
	if _, err := s.One(ctx, cmd...); err != nil {
		return action.Done{}, err
	}
	for end := time.Now().Add(scriptTime); time.Now().Before(end); {
		r, err := askRunning(ctx, s)
		if err == nil && !r.any {
			break
		}
		if err == nil {
			err = pause(ctx, 20*time.Millisecond)
		}
		if err != nil {
			return action.Done{}, redisact.Plainly(err)
		}
	}
	return scriptDone(items[0]), nil
}

func scriptDone(i action.Item) action.Done {
	return action.Done{Summary: i.ID + " stopped", Items: []action.Result{{ID: i.ID, OK: true, Text: "stopped"}}}
}

// standsScript cannot tell one script from the next, as the server does not. To
// stop whichever keeps it is what was approved, and is safe to do again.
func standsScript(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	r, err := askRunning(ctx, s)
	if err != nil {
		return action.Standing{}, err
	}
	was := o.Preview.Items[0]
	if r.any && r.item().Guard == was.Guard {
		return redisact.Standing(action.NotMade, nil, "the server is still kept by a script, this one or another"), nil
	}
	done := scriptDone(was)
	return redisact.Standing(action.Made, &done, "%s no longer runs", was.ID), nil
}

package postgres

import (
	"context"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func resumeReplayChange() change {
	k := replay{call: "pg_wal_replay_resume", wants: "not paused", inverse: "postgres.pause_replay", past: "replay goes on"}
	return k.change(action.Spec{
		Name: "postgres.resume_replay", Does: "Resumes replay on a standby where someone paused it.", Undo: "pauses replay again",
	})
}

func pauseReplayChange() change {
	k := replay{call: "pg_wal_replay_pause", wants: "paused", inverse: "postgres.resume_replay", past: "replay is paused"}
	return k.change(action.Spec{
		Name: "postgres.pause_replay", Does: "Pauses replay on a standby: it keeps receiving log and shows the data as they are now.", Undo: "resumes replay",
	})
}

// replay is one of the two things one does to it.
type replay struct {
	call    string // the server's function
	wants   string // the state afterwards
	inverse string // the action that takes it back
	past    string
}

func (k replay) change(spec action.Spec) change {
	spec.Risk, spec.Tells = action.R1, "the standby says whether replay is paused"
	spec.Params = []probe.Param{action.ForParam()}
	return change{spec: spec, look: k.look, stands: k.stands, make: k.make}
}

// The state is a word from version 14 on, and a truth before.
const replaySQL = `SELECT pg_is_in_recovery() AS standby,
       has_function_privilege('pg_wal_replay_resume()', 'EXECUTE') AND has_function_privilege('pg_wal_replay_pause()', 'EXECUTE') AS may,
       CASE WHEN NOT pg_is_in_recovery() THEN '' WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END AS state`

// replayGuard is the state that was seen: "paused" (or asked to pause), "not paused".
type replayGuard struct {
	State string `json:"state"`
}

func (k replay) look(ctx context.Context, ask asker, _ action.Args) (action.Preview, error) {
	r, err := ask(ctx, replaySQL)
	if err != nil {
		return action.Preview{}, err
	}
	v := r.first()
	switch {
	case !truth(v, "standby"):
		return action.Preview{}, action.Refuse("use the target of a standby", "the server is no standby: it replays nothing")
	case !truth(v, "may"):
		return action.Preview{}, action.Refuse("GRANT EXECUTE ON FUNCTION pg_wal_replay_resume(), pg_wal_replay_pause() TO our role", "our role may not pause or resume replay")
	}
	g := replayGuard{State: str(v, "state")}
	p := action.Preview{
		Summary: "replay is " + g.State + ", and will be " + k.wants,
		Items:   []action.Item{{ID: "replay", Now: g.State, Then: k.wants, Guard: guard(g)}},
		Already: g.State == k.wants,
	}
	if p.Already {
		p.Summary = "replay is " + g.State
	} else if k.wants == "not paused" {
		p.Warnings = []string{"a standby that paused by itself, since its settings are smaller than its primary's, stops when it is resumed: its log says so"}
	}
	return p, nil
}

func (k replay) make(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	if _, err := v.do(ctx, o.Key, "SELECT pg_catalog."+k.call+"()"); err != nil {
		return action.Done{}, err
	}
	return k.done(), nil
}

func (k replay) done() action.Done {
	return action.Done{Summary: k.past, Inverse: &action.Change{Type: k.inverse, Args: action.Args{"for": "0s"}}}
}

func (k replay) stands(ctx context.Context, ask asker, _ action.Order) (action.Standing, error) {
	r, err := ask(ctx, replaySQL)
	if err != nil {
		return action.Standing{}, err
	}
	state := str(r.first(), "state")
	if state != k.wants {
		return standing(action.NotMade, nil, "replay is %s", state), nil
	}
	done := k.done()
	return standing(action.Made, &done, "%s", done.Summary), nil
}

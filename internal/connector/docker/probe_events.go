package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func eventsSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.events",
		Question: "What happened to the service's containers lately: starts, ends, kills for memory, failed checks, pulls?",
		Why:      "A container that runs again has forgotten how it ended; the engine's events have not.",
		Cost:     "one GET of the engine's events, of which it keeps the last 256",
		Shape:    probe.Object,
		Params: []probe.Param{
			serviceParam(),
			{Name: "since", Type: probe.Duration, Default: "1h", About: "how far back"},
		},
		Fields: []probe.Field{
			{Name: "covers_s", Type: "number", About: "how many seconds back the events reach: less than since where the engine has forgotten"},
			{Name: "starts", Type: "number", About: "containers that were started"},
			{Name: "deaths", Type: "number", About: "containers that ended"},
			{Name: "deaths_unasked", Type: "number", About: "ended without having been told to, and not with 0"},
			{Name: "newest_death_s", Type: "number", About: "seconds since the last of those; null without one"},
			{Name: "last_exit_code", Type: "number", About: "of the last of those; null without one"},
			{Name: "exit_codes", Type: "list", About: "of those, as texts, each once"},
			{Name: "ooms", Type: "number", About: "kills by the kernel at a memory limit"},
			{Name: "newest_oom_s", Type: "number", About: "seconds since the last; null without one"},
			{Name: "kills", Type: "number", About: "signals that somebody has sent through the engine (docker stop, kill, a deploy)"},
			{Name: "unhealthy", Type: "number", About: "times that a health check turned bad"},
			{Name: "pulls", Type: "number", About: "images that were pulled, of any service"},
			{Name: "made", Type: "number", About: "containers that were made: a deploy or a scaling"},
			{Name: "newest_made_s", Type: "number", About: "seconds since the last; null without one"},
			{Name: "events", Type: "rows", About: "newest first: age_s, what, name, exit_code, signal, image"},
		},
		Outcomes: []probe.Outcome{
			{When: "ooms above 0", Means: "the memory limit is reached, although it may run again"},
			{When: "deaths_unasked above 2", Means: "it ends again and again by itself"},
			{When: "covers_s small", Means: "the engine is busy (health checks count too) and remembers only that much"},
		},
	}
}

type event struct {
	Type     string
	Action   string
	TimeNano int64 `json:"timeNano"`
	Actor    struct {
		ID         string
		Attributes map[string]string
	}
}

// remembers is how many events an engine keeps.
const remembers = 256

// asked is how long after a signal through the engine an end counts as asked
// for: longer than the usual patience of docker stop, ten seconds.
const asked = 40 * time.Second

func (t *target) events(ctx context.Context, q probe.Question) evidence.Answer {
	since, ok := q.Args["since"].(time.Duration)
	if !ok || since <= 0 {
		since = time.Hour
	}
	now := t.tools.Now()
	until := now
	if !q.Now.IsZero() && q.Now.Before(now) {
		until = q.Now
	}
	if err := t.client.agree(ctx); err != nil {
		return answer(err)
	}
	// Without a filter, since the engine filters what it remembers: the age of
	// the oldest event of all says how far back it does.
	_, data, err := t.client.fetch(ctx, t.client.version+"/events", url.Values{"since": {stamp(until.Add(-since))}, "until": {stamp(until)}})
	if err != nil {
		return answer(err)
	}
	var all []event
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		var e event
		if dec.Decode(&e) != nil {
			return answer(t.client.strange())
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b event) int { return int(min(1, max(-1, a.TimeNano-b.TimeNano))) })
	tale := tale{now: now, covers: since, killed: map[string]time.Time{}}
	if len(all) >= remembers {
		tale.covers = until.Sub(time.Unix(0, all[0].TimeNano))
	}
	service, by := t.service(q), len(ways)
	for _, e := range all {
		if n := e.way(service); n > 0 && n < by {
			by = n
		}
	}
	for _, e := range all {
		if e.Type == "image" && e.Action == "pull" {
			tale.pulls++
		}
		if e.way(service) == by {
			tale.add(e)
		}
	}
	var notes []string
	if tale.covers < since {
		notes = append(notes, fmt.Sprintf("the engine remembers the last %d events, which reach back %s", len(all), tale.covers.Round(time.Second)))
	}
	return evidence.Of(tale.value(), notes...)
}

func (e event) way(service string) int {
	if e.Type != "container" {
		return 0
	}
	a := e.Actor.Attributes
	if strings.EqualFold(a[labelOneOff], "true") {
		return 0
	}
	return way(service, a["name"], a["image"], a)
}

func stamp(at time.Time) string {
	return fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond())
}

// tale is what events say.
type tale struct {
	now                                                     time.Time
	covers                                                  time.Duration
	starts, deaths, unasked, ooms, kills, sick, pulls, made int64
	death, oom, birth                                       time.Time
	code                                                    string
	codes                                                   []string
	killed                                                  map[string]time.Time
	rows                                                    []any
}

func (t *tale) add(e event) {
	at := time.Unix(0, e.TimeNano)
	a := e.Actor.Attributes
	what, _, _ := strings.Cut(e.Action, ":")
	switch {
	case e.Action == "health_status: unhealthy":
		what = "unhealthy"
		t.sick++
	case what == "start":
		t.starts++
	case what == "oom":
		t.ooms++
		t.oom = at
	case what == "create":
		t.made++
		t.birth = at
	case what == "kill":
		t.kills++
		t.killed[e.Actor.ID] = at
	case what == "die":
		t.deaths++
		if killed, ok := t.killed[e.Actor.ID]; a["exitCode"] != "0" && (!ok || at.Sub(killed) > asked) {
			t.unasked++
			t.death, t.code = at, a["exitCode"]
			if !slices.Contains(t.codes, t.code) {
				t.codes = append(t.codes, t.code)
			}
		}
	case what == "stop", what == "restart", what == "pause", what == "unpause", what == "destroy":
	default:
		return // attaching, executing (health checks), copying: nothing of its life
	}
	t.rows = append(t.rows, map[string]any{"age_s": t.now.Sub(at).Seconds(), "what": what, "name": a["name"], "exit_code": a["exitCode"], "signal": a["signal"], "image": a["image"]})
}

// mostEvents bounds the rows that are kept.
const mostEvents = 50

func (t *tale) value() map[string]any {
	age := func(at time.Time) any {
		if at.IsZero() {
			return nil
		}
		return t.now.Sub(at).Seconds()
	}
	slices.Reverse(t.rows)
	rows := append([]any{}, t.rows[:min(len(t.rows), mostEvents)]...)
	codes := []any{}
	for _, c := range t.codes {
		codes = append(codes, c)
	}
	var code any
	if n, err := strconv.ParseInt(t.code, 10, 64); err == nil {
		code = n
	}
	return map[string]any{
		"covers_s": t.covers.Seconds(), "starts": t.starts, "deaths": t.deaths, "deaths_unasked": t.unasked,
		"newest_death_s": age(t.death), "last_exit_code": code, "exit_codes": codes,
		"ooms": t.ooms, "newest_oom_s": age(t.oom), "kills": t.kills, "unhealthy": t.sick, "pulls": t.pulls,
		"made": t.made, "newest_made_s": age(t.birth), "events": rows,
	}
}

package docker

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func usageSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.usage",
		Question: "How much memory and processor do the service's containers use, and how near are they to their limits?",
		Why:      "A container at its limit is killed or held back while its machine has plenty.",
		Cost:     "one GET for each running container (8 at most); the engine takes two samples a second apart",
		Shape:    probe.Rows,
		Params:   []probe.Param{serviceParam()},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "of the container"},
			{Name: "memory_bytes", Type: "number", About: "what cannot be given back: without the cache of files that nobody has used lately"},
			{Name: "memory_limit_bytes", Type: "number", About: "null without a limit"},
			{Name: "memory_share", Type: "number", About: "of the limit; null without one"},
			{Name: "cpu_cores", Type: "number", About: "used within the last second"},
			{Name: "cpu_limit_cores", Type: "number", About: "null without a limit"},
			{Name: "cpu_share", Type: "number", About: "of the limit; null without one"},
			{Name: "throttled_share", Type: "number", About: "periods of the last second in which it was stopped at its limit; null without a limit"},
			{Name: "throttled_share_ever", Type: "number", About: "the same since its start"},
			{Name: "pids", Type: "number", About: "processes and threads"},
			{Name: "pids_limit", Type: "number", About: "null without a limit"},
			{Name: "started_s", Type: "number", About: "seconds since its start"},
		},
		Outcomes: []probe.Outcome{
			{When: "memory_share is near 1", Means: "the next large request gets something in it killed"},
			{When: "throttled_share is above a quarter", Means: "it stands still at its CPU limit: answers are late for no other reason"},
			{When: "no data", Means: "no container of the service runs"},
		},
	}
}

// stats is what is read of a container's figures.
type stats struct {
	Read     time.Time `json:"read"`
	Preread  time.Time `json:"preread"`
	CPU      cpuStats  `json:"cpu_stats"`
	Before   cpuStats  `json:"precpu_stats"`
	PidStats struct {
		Current int64   `json:"current"`
		Limit   float64 `json:"limit"` // the largest uint64 is none
	} `json:"pids_stats"`
	Memory struct {
		Usage int64              `json:"usage"`
		Stats map[string]float64 `json:"stats"`
	} `json:"memory_stats"`
}

type cpuStats struct {
	Usage struct {
		Total int64 `json:"total_usage"` // nanoseconds
	} `json:"cpu_usage"`
	Throttling struct {
		Periods   int64 `json:"periods"`
		Throttled int64 `json:"throttled_periods"`
	} `json:"throttling_data"`
}

// memory is usage without the cache of files that nobody has used lately, as
// `docker stats` has it.
func (s stats) memory() int64 {
	for _, key := range []string{"total_inactive_file", "inactive_file"} { // control groups of version 1, of version 2
		if v, ok := s.Memory.Stats[key]; ok && int64(v) < s.Memory.Usage {
			return s.Memory.Usage - int64(v)
		}
	}
	return s.Memory.Usage
}

// mostUsed bounds how many containers are measured: each takes the engine a second or two.
const mostUsed = 8

func (t *target) usage(ctx context.Context, q probe.Question) evidence.Answer {
	found, _, _, err := t.of(ctx, q)
	if err != nil {
		return answer(err)
	}
	var run []summary
	for _, s := range found {
		if s.State == "running" {
			run = append(run, s)
		}
	}
	if len(run) == 0 {
		return evidence.Not(evidence.NoData, "no container of "+t.service(q)+" runs", "")
	}
	var notes []string
	if len(run) > mostUsed {
		notes = append(notes, fmt.Sprintf("%d containers run, of which %d are measured", len(run), mostUsed))
		run = run[:mostUsed]
	}
	all, err := t.inspect(ctx, run)
	if err != nil {
		return answer(err)
	}
	figures, errs := make([]stats, len(all)), make([]error, len(all))
	each(len(all), func(i int) {
		errs[i] = t.client.get(ctx, "/containers/"+all[i].ID+"/stats", url.Values{"stream": {"false"}}, &figures[i])
	})
	rows := []any{}
	for i, c := range all {
		if errs[i] != nil {
			err = errs[i]
			continue
		}
		rows = append(rows, t.used(c, figures[i]))
	}
	switch {
	case len(rows) == 0 && err != nil:
		return answer(err)
	case err != nil:
		notes = append(notes, "some could not be measured: "+answer(err).Reason)
	}
	return evidence.Of(rows, notes...)
}

func (t *target) used(c container, s stats) map[string]any {
	row := map[string]any{
		"name": c.Name, "memory_bytes": s.memory(), "memory_limit_bytes": nil, "memory_share": nil,
		"cpu_cores": nil, "cpu_limit_cores": nil, "cpu_share": nil, "throttled_share": nil, "throttled_share_ever": nil,
		"pids": s.PidStats.Current, "pids_limit": nil, "started_s": t.age(c.State.StartedAt),
	}
	if limit := c.HostConfig.Memory; limit > 0 {
		row["memory_limit_bytes"] = limit
		row["memory_share"] = float64(s.memory()) / float64(limit)
	}
	limit := c.cpuLimit()
	if took := s.Read.Sub(s.Preread).Seconds(); took > 0 && took < 60 && s.CPU.Usage.Total >= s.Before.Usage.Total {
		cores := float64(s.CPU.Usage.Total-s.Before.Usage.Total) / 1e9 / took
		row["cpu_cores"] = cores
		if limit > 0 {
			row["cpu_share"] = cores / limit
		}
	}
	if limit > 0 {
		row["cpu_limit_cores"] = limit
		row["throttled_share"] = share(s.CPU.Throttling.Throttled-s.Before.Throttling.Throttled, s.CPU.Throttling.Periods-s.Before.Throttling.Periods)
		row["throttled_share_ever"] = share(s.CPU.Throttling.Throttled, s.CPU.Throttling.Periods)
	}
	const noLimit = 1 << 40
	if s.PidStats.Limit > 0 && s.PidStats.Limit < noLimit {
		row["pids_limit"] = int64(s.PidStats.Limit)
	}
	return row
}

// share is part of whole, 0 where nothing was counted.
func share(part, whole int64) float64 {
	if whole <= 0 || part < 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

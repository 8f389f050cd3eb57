package host

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func clockSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.clock",
		Question: "Is the clock kept right?",
		Why:      `A wrong clock shows as "token not yet valid", "certificate not yet valid" and refused signatures, never as a wrong clock.`,
		Cost:     "one system call",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "synchronised", Type: "bool", About: "the kernel is told the right time by somebody (NTP); false inside of some virtual machines that are right all the same"},
			{Name: "offset_s", Type: "number", About: "correction that is still being worked in, seconds"},
			{Name: "max_error_s", Type: "number", About: "largest error that the kernel thinks possible, seconds"},
			{Name: "now", Type: "number", About: "this machine's time, seconds since 1970"},
			{Name: "up_s", Type: "number", About: "seconds since the machine started"},
		},
		Outcomes: []probe.Outcome{
			{When: "synchronised is false", Means: "nobody sets this clock: compare it with another (http.check has clock_offset_s)"},
		},
	}
}

func (t *target) clock(ctx context.Context, _ probe.Question) evidence.Answer {
	if !t.config.own() {
		return evidence.Not(evidence.NotApplicable, "the clock can be asked on the machine itself only", "")
	}
	var c clockState
	err := t.request(ctx, func() (err error) { c, err = readClock(); return err })
	if err != nil {
		return failure("ask the clock", err)
	}
	return evidence.Of(map[string]any{
		"synchronised": c.synchronised, "offset_s": c.offset, "max_error_s": c.maxError,
		"now": float64(t.tools.Now().UnixMilli()) / 1000, "up_s": t.sys.uptime(),
	})
}

package host

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func bootSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.boot",
		Question: "When did the machine start?",
		Why:      "What runs only until the next boot (a mount, a setting, a service that nobody enabled) is missing after it.",
		Cost:     "one small file",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "booted", Type: "number", About: "when the kernel started, seconds since 1970; of a container, that of its host"},
		},
		Outcomes: []probe.Outcome{{When: "booted is shortly before the onset", Means: "the machine restarted: look for what did not come back"}},
		Changes:  []probe.Moment{{Kind: probe.Boot, At: "booted", What: "the machine"}}, Timeline: true,
	}
}

func (t *target) boot(ctx context.Context, _ probe.Question) evidence.Answer {
	booted := 0.0
	err := t.request(ctx, func() error {
		data, err := t.sys.read("stat")
		if err != nil {
			return err
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if text, ok := strings.CutPrefix(line, "btime "); ok {
				booted, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
				return err
			}
		}
		return errors.New("the kernel does not say when it started")
	})
	if err != nil {
		return failure("look at the kernel", err)
	}
	return evidence.Of(map[string]any{"booted": booted})
}

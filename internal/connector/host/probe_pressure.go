package host

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func pressureSpec() probe.Spec {
	fields := []probe.Field{}
	for _, what := range []string{"cpu", "memory", "io"} {
		fields = append(fields,
			probe.Field{Name: what + "_some10", Type: "number", About: "share of the last 10 s in which some task waited for " + what + ", 0 to 1"},
			probe.Field{Name: what + "_some60", Type: "number", About: "the same over 60 s"},
			probe.Field{Name: what + "_some300", Type: "number", About: "the same over 300 s"},
			probe.Field{Name: what + "_full10", Type: "number", About: "share of the last 10 s in which all tasks waited at once, 0 to 1"},
			probe.Field{Name: what + "_full60", Type: "number", About: "the same over 60 s"},
		)
	}
	return probe.Spec{
		Name:     "host.pressure",
		Question: "How much time do tasks lose waiting for CPU, memory or disks?",
		Why:      "Use says how full a resource is; pressure says whether anybody suffers from it.",
		Cost:     "three small files",
		Shape:    probe.Object,
		Fields:   fields,
		Outcomes: []probe.Outcome{
			{When: "memory_full10 is over 0.05", Means: "thrashing: work stands still for want of memory"},
			{When: "io_full10 is high and cpu_some10 is low", Means: "the disk is the limit"},
		},
	}
}

// pressure reads one file of PSI: some10, some60, some300, full10, full60 as
// shares of time. Kernels before 5.13 have no "full" line for the CPU.
func (s system) pressure(what string) (map[string]float64, error) {
	data, err := s.read("pressure", what)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		for _, pair := range f[min(len(f), 1):] {
			name, value, _ := strings.Cut(pair, "=")
			span, ok := strings.CutPrefix(name, "avg")
			if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
				out[f[0]+span] = n / 100
			}
		}
	}
	return out, nil
}

func (t *target) pressure(ctx context.Context, _ probe.Question) evidence.Answer {
	v := map[string]any{}
	err := t.request(ctx, func() error {
		for _, what := range []string{"cpu", "memory", "io"} {
			p, err := t.sys.pressure(what)
			if err != nil {
				return err
			}
			for _, k := range []string{"some10", "some60", "some300", "full10", "full60"} {
				v[what+"_"+k] = p[k]
			}
		}
		return nil
	})
	switch {
	case os.IsNotExist(err):
		return evidence.Not(evidence.NotApplicable, "this kernel does not measure pressure", "start it with psi=1 (Linux 4.20 and later)")
	case err != nil:
		return failure("read the pressure files", err)
	}
	return evidence.Of(v)
}

package promtext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		options map[string]string
		want    string // part of the only problem; empty: none
		at      string // the text at which it points
		warning bool
	}{
		"a sound query with holes": {text: `sum(rate(http_requests_total{service="${service}"}[${window}])) > ${limit}`},
		"a missing bracket":        {text: `sum(rate(x[5m])`, want: "unclosed left parenthesis", at: ""},
		"an unknown function, after a hole": {
			text: `up{service="${service}"} + foo(x)`, want: `unknown function with name "foo"`, at: "foo(x)",
		},
		"a hole that is a metric name": {text: `rate(${metric}[5m])`, want: "PromQL:", at: "[5m]"},
		"histogram_quantile over the bare name": {
			text: `histogram_quantile(0.95, request_duration_seconds)`, want: "gives nothing for a classic histogram", at: "histogram_quantile", warning: true,
		},
		"histogram_quantile as it should be": {text: `histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))`},
		"a selector of everything": {
			text: `count({job=~".+"})`, want: "every series", at: `{job=~".+"}`, warning: true,
		},
		"a rate of a gauge": {
			text: `rate(process_resident_memory_bytes[5m])`, want: "looks like a gauge", at: "rate", warning: true,
		},
		"a window where a value must be": {
			text: `up[5m]`, options: map[string]string{"range": "1h"}, want: "one value at a time",
		},
		"a window asked once":     {text: `up[5m]`},
		"a range with a bad unit": {text: `up`, options: map[string]string{"range": "30"}, want: "range=30"},
		"a step without a range":  {text: `up`, options: map[string]string{"step": "15s"}, want: "only with range"},
		"range and since":         {text: `up`, options: map[string]string{"range": "1h", "since": "1h"}, want: "keep one"},
		"too many points":         {text: `up`, options: map[string]string{"range": "30d", "step": "1s"}, want: "11000 points"},
		"a limit of nothing":      {text: `up`, options: map[string]string{"limit": "0"}, want: "limit=0"},
		"a bare text":             {text: `"up"`, want: "asks nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl, err := probe.ParseTemplate(c.text)
			require.NoError(t, err)
			problems := promtext.Check(tmpl, c.options)
			if c.want == "" {
				require.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			require.Contains(t, problems[0].Text, c.want)
			require.Equal(t, c.warning, problems[0].Warning)
			require.True(t, strings.HasPrefix(c.text[problems[0].Offset:], c.at), "points at %q", c.text[problems[0].Offset:])
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`sum(rate(x{a="${b}"}[${c}])) / ${d}`)
	f.Add("`${a}`[")
	f.Fuzz(func(t *testing.T, text string) {
		tmpl, err := probe.ParseTemplate(text)
		if err != nil {
			return
		}
		for _, p := range promtext.Check(tmpl, nil) {
			if p.Offset < 0 || p.Offset > len(text) {
				t.Errorf("offset %d outside of %q", p.Offset, text)
			}
		}
	})
}

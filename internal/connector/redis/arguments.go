package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/probe"
)

// arguments are those of one built-in question, defaults filled in.
type arguments map[string]any

// fillArguments takes what was given and the defaults of the spec. Values
// arrive with their declared types; defaults are texts and are read here.
func fillArguments(spec probe.Spec, given map[string]any) (arguments, error) {
	out := arguments{}
	known := map[string]bool{}
	for _, p := range spec.Params {
		known[p.Name] = true
		v, ok := given[p.Name]
		if !ok || v == nil {
			v = p.Default
		}
		value, err := readArgument(p, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		out[p.Name] = value
	}
	for name := range given {
		if !known[name] {
			return nil, fmt.Errorf("it has no argument %q", name)
		}
	}
	return out, nil
}

func readArgument(p probe.Param, v any) (any, error) {
	text, isText := v.(string)
	switch p.Type {
	case probe.Duration:
		if d, ok := v.(time.Duration); ok {
			return d, nil
		}
		if isText {
			return time.ParseDuration(text)
		}
	case probe.Number:
		switch n := v.(type) {
		case float64:
			return n, nil
		case int64:
			return float64(n), nil
		case int:
			return float64(n), nil
		}
		if isText {
			return strconv.ParseFloat(text, 64)
		}
	case probe.Text:
		if isText {
			return text, nil
		}
	}
	return nil, fmt.Errorf("%v is not a %s", v, p.Type)
}

func (a arguments) duration(name string) time.Duration { d, _ := a[name].(time.Duration); return d }
func (a arguments) number(name string) float64         { n, _ := a[name].(float64); return n }
func (a arguments) text(name string) string            { s, _ := a[name].(string); return s }

// pause waits between two samples; the server hears nothing of us meanwhile.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// windowParam is the argument of every question that takes two samples.
func windowParam() probe.Param {
	return probe.Param{Name: "window", Type: probe.Duration, Default: "1s", About: "time between the two samples; 100ms to 30s"}
}

// window bounds the time between two samples.
func (a arguments) window() time.Duration {
	return min(max(a.duration("window"), 100*time.Millisecond), 30*time.Second)
}

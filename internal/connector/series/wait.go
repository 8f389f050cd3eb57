package series

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
	engine "github.com/quellhq/quell/internal/series"
)

// scrapesNeeded is how many samples a fence needs before it can be answered: a
// rate, a range and anything over time two, a plain value one.
func scrapesNeeded(q probe.Question) int {
	if q.Options["range"] != "" || q.Options["since"] != "" {
		return 2
	}
	text, err := promtext.Fill(q.Text)
	if err != nil {
		return 1
	}
	expr, err := promtext.NewParser().ParseExpr(text)
	if err != nil {
		return 1
	}
	need := 1
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node.(type) {
		case *parser.MatrixSelector, *parser.SubqueryExpr:
			need = 2
		}
		return nil
	})
	return need
}

// ready waits until every endpoint was tried often enough, or most of the time
// allowed is over. It fails only where nothing at all was read by then.
func (t *Target) ready(ctx context.Context, need int) (evidence.Answer, bool) {
	bounded := ctx
	if deadline, ok := ctx.Deadline(); ok {
		// A fifth of the time is left for the query itself.
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, time.Until(deadline)*4/5)
		defer cancel()
	}
	err := t.scraper.Wait(bounded, func(states []engine.State) bool {
		return enough(states, need, time.Time{}) == len(states)
	})
	if ctx.Err() != nil {
		return connector.Failure("wait for samples", ctx.Err()), false
	}
	if err != nil && enough(t.scraper.States(), 1, time.Time{}) == 0 {
		return evidence.Not(evidence.TimedOut, "no endpoint answered within the time allowed", ""), false
	}
	return evidence.Answer{}, true
}

// enough counts the endpoints that were tried at least need times, all of them
// before the given time (the zero time: at any time). One that fails counts
// after its first failure: trying again rarely helps, and never within a second.
func enough(states []engine.State, need int, before time.Time) int {
	n := 0
	for _, s := range states {
		tried := s.Scrapes >= need || s.Scrapes > 0 && s.Err != nil
		if need > 1 && !before.IsZero() {
			// The second scrape lies a second after the first.
			tried = tried && s.First.Add(time.Second).Before(before)
		} else if !before.IsZero() {
			tried = tried && s.First.Before(before)
		}
		if tried {
			n++
		}
	}
	return n
}

// newest is the time of the newest scrape, or now where there was none later.
func newest(states []engine.State, now time.Time) time.Time {
	for _, s := range states {
		if s.Last.After(now) {
			now = s.Last
		}
	}
	// Samples carry whole milliseconds, rounded down; this one must be inside.
	return now.Truncate(time.Millisecond).Add(time.Millisecond)
}

// failing returns why endpoints cannot be read, and whether none can.
func failing(states []engine.State) (first *evidence.Answer, all bool) {
	bad := 0
	for _, s := range states {
		if s.Err == nil {
			continue
		}
		bad++
		if first == nil {
			a := scrapeFailure(s)
			first = &a
		}
	}
	return first, bad == len(states)
}

// scrapeFailure turns the error of a scrape into an answer.
func scrapeFailure(s engine.State) evidence.Answer {
	what := "read the metrics of " + s.Labels["instance"]
	text := s.Err.Error()
	switch cause := promtext.ScrapeCause(text); {
	case cause == "unauthorized" || cause == "forbidden":
		return evidence.Not(evidence.Denied, what+": "+text, "set user and password, or bearer, for this target")
	case cause == "not_found":
		return evidence.Not(evidence.Unreachable, what+": "+text, "correct the path of the address in scrape")
	case cause == "wrong_format":
		return evidence.Not(evidence.Invalid, what+": the page is not metrics: "+text, "correct the address in scrape")
	case cause == "limit", strings.HasPrefix(text, "more than "):
		return evidence.Not(evidence.Refused, what+": "+text, "")
	case strings.HasPrefix(text, "server returned"):
		return evidence.Not(evidence.Unreachable, what+": "+text, "")
	}
	return connector.Failure(what, s.Err)
}

// patience passes scrapes through the target's gate while an investigation's
// budget lasts. An owner that lives longer goes on after a pause, with a fresh
// gate that still backs off: a budget bounds one investigation, and a scraper
// serves many.
type patience struct {
	mu   sync.Mutex
	gate *connector.Gate
}

const restAfterBudget = 30 * time.Second

func (p *patience) enter(ctx context.Context) (func(), error) {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	leave, err := gate.Enter(ctx)
	if err == nil || !errors.Is(err, connector.ErrBudget) && !errors.Is(err, connector.ErrBackedOff) {
		return leave, err
	}
	timer := time.NewTimer(restAfterBudget)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	limits := gate.Limits()
	limits.Requests, limits.Busy = 1<<30, 1<<62
	p.mu.Lock()
	if p.gate == gate {
		p.gate = connector.NewGate(limits)
	}
	gate = p.gate
	p.mu.Unlock()
	return gate.Enter(ctx)
}

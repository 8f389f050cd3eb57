package run

import (
	"context"
	"fmt"
	"runtime/debug"
	"sort"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// grace is how long past its deadline a connector may take to come back before
// we stop waiting for it.
const grace = 500 * time.Millisecond

// Ask asks everything at once and returns when every question has an answer or
// a reason for none. Cancelling ctx ends it early with what is known so far.
func (i Investigation) Ask(ctx context.Context) Result {
	i = i.filled()
	start := i.Clock()
	p := i.plan()
	recorded := i.recorded()
	for _, t := range i.Targets {
		if t.Gate != nil && recorded == nil {
			t.Gate.Begin()
		}
	}
	budgeted, cancel := context.WithTimeout(ctx, i.Budget)
	defer cancel()

	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		done  int
		late  int // left without an answer by the end of the budget
		slots = make(chan struct{}, i.AtOnce)
	)
	open := map[string]int{} // questions without an answer yet, by target
	for _, a := range p.order {
		open[a.target.Name]++
	}
	i.Progress(Event{Planned: len(p.order), Waiting: sortedNames(open)})
	for _, a := range p.waitersFirst() {
		leave := func() {}
		select {
		case slots <- struct{}{}: // here, and not in the goroutine: in this order
			leave = func() { <-slots }
		case <-budgeted.Done():
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer leave()
			var e evidence.Evidence
			if recorded != nil {
				e = recorded.answer(i.blank(a), i.Now)
			} else {
				e = i.one(ctx, budgeted, a)
			}
			mu.Lock()
			defer mu.Unlock()
			a.result = &e
			done++
			if budgeted.Err() != nil && ctx.Err() == nil && !e.Known() {
				late++
			}
			if open[e.Target]--; open[e.Target] == 0 {
				delete(open, e.Target)
			}
			i.Progress(Event{Planned: len(p.order), Done: done, Evidence: &e, Waiting: sortedNames(open)})
		}()
	}
	wg.Wait()

	result := Result{Subjects: p.subject, Skipped: p.skipped, At: i.Now, Interrupted: ctx.Err() != nil, OutOfTime: late}
	for _, r := range p.readers {
		e := *r.asking.result
		e.Probe = r.probe
		result.Subjects[r.subject].Evidence[r.probe] = e
	}
	logs := i.logs(p)
	for n := range result.Subjects {
		result.Subjects[n].Changes = logs[result.Subjects[n].Service]
	}
	for _, a := range p.order {
		result.Evidence = append(result.Evidence, *a.result)
	}
	result.Costs = i.costs()
	result.Took = i.Clock().Sub(start)
	return result
}

// one asks a single question within its own deadline. user is the context that
// Ctrl-C cancels; budgeted also ends with the budget of the investigation.
func (i Investigation) one(user, budgeted context.Context, a *asking) evidence.Evidence {
	start := i.Clock()
	e := i.blank(a)
	switch {
	case user.Err() != nil:
		e.Answer = evidence.Not(evidence.NotAsked, "interrupted before it was asked", "")
	case budgeted.Err() != nil:
		e.Answer = evidence.Not(evidence.NotAsked, fmt.Sprintf("the time for all questions (%s) was used up", i.Budget), "")
	default:
		e.Answer = i.within(user, budgeted, a)
	}
	e.At = i.Clock()
	e.Took = e.At.Sub(start)
	return e
}

// blank is the evidence of a question before it has an answer.
func (i Investigation) blank(a *asking) evidence.Evidence {
	return evidence.Evidence{Probe: a.question.Name, Question: i.Redact.Text(a.shown), Target: a.target.Name, Service: a.service, Options: a.question.Options}
}

// within asks with a deadline that holds even if the connector does not keep
// it, and survives a connector that panics.
func (i Investigation) within(user, budgeted context.Context, a *asking) evidence.Answer {
	ctx, cancel := context.WithTimeout(budgeted, i.Timeout)
	defer cancel()
	answers := make(chan evidence.Answer, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				answers <- evidence.Not(evidence.Invalid, fmt.Sprintf("a bug in connector %s: %v", a.target.Kind, r), string(debug.Stack()))
			}
		}()
		answers <- a.target.Prober.Ask(ctx, a.question)
	}()
	select {
	case answer := <-answers:
		return i.clean(answer)
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case answer := <-answers:
		return i.clean(answer)
	case <-timer.C:
	}
	if user.Err() != nil {
		return evidence.Not(evidence.NotAsked, "interrupted while it was asked", "")
	}
	return evidence.Not(evidence.TimedOut, fmt.Sprintf("no answer within %s", i.Timeout), "")
}

// clean makes an answer plain, bounded and free of secrets.
func (i Investigation) clean(a evidence.Answer) evidence.Answer {
	a.Reason = i.Redact.Text(a.Reason)
	a.Hint = i.Redact.Text(a.Hint)
	for n := range a.Notes {
		a.Notes[n] = i.Redact.Text(a.Notes[n])
	}
	if a.Status != evidence.Answered {
		a.Value = nil
		return a
	}
	value := evidence.Plain(a.Value)
	if list, ok := value.([]any); ok && len(list) > i.Rows {
		a.Notes = append(a.Notes, fmt.Sprintf("cut at %d of %d", i.Rows, len(list)))
		value = list[:i.Rows]
	}
	a.Value = i.Redact.Value(value)
	return a
}

func (i Investigation) costs() []Cost {
	var costs []Cost
	for _, name := range sortedNames(i.Targets) {
		t := i.Targets[name]
		if t.Gate == nil {
			continue
		}
		if c := t.Gate.Cost(); c != (connector.Cost{}) {
			costs = append(costs, Cost{Target: name, Kind: t.Kind, Cost: c})
		}
	}
	sort.SliceStable(costs, func(a, b int) bool { return costs[a].Target < costs[b].Target })
	return costs
}

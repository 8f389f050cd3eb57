package logs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

// together has the queries that come at about the same time answered by one
// reading of the files: an investigation asks a hundred of them. The first is read
// for at once, and those that come meanwhile wait for the next reading.
type together struct {
	mu      sync.Mutex
	waiting map[span][]*waiter
	busy    map[span]bool // somebody reads, and will look for who waits
}

// span is what one reading is for; only questions of the same span share one.
type span struct {
	service string
	end     int64         // nanoseconds since 1970
	reach   time.Duration // how far back the reading looks at most
}

// near is how far most questions look back. They share a reading, for what one of
// ten minutes needs is a part of what one of thirty reads anyway. Who looks back
// further shares with those of the same reach: a day of lines takes long to read, and
// nobody else shall wait for it.
const near = 30 * time.Minute

// reachOf is the reach of the reading that a question belongs to.
func reachOf(query logql.Query, asked logql.Asked) time.Duration {
	reach := query.Reach(asked)
	if reach <= near {
		return near
	}
	return reach
}

// waiter is a question that waits for its answer.
type waiter struct {
	question logql.Question
	outcome  logql.Outcome
	done     chan struct{}
	gone     bool // nobody wants the answer any more
	reading  *reading
}

// reading ends when nobody waits for it any more.
type reading struct {
	wanted int
	cancel context.CancelFunc
}

// answer answers a query. Errors are those of logql.Run.
func (t *Target) answer(ctx context.Context, q probe.Question, query logql.Query, asked logql.Asked, limits logql.Limits) (logql.Result, error) {
	if err := ctx.Err(); err != nil { // a reading that is quick must not win against time that is over
		return logql.Result{}, err
	}
	s := span{q.Service.Name, asked.End.UnixNano(), reachOf(query, asked)}
	w := &waiter{question: logql.Question{Query: query, Asked: asked, Limits: limits}, done: make(chan struct{})}
	if t.together.join(s, w) {
		go t.readFor(s, q)
	}
	select {
	case <-w.done:
		return w.outcome.Result, w.outcome.Err
	case <-ctx.Done():
		t.together.leave(w)
		return logql.Result{}, ctx.Err()
	}
}

// join reports whether the caller has to start a reader.
func (g *together) join(s span, w *waiter) (first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting, g.busy = map[span][]*waiter{}, map[span]bool{}
	}
	g.waiting[s] = append(g.waiting[s], w)
	first = !g.busy[s]
	g.busy[s] = true
	return first
}

func (g *together) leave(w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.gone = true
	if r := w.reading; r != nil {
		if r.wanted--; r.wanted == 0 {
			r.cancel()
		}
	}
}

// next takes all who wait; none where the reader may end.
func (g *together) next(s span, cancel context.CancelFunc) []*waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &reading{cancel: cancel}
	var list []*waiter
	for _, w := range g.waiting[s] {
		if !w.gone {
			w.reading = r
			list = append(list, w)
		}
	}
	r.wanted = len(list)
	delete(g.waiting, s)
	if len(list) == 0 {
		delete(g.busy, s)
	}
	return list
}

// readFor reads again and again until nobody waits.
func (t *Target) readFor(s span, q probe.Question) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), t.tools.Gate.Limits().Timeout)
		list := t.together.next(s, cancel)
		if len(list) > 0 {
			t.readOnce(ctx, q, list)
		}
		cancel()
		if len(list) == 0 {
			return
		}
	}
}

// readOnce is one reading. Whatever happens, everybody gets an answer.
func (t *Target) readOnce(ctx context.Context, q probe.Question, list []*waiter) {
	var failed error
	defer func() {
		if p := recover(); p != nil {
			failed = fmt.Errorf("reading log files went wrong: %v", p)
		}
		for _, w := range list {
			if failed != nil {
				w.outcome.Err = failed
			}
			close(w.done)
		}
	}()
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		failed = err
		return
	}
	defer leave()
	files, err := t.files(q)
	if err != nil {
		failed = err
		return
	}
	questions := make([]logql.Question, len(list))
	for i, w := range list {
		questions[i] = w.question
	}
	outcomes, err := logql.RunTogether(ctx, questions, files)
	if err != nil {
		failed = err
		return
	}
	for i, w := range list {
		w.outcome = outcomes[i]
	}
}

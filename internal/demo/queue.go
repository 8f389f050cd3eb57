package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

const jobQueue = "receipts"

// job is one piece of work for later.
type job struct {
	id      int64
	order   int64
	added   time.Time
	attempt int
}

// queue holds jobs and the workers that run them.
type queue struct {
	meter *meter
	log   *journal

	mu         sync.Mutex
	more       *sync.Cond // a job came, or the end
	waiting    []job
	next       int64
	alive      int
	busy       int
	heartbeats map[int]time.Time
	hired      int
	aside      map[int64]job // jobs that somebody has put aside, by id
	ended      bool
	done       sync.WaitGroup
}

// queueState is a look at the queue.
type queueState struct {
	waiting, alive, busy int
	hopeless             int // waiting jobs that failed before
	oldest               time.Duration
	heartbeats           map[int]time.Time
}

func newQueue(m *meter, log *journal) *queue {
	q := &queue{meter: m, log: log, heartbeats: map[int]time.Time{}, aside: map[int64]job{}}
	q.more = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(order int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	q.waiting = append(q.waiting, job{id: q.next, order: order, added: time.Now()})
	q.meter.enqueued.add(1, jobQueue)
	q.more.Signal()
}

// addFirst puts a job at the head, where a retry goes.
func (q *queue) addFirst(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.id == 0 {
		q.next++
		j.id = q.next
		q.meter.enqueued.add(1, jobQueue)
	}
	if _, aside := q.aside[j.id]; aside {
		q.aside[j.id] = j
		return
	}
	q.waiting = append([]job{j}, q.waiting...)
	q.more.Signal()
}

// putAside takes jobs out of the queue, and keeps them: those that wait now,
// and those that would come back from a worker.
func (q *queue) putAside(ids []int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.aside[id] = job{id: id}
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(j job) bool {
		_, aside := q.aside[j.id]
		if aside {
			q.aside[j.id] = j
		}
		return aside
	})
}

// isAside reports whether all these jobs were put aside.
func (q *queue) isAside(ids []int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !slices.ContainsFunc(ids, func(id int64) bool { _, aside := q.aside[id]; return !aside })
}

// kept is a queue in its file, while no process looks after it.
type kept struct {
	Next           int64
	Waiting, Aside []keptJob
}

type keptJob struct {
	ID, Order int64
	Added     time.Time
	Attempt   int
}

// write keeps the jobs that wait in a file.
func (q *queue) write(path string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := kept{Next: q.next}
	for _, j := range q.waiting {
		k.Waiting = append(k.Waiting, keptJob{j.id, j.order, j.added, j.attempt})
	}
	for _, j := range q.aside {
		k.Aside = append(k.Aside, keptJob{j.id, j.order, j.added, j.attempt})
	}
	return save(path, k)
}

// read takes up what the process before this one has kept.
func (q *queue) read(path string) error {
	var k kept
	if err := load(path, &k); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next = k.Next
	for _, j := range k.Waiting {
		q.waiting = append(q.waiting, job{j.ID, j.Order, j.Added, j.Attempt})
	}
	for _, j := range k.Aside {
		q.aside[j.ID] = job{j.ID, j.Order, j.Added, j.Attempt}
	}
	return nil
}

// take waits for a job. It returns false when the queue has ended.
func (q *queue) take(worker int) (job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.ended {
		q.more.Wait()
	}
	if q.ended {
		return job{}, false
	}
	j := q.waiting[0]
	q.waiting = q.waiting[1:]
	q.busy++
	q.heartbeats[worker] = time.Now()
	return j, true
}

// heartbeat is how often an idle worker gives a sign of life.
const heartbeat = time.Second

// start hires n workers, each of which runs work on every job it takes.
func (q *queue) start(ctx context.Context, n int, work func(context.Context, job) error) {
	for range n {
		q.mu.Lock()
		q.hired++
		q.alive++
		worker := q.hired
		q.heartbeats[worker] = time.Now()
		q.mu.Unlock()
		q.done.Add(1)
		go func() {
			defer q.done.Done()
			q.serve(ctx, worker, work)
		}()
	}
}

// serve is the life of one worker. A panic in a job ends it, and nobody starts
// another: that is how this shop was built.
func (q *queue) serve(ctx context.Context, worker int, work func(context.Context, job) error) {
	stop := make(chan struct{})
	var beating sync.WaitGroup
	beating.Add(1)
	go func() {
		defer beating.Done()
		q.beat(worker, stop)
	}()
	defer func() {
		trouble := recover()
		close(stop)
		beating.Wait()
		q.mu.Lock()
		q.alive--
		if trouble != nil {
			q.busy--
		}
		q.mu.Unlock()
		if trouble != nil {
			q.log.error("worker died", "worker", worker, "queue", jobQueue, "error_type", "Panic", "error", fmt.Sprint(trouble))
		}
	}()
	for {
		j, ok := q.take(worker)
		if !ok {
			return
		}
		q.run(ctx, worker, j, work)
	}
}

func (q *queue) beat(worker int, stop <-chan struct{}) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			q.mu.Lock()
			q.heartbeats[worker] = now
			q.mu.Unlock()
		}
	}
}

func (q *queue) run(ctx context.Context, worker int, j job, work func(context.Context, job) error) {
	start := time.Now()
	err := work(ctx, j)
	took := time.Since(start)
	q.meter.ran.observe(took.Seconds(), jobQueue)
	q.mu.Lock()
	q.busy--
	q.mu.Unlock()
	if err == nil {
		q.meter.worked.add(1, jobQueue, "ok")
		return
	}
	q.meter.worked.add(1, jobQueue, "failed")
	if ctx.Err() != nil {
		return
	}
	q.log.error("job failed", "job_id", j.id, "attempt", j.attempt, "worker", worker, "queue", jobQueue,
		"duration_ms", took.Milliseconds(), "error_type", "JobFailed", "error", err.Error())
	runtime.Gosched()
}

func (q *queue) state() queueState {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := queueState{waiting: len(q.waiting), alive: q.alive, busy: q.busy, heartbeats: make(map[int]time.Time, len(q.heartbeats))}
	if len(q.waiting) > 0 {
		oldest := q.waiting[0].added
		for _, j := range q.waiting {
			if j.added.Before(oldest) {
				oldest = j.added
			}
			if j.attempt > 0 {
				s.hopeless++
			}
		}
		s.oldest = time.Since(oldest)
	}
	for worker, at := range q.heartbeats {
		s.heartbeats[worker] = at
	}
	return s
}

// stop ends the workers and waits for them.
func (q *queue) stop() {
	q.mu.Lock()
	q.ended = true
	q.more.Broadcast()
	q.mu.Unlock()
	q.done.Wait()
}

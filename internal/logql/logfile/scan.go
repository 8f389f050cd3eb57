package logfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quellhq/quell/internal/logql"
)

// Read implements logql.Source: in one goroutine, each file from its oldest end
// on. What is missing when the budget is used up is the oldest part of the
// window all the same; a note says so. When no path at all can be read it
// returns *Failed.
func (f *Files) Read(ctx context.Context, w logql.Window, emit func([]logql.Record) error) ([]string, error) {
	reading, err := f.Scan(ctx, logql.Ask{Window: w, Workers: 1, Oldest: true}, func(_ int, batch []logql.Record) error { return emit(batch) })
	return reading.Notes, err
}

// Scan implements logql.Scanner. Files are cut into chunks that are read at the
// same time, the newest first; see chunk.go. Errors are those of Read.
func (f *Files) Scan(ctx context.Context, ask logql.Ask, take func(worker int, batch []logql.Record) error) (logql.Reading, error) {
	list, troubles := f.list()
	plan := f.plan(list, ask)
	defer plan.close()
	tasks := plan.tasks(ask.Oldest)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var busy sync.WaitGroup
	for number := range max(1, min(ask.Workers, len(tasks))) {
		busy.Go(func() {
			w := &worker{sieve: ask.Sieve, edge: ask.Edge, emit: func(batch []logql.Record) error { return take(number, batch) }, scratch: scratches.Get().(*scratch)}
			defer w.end()
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(tasks) {
					return
				}
				if err := w.do(ctx, tasks[n]); err != nil {
					cancel(err)
				}
			}
		})
	}
	busy.Wait()
	if err := context.Cause(ctx); err != nil {
		return logql.Reading{}, err
	}
	return plan.result(troubles)
}

// plan is the files of one question, each with what is to be read of it.
type plan struct {
	files  []*reading
	listed int // files that there are, those outside of the window among them
}

// plan opens the files, newest first, and gives each its share of the budget.
func (f *Files) plan(list []file, ask logql.Ask) *plan {
	p := &plan{listed: len(list)}
	ranks := ranksOf(list)
	left := f.config.Budget
	if ask.Most > 0 {
		left = min(left, ask.Most)
	}
	for _, file := range list {
		// What was last written before the window holds nothing of it.
		if file.size == 0 || !ask.Window.Start.IsZero() && file.modified.Before(ask.Window.Start.Add(-slack)) {
			continue
		}
		r := &reading{files: f, file: file, window: ask.Window, rank: ranks[file.path]}
		p.files = append(p.files, r)
		if left <= 0 {
			r.notes = append(r.notes, fmt.Sprintf("%s was not read: the budget of %s is used up, older lines are missing", file.path, size(f.config.Budget)))
			continue
		}
		r.prepare(left)
		if len(p.files) > keepOpen {
			r.pause()
		}
		left -= r.reserved
	}
	p.share(left)
	return p
}

// share gives what is left of the budget to the compressed files, in equal
// parts: how much they hold shows only when they are read, and nobody else
// wants it.
func (p *plan) share(left int64) {
	var packed []*reading
	for _, r := range p.files {
		if r.packed && r.trouble.Kind == 0 {
			packed = append(packed, r)
		}
	}
	for _, r := range packed {
		r.reserved += max(left, 0) / int64(len(packed))
	}
}

// ranksOf numbers files by name: the order of lines of the same time must not
// depend on which file was written last.
func ranksOf(list []file) map[string]int64 {
	paths := make([]string, len(list))
	for i, f := range list {
		paths[i] = f.path
	}
	slices.Sort(paths)
	ranks := make(map[string]int64, len(paths))
	for i, path := range paths {
		ranks[path] = int64(i)
	}
	return ranks
}

// tasks are the chunks in the order in which they are best read.
func (p *plan) tasks(oldest bool) []chunk {
	var all []chunk
	for _, r := range p.files {
		chunks := r.chunks()
		r.left = len(chunks)
		if !oldest {
			slices.Reverse(chunks)
		}
		all = append(all, chunks...)
	}
	return all
}

func (p *plan) close() {
	for _, r := range p.files {
		if r.content != nil {
			r.content.Close()
		}
		if r.sampled != nil {
			samples.Put(r.sampled)
		}
	}
}

// result puts together what was noted, file by file.
func (p *plan) result(troubles []Trouble) (logql.Reading, error) {
	var out logql.Reading
	unreadable := 0
	for _, r := range p.files {
		out.Bytes += r.spent
		out.Lines += r.counts.lines
		r.notesOf(r.counts)
		out.Notes = append(out.Notes, r.notes...)
		if r.trouble.Kind != 0 {
			unreadable++
			troubles = append(troubles, r.trouble)
		}
	}
	out.Failed = len(troubles)
	for _, t := range troubles {
		out.Notes = append(out.Notes, t.Path+": "+t.Reason)
	}
	if unreadable >= p.listed {
		return out, &Failed{Troubles: troubles}
	}
	return out, nil
}

// errSource marks an error of the file, not of the caller.
var errSource = errors.New("the file could not be read")

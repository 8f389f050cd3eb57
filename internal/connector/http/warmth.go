package http

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// visit is what came of asking for one path.
type visit struct {
	path   string
	asked  bool
	temp   temperature
	ok     bool
	cold   time.Duration // the first answer that was not from a cache; 0: none
	last   time.Duration
	text   string
	failed bool // no good answer
}

// quick is how fast an answer is that needs no warming. A person does not
// notice less (own value).
const quick = 50 * time.Millisecond

// warmed reports whether a path answers as from a cache: it says so, or it says
// nothing and is at least twice as fast as cold, or quick.
func warmed(v visit, before time.Duration) temperature {
	switch {
	case v.temp != noSign:
		return v.temp
	case v.failed || before == 0:
		return noSign
	case v.last <= quick || v.last <= before/2:
		return warm
	}
	return noSign
}

// round asks for paths with bounded concurrency and rate. Each visit is made by
// ask. It stops early when several in a row fail: a service that is ill needs no
// more visitors.
func round(ctx context.Context, paths []string, concurrency int, rate float64, ask func(context.Context, string) visit) []visit {
	visits := make([]visit, len(paths))
	next := make(chan int)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	failures := 0
	note := func(v visit) {
		mu.Lock()
		defer mu.Unlock()
		if !v.failed {
			failures = 0
		} else if failures++; failures >= enough {
			stop()
		}
	}
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for i := range next {
				visits[i] = ask(ctx, paths[i])
				note(visits[i])
			}
		})
	}
	pause := time.Duration(float64(time.Second) / rate)
	for i, path := range paths {
		visits[i] = visit{path: path, text: "not asked"}
		if i > 0 && !sleep(ctx, pause) || ctx.Err() != nil {
			continue
		}
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return visits
}

// enough failures in a row end a round.
const enough = 5

// visit asks for a path a single time. stored asks a cache to answer from what
// it holds and not to pass the request on (RFC 9111, only-if-cached); caches
// that do not know that pass it on.
func (t *target) visit(ctx context.Context, path string, stored bool) visit {
	v := visit{path: path, failed: true}
	req, err := t.to(path)
	if err != nil {
		v.text = err.Error()
		return v
	}
	req.headers.Set("User-Agent", actionAgent)
	if stored {
		req.headers.Set("Cache-Control", "only-if-cached")
	}
	ctx, cancel := connector.Within(ctx, req.timeout)
	defer cancel()
	var r result
	start := time.Now()
	t.send(ctx, req, &r) // past the gate: a round has bounds of its own
	r.total = time.Since(start)
	v.asked, v.last, v.temp = true, r.total, sign(r)
	v.text = fmt.Sprintf("%d after %.3f s", r.status, r.total.Seconds())
	if r.status == 0 {
		v.text = t.tools.Redact.Text(fmt.Sprintf("failed in phase %s after %.3f s: %v", r.phase, r.total.Seconds(), r.err))
	}
	v.ok = r.status >= 200 && r.status < 300 && r.phase == ""
	v.failed = !v.ok && !(stored && r.status == 504)
	return v
}

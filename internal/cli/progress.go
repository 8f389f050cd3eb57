package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/run"
)

// progress shows on a terminal how far a round of questions is: one line that
// is written over, and removed at the end. In a pipe it stays quiet.
type progress struct {
	out  io.Writer
	on   bool
	mu   sync.Mutex
	last run.Event
	stop chan struct{}
	done sync.WaitGroup
}

func newProgress(out io.Writer) *progress {
	on, _ := isTerminal(out)
	p := &progress{out: out, on: on, stop: make(chan struct{})}
	if on {
		p.done.Add(1)
		go p.spin()
	}
	return p
}

// Event takes note of one step.
func (p *progress) Event(e run.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = e
}

func (p *progress) spin() {
	defer p.done.Done()
	frames := []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-p.stop:
			fmt.Fprint(p.out, "\r\x1b[K")
			return
		case <-tick.C:
			p.mu.Lock()
			e := p.last
			p.mu.Unlock()
			text := "opening"
			if e.Planned > 0 {
				text = fmt.Sprintf("asking: %d of %d answered", e.Done, e.Planned)
				if e.Evidence != nil {
					text += ", last by " + e.Evidence.Target
				}
			}
			fmt.Fprintf(p.out, "\r\x1b[K%s %s", frames[n%len(frames)], text)
		}
	}
}

// Close removes the line.
func (p *progress) Close() {
	if p.on {
		close(p.stop)
		p.done.Wait()
	}
}

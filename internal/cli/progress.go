package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/run"
)

// progress shows on a terminal how far a round of questions is: one line that
// is written over, and removed at the end. In a pipe it stays quiet.
type progress struct {
	out   io.Writer
	on    bool
	width int
	mu    sync.Mutex
	last  run.Event
	stop  chan struct{}
	done  sync.WaitGroup
}

func newProgress(out io.Writer) *progress {
	on, width := isTerminal(out)
	if width == 0 {
		width = 80
	}
	p := &progress{out: out, on: on, width: width, stop: make(chan struct{})}
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
	start := time.Now()
	for n := 0; ; n++ {
		select {
		case <-p.stop:
			fmt.Fprint(p.out, "\r\x1b[K")
			return
		case <-tick.C:
			p.mu.Lock()
			e := p.last
			p.mu.Unlock()
			fmt.Fprintf(p.out, "\r\x1b[K%s %s", frames[n%len(frames)], fit(progressText(e, time.Since(start)), p.width-3))
		}
	}
}

// patience is after how long the line says what Ctrl-C would do.
const patience = 3 * time.Second

func progressText(e run.Event, since time.Duration) string {
	if e.Planned == 0 {
		return "opening"
	}
	text := fmt.Sprintf("%d of %d questions answered", e.Done, e.Planned)
	if e.Done == e.Planned {
		return text + ", concluding"
	}
	if since >= patience {
		text += fmt.Sprintf(", %.0f s (Ctrl-C: what is known so far)", since.Seconds())
	}
	return text + ", waiting for " + strings.Join(e.Waiting, ", ")
}

// fit keeps the line from wrapping, which would leave remains behind.
func fit(text string, width int) string {
	runes := []rune(text)
	if width < 20 || len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

// Close removes the line.
func (p *progress) Close() {
	if p.on {
		close(p.stop)
		p.done.Wait()
	}
}

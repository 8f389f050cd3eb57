package http

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// A diagnosis asks a service a dozen things at once. What spares a service that is
// slow, hangs or counts requests, and keeps our own footprint out of the answers,
// stands here.

// errSilent spares a service that hangs, and those who wait for the questions
// that tell so.
var errSilent = errors.New("another request was left without an answer, and what can wait is not asked")

// errSlow spares a service that is slow the questions that can wait.
var errSlow = errors.New("another request took over a second, and what can wait is not asked")

// errLimited spares a limit of requests that we have run into ourselves.
var errLimited = errors.New("we were turned away for asking too often, and what can wait is not asked")

// afterLimit is how long we wait where we were turned away: longer than the second
// that limits of requests count by.
const afterLimit = 1200 * time.Millisecond

// turnedAway reports an answer that a limit of requests gives: 429, or 503 as nginx
// has it where nothing else is configured. A service that is down may say 503 too.
func (r result) turnedAway() bool {
	return r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable
}

// failed is the answer where a request could not be made.
func failed(req request, err error) evidence.Answer {
	if errors.Is(err, errSilent) || errors.Is(err, errSlow) || errors.Is(err, errLimited) {
		return evidence.Not(evidence.NotAsked, err.Error(), "")
	}
	return connector.Failure("ask "+shown(req.url), err)
}

// sighting is when something was seen last, by nanoseconds since 1970. It is safe for
// concurrent use.
type sighting struct{ at atomic.Int64 }

// sameRound is how long what was seen of a service holds: the length of a
// diagnosis, and less than the pause before it is looked at anew.
const sameRound = 10 * time.Second

func (m *sighting) note(now time.Time) { m.at.Store(now.UnixNano()) }

func (m *sighting) lately(now time.Time) bool {
	at := m.at.Load()
	return at != 0 && now.UnixNano()-at < int64(sameRound)
}

// slow is from when on an answer counts as slow: far above what the simplest
// page of a service takes on a bad day.
const slow = time.Second

// noteSlow notes an answer that took long, but for one that had as much time as it
// likes.
func (t *target) noteSlow(req request) {
	switch {
	case !req.more:
		t.slow.note(t.tools.Now())
	case req.atMost == 0:
		t.slack.note(t.tools.Now())
	}
}

// tooSlow reports whether what can wait is not to be asked. Whoever has as much time
// as he likes is kept away by a slow service alone, and not by a page that is slow.
func (t *target) tooSlow(hasTime bool) bool {
	return t.slow.lately(t.tools.Now()) || !hasTime && t.slack.lately(t.tools.Now())
}

// briefTime is what a further request of those of health may take where one was
// left without an answer: it only has to tell whether that is still so.
const briefTime = 1500 * time.Millisecond

// firstWord lets what can wait begin after the first word about health has come: a
// slow service must not be busy with the former while the latter waits. The zero
// value is ready; it is safe for concurrent use.
type firstWord struct {
	begin, end sync.Once
	heard      chan struct{}
	until      time.Time
}

// longestWait is how long that is, where nobody asks about health at all.
const longestWait = 500 * time.Millisecond

func (f *firstWord) prepare() {
	f.begin.Do(func() { f.heard, f.until = make(chan struct{}), time.Now().Add(longestWait) })
}

func (f *firstWord) come() {
	f.prepare()
	f.end.Do(func() { close(f.heard) })
}

func (f *firstWord) wait(ctx context.Context) {
	f.prepare()
	timer := time.NewTimer(time.Until(f.until))
	defer timer.Stop()
	select {
	case <-f.heard:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// mostAgain bounds how often a target is asked once more in a round of questions.
const mostAgain = 5

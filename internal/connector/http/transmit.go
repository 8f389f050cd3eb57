package http

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// outcome is what is known of a call after it was sent. CannotTell: it may
// have happened.
type outcome struct {
	state     action.State
	temporary bool // of NotMade
	text      string
}

// pauses are waited before each further time that a call is sent, so there are
// three in all. A variable, since Go has no constant lists; nothing changes it.
var pauses = [...]time.Duration{500 * time.Millisecond, 1500 * time.Millisecond}

// transmit sends a call, and again while its fate is unknown and the server
// makes one of two. key is the order's.
func (t *target) transmit(ctx context.Context, f filled, key string) outcome {
	req := f.req
	if f.repeat == keyHeader {
		req.headers = req.headers.Clone()
		req.headers.Set(f.keyHeader, key)
	}
	unknown := false
	for i := 0; ; i++ {
		o := t.transmitOnce(ctx, f, req)
		unknown = unknown || o.state == action.CannotTell
		again := o.state == action.CannotTell || o.state == action.NotMade && o.temporary
		if !again || f.repeat == once || i == len(pauses) || !sleep(ctx, pauses[i]) {
			if unknown && o.state == action.NotMade {
				// An earlier one may have arrived, whatever became of this one.
				o = outcome{state: action.CannotTell, text: o.text + " (an earlier attempt may have arrived)"}
			}
			return o
		}
	}
}

func (t *target) transmitOnce(ctx context.Context, f filled, req request) outcome {
	r, err := t.do(ctx, req)
	text := t.tools.Redact.Text(fmt.Sprintf("call %s: %s", f.name, r.sentence()))
	switch {
	case err != nil && r.total == 0: // it has not passed the gate
		return outcome{action.NotMade, true, fmt.Sprintf("call %s: %s", f.name, err)}
	case errors.Is(err, context.Canceled):
		return outcome{state: action.CannotTell, text: fmt.Sprintf("call %s was interrupted", f.name)}
	case r.phase == "dns" || r.phase == "connect" || r.phase == "tls" || r.phase == "gate":
		return outcome{action.NotMade, true, text}
	case r.status == 0:
		return outcome{state: action.CannotTell, text: text}
	case r.status < 300:
		return outcome{state: action.Made, text: text}
	}
	if said, ok := bodyText(r.body); ok && said != "" {
		const longest = 200
		text += ": " + oneLine(t.tools.Redact.Text(said), longest)
	}
	switch {
	case r.status == 429:
		return outcome{action.NotMade, true, text}
	case r.status >= 500, r.status == 408, r.status == 409 && f.repeat == keyHeader:
		return outcome{state: action.CannotTell, text: text}
	}
	return outcome{action.NotMade, false, text}
}

func oneLine(text string, longest int) string {
	out := make([]rune, 0, longest)
	for _, r := range text {
		if r < ' ' {
			r = ' '
		}
		if out = append(out, r); len(out) == longest {
			return string(out) + "…"
		}
	}
	return string(out)
}

// reach connects to the target and hangs up: it is there, and nothing was sent.
func (t *target) reach(ctx context.Context, req request) error {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return &action.Unavailable{Text: fmt.Sprintf("reach %s: %s", shown(req.url), err)}
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, req.timeout)
	defer cancel()
	start := time.Now()
	var r result
	conn := t.connect(ctx, req, &r)
	if conn == nil {
		return &action.Unavailable{Text: fmt.Sprintf("reach %s: failed in phase %s after %.3f s: %v", shown(req.url), r.phase, time.Since(start).Seconds(), r.err)}
	}
	_ = conn.Close()
	return nil
}
